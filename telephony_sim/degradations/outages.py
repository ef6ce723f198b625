"""Brief outages."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import PACKET_MS, Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Times when nothing gets through: a handover, a route change, a lift.

    per_minute: how many on average. mean_ms: mean length (exponential).
    """

    per_minute: Annotated[float, Range(0, 60)]
    mean_ms: Annotated[float, Range(20, 60_000)]

    __post_init__ = check

    @property
    def expected_loss(self) -> float:
        """Share of packets lost in the long run: the lengths over lengths and times between."""
        between_ms = 60_000 / self.per_minute if self.per_minute else float("inf")
        return self.mean_ms / (self.mean_ms + between_ms)


class Outages:
    """Poisson outages of exponential length."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._chance = settings.per_minute / (60_000 / PACKET_MS)
        self._mean_packets = settings.mean_ms / PACKET_MS
        self._rng = rng
        self._left = 0

    def draw(self, count: int) -> Signal:
        """1 for each packet that falls into an outage."""
        lost = np.zeros(count)
        begins, lengths = self._rng.random((count, 2)).T
        packets = np.maximum(np.rint(-self._mean_packets * np.log1p(-lengths)), 1)
        for index in range(count):
            if self._left == 0 and begins[index] < self._chance:
                self._left = int(packets[index])
            if self._left:
                lost[index] = 1
                self._left -= 1
        return lost

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Lose them."""
        transit.lost |= drawn > 0


def build(settings: Settings, rng: np.random.Generator) -> Outages:
    """A path that goes away now and then."""
    return Outages(settings, rng)
