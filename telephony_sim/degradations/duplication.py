"""Packets that arrive twice."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """probability: that a packet arrives twice. after_ms: how much later the copy comes.

    Delays that follow in the chain do not move the copy; losses take it along.
    """

    probability: Annotated[float, Range(0, 1)]
    after_ms: Annotated[float, Range(0, 1000)] = 5

    __post_init__ = check


class Duplication:
    """Copies of single packets."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._probability = settings.probability
        self._after_ms = settings.after_ms
        self._rng = rng

    def draw(self, count: int) -> Signal:
        """How much later in ms a copy comes; NaN where there is none."""
        return np.where(self._rng.random(count) < self._probability, self._after_ms, np.nan)

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Send the copies."""
        transit.copy_ms = np.where(np.isnan(drawn), transit.copy_ms, transit.delay_ms + drawn)


def build(settings: Settings, rng: np.random.Generator) -> Duplication:
    """A network that repeats itself."""
    return Duplication(settings, rng)
