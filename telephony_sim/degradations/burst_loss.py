"""Packet loss in bursts."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.errors import SettingError
from telephony_sim.settings import Range, check
from telephony_sim.transit import Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Loss from a channel that is good or bad (Gilbert 1960, Elliott 1963; RFC 3611 sec. 4.7).

    probability: share of packets lost in the long run. mean_burst_packets: mean stay in the bad
    state. loss_in_bad, loss_in_good: chance of loss in either state; with the defaults (Gilbert's
    channel) every packet of a burst is lost.
    """

    probability: Annotated[float, Range(0, 0.9)]
    mean_burst_packets: Annotated[float, Range(1, 1000)] = 3
    loss_in_bad: Annotated[float, Range(0, 1)] = 1
    loss_in_good: Annotated[float, Range(0, 1)] = 0

    def __post_init__(self) -> None:
        check(self)
        if not self.loss_in_good <= self.probability < self.loss_in_bad:
            raise SettingError(
                "probability",
                f"is {self.probability:g}; it must be at least loss_in_good ({self.loss_in_good:g})"
                f" and below loss_in_bad ({self.loss_in_bad:g})",
            )
        if self.enter > 1:
            raise SettingError(
                "mean_burst_packets",
                f"is {self.mean_burst_packets:g}; a loss of {self.probability:g} needs "
                f"bursts of at least {self.mean_burst_packets * self.enter:g}",
            )

    @property
    def expected_loss(self) -> float:
        """Share of packets lost in the long run."""
        return self.probability

    @property
    def enter(self) -> float:
        """Chance of going from good to bad, so that the stays add up to `probability`."""
        bad = (self.probability - self.loss_in_good) / (self.loss_in_bad - self.loss_in_good)
        return bad / (1 - bad) / self.mean_burst_packets


class BurstLoss:
    """A two-state Markov chain, one step each packet."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._enter = settings.enter
        self._stay = 1 - 1 / settings.mean_burst_packets
        self._loss = (settings.loss_in_good, settings.loss_in_bad)
        self._rng = rng
        # A call starts at a typical moment, not always in the good state.
        self._bad = bool(rng.random() < self._enter / (self._enter + 1 - self._stay))

    def draw(self, count: int) -> Signal:
        """1 for each packet that is lost."""
        lost = np.zeros(count)
        for index, (step, chance) in enumerate(self._rng.random((count, 2)).tolist()):
            lost[index] = chance < self._loss[self._bad]
            self._bad = step < (self._stay if self._bad else self._enter)
        return lost

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Lose them."""
        transit.lost |= drawn > 0


def build(settings: Settings, rng: np.random.Generator) -> BurstLoss:
    """A network that loses packets in bursts."""
    return BurstLoss(settings, rng)
