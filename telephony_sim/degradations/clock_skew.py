"""Unequal clocks at the two ends."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import PACKET_MS, Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """ppm: parts per million by which the sender's clock is slow (positive) or fast (negative).

    Sound cards differ by tens of ppm, poor ones by hundreds. A slow sender's packets come later
    and later; a fast one's earlier and earlier, though never before they were sent: the drift
    stops once it has used up the delay of the path.
    """

    ppm: Annotated[float, Range(-10_000, 10_000)]

    __post_init__ = check


class ClockSkew:
    """A delay that grows or shrinks with time."""

    def __init__(self, settings: Settings) -> None:
        self._drift_ms = PACKET_MS * settings.ppm / 1e6
        self._sent = 0

    def draw(self, count: int) -> Signal:
        """Drift in ms since the call began, for each packet."""
        drift = self._drift_ms * np.arange(self._sent, self._sent + count, dtype=np.float64)
        self._sent += count
        return drift

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Add it."""
        transit.delay_ms += drawn


def build(settings: Settings, _rng: np.random.Generator) -> ClockSkew:
    """Clocks that agree at the start of the call; it draws nothing."""
    return ClockSkew(settings)
