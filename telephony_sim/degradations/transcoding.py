"""A further codec on the way."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim import g711
from telephony_sim.degradations import Signal
from telephony_sim.settings import Choice, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A gateway that decodes and encodes again, as where a µ-law country calls an A-law one.

    law: of the codec on the far side of the gateway.
    """

    law: Annotated[str, Choice(("ulaw", "alaw"))] = "alaw"

    __post_init__ = check


class Transcoding:
    """One trip through the other law."""

    def __init__(self, settings: Settings) -> None:
        self._heard = g711.ulaw_heard if settings.law == "ulaw" else g711.alaw_heard

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Samples as they come out of that codec."""
        linear = np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)
        return self._heard(linear).astype(np.float64)


def build(settings: Settings, _rng: np.random.Generator) -> Transcoding:
    """A transcoder; it draws nothing."""
    return Transcoding(settings)
