"""Everyday queueing jitter."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import PACKET_MS, Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Queueing delay with a gamma distribution, the usual fit to measured Internet paths.

    mean_ms: of the added delay. shape: 1 is exponential (heavy tail), larger is tighter around the
    mean; the standard deviation is mean / sqrt(shape). keep_order: packets wait for those ahead of
    them, as in one queue; without it each packet takes a path of its own.
    """

    mean_ms: Annotated[float, Range(0, 2000)]
    shape: Annotated[float, Range(0.1, 100)] = 2
    keep_order: bool = True

    __post_init__ = check


class GammaJitter:
    """Independent gamma delays behind one queue."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._shape = settings.shape
        self._scale = settings.mean_ms / settings.shape
        self._keep_order = settings.keep_order
        self._rng = rng
        self._last_exit = -np.inf

    def draw(self, count: int) -> Signal:
        """Queueing delay in ms, before the order of packets is kept."""
        return self._scale * self._rng.standard_gamma(self._shape, count)

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Add it, and let no packet leave the queue before the one ahead."""
        if not self._keep_order:
            transit.delay_ms += drawn
            return
        sent = PACKET_MS * (transit.first + np.arange(len(drawn)))
        exits = np.maximum.accumulate(np.maximum(sent + drawn, self._last_exit))
        self._last_exit = float(exits[-1])
        transit.delay_ms += exits - sent


def build(settings: Settings, rng: np.random.Generator) -> GammaJitter:
    """A queue with gamma distributed waits."""
    return GammaJitter(settings, rng)
