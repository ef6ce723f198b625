"""A send or receive gain."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """gain_db: applied to every sample; negative for the loss of a long loop."""

    gain_db: Annotated[float, Range(-60, 60)]

    __post_init__ = check


class Gain:
    """A constant gain."""

    def __init__(self, settings: Settings) -> None:
        self._factor = 10 ** (settings.gain_db / 20)

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Scaled samples."""
        return pcm * self._factor


def build(settings: Settings, _rng: np.random.Generator) -> Gain:
    """A gain; it draws nothing."""
    return Gain(settings)
