"""A constant network delay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """delay_ms: one way, the same for every packet (propagation and serialisation)."""

    delay_ms: Annotated[float, Range(0, 5000)]

    __post_init__ = check


class Delay:
    """Constant delay."""

    def __init__(self, settings: Settings) -> None:
        self._delay_ms = settings.delay_ms

    def draw(self, count: int) -> Signal:
        """The delay in ms, for each packet."""
        return np.full(count, self._delay_ms)

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Add it."""
        transit.delay_ms += drawn


def build(settings: Settings, _rng: np.random.Generator) -> Delay:
    """A constant delay; it draws nothing."""
    return Delay(settings)
