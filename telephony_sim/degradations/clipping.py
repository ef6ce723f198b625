"""An overdriven input stage."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """level_dbov: the level, relative to full scale, beyond which the input flattens."""

    level_dbov: Annotated[float, Range(-60, 0)]

    __post_init__ = check


class Clipping:
    """Hard clipping, as an analogue-to-digital converter does it."""

    def __init__(self, settings: Settings) -> None:
        self._limit = 32767 * 10 ** (settings.level_dbov / 20)

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Samples within the limit."""
        return np.clip(pcm, -self._limit, self._limit)


def build(settings: Settings, _rng: np.random.Generator) -> Clipping:
    """A clipper; it draws nothing."""
    return Clipping(settings)
