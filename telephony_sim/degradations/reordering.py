"""Packets that overtake each other."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import PACKET_MS, Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """probability: that a packet is overtaken. by_packets: how many that follow it do so."""

    probability: Annotated[float, Range(0, 1)]
    by_packets: Annotated[int, Range(1, 50)] = 1

    __post_init__ = check


class Reordering:
    """Holds single packets back until those behind them have passed."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._probability = settings.probability
        # Half a packet more than the overtakers' distance, so that it lands clearly behind them.
        self._hold_ms = PACKET_MS * (settings.by_packets + 0.5)
        self._rng = rng

    def draw(self, count: int) -> Signal:
        """Extra delay in ms of each packet, mostly 0."""
        return np.where(self._rng.random(count) < self._probability, self._hold_ms, 0.0)

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Hold them back."""
        transit.delay_ms += drawn


def build(settings: Settings, rng: np.random.Generator) -> Reordering:
    """A network with more than one path."""
    return Reordering(settings, rng)
