"""Independent packet loss."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """probability: that a packet is lost, whatever happened to the others (Bernoulli)."""

    probability: Annotated[float, Range(0, 1)]

    __post_init__ = check

    @property
    def expected_loss(self) -> float:
        """Share of packets lost in the long run."""
        return self.probability


class RandomLoss:
    """Independent loss."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._probability = settings.probability
        self._rng = rng

    def draw(self, count: int) -> Signal:
        """1 for each packet that is lost."""
        return (self._rng.random(count) < self._probability).astype(np.float64)

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Lose them."""
        transit.lost |= drawn > 0


def build(settings: Settings, rng: np.random.Generator) -> RandomLoss:
    """A network that loses packets at random."""
    return RandomLoss(settings, rng)
