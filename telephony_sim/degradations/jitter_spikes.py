"""Sudden delay spikes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check
from telephony_sim.transit import PACKET_MS, Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Delay spikes: the path stalls, then what piled up arrives in a rush (Ramjee et al., 1994).

    per_minute: how often on average. height_ms: mean delay of the first packet of a spike
    (exponential). drain: how much faster than real time the pile then drains; at 1 everything that
    waited arrives at once, at 0.5 the spike takes twice its height to fade.
    """

    per_minute: Annotated[float, Range(0, 600)]
    height_ms: Annotated[float, Range(0, 5000)]
    drain: Annotated[float, Range(0.05, 1)] = 1

    __post_init__ = check


class JitterSpikes:
    """Poisson spikes of exponential height."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._chance = settings.per_minute / (60_000 / PACKET_MS)
        self._height_ms = settings.height_ms
        self._drain_ms = PACKET_MS * settings.drain
        self._rng = rng
        self._pile_ms = 0.0

    def draw(self, count: int) -> Signal:
        """Height in ms of the spike that begins with each packet, mostly 0."""
        begins, heights = self._rng.random((count, 2)).T
        return np.where(begins < self._chance, -self._height_ms * np.log1p(-heights), 0.0)

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Delay the packets behind each spike until the pile has drained."""
        for index, height in enumerate(drawn.tolist()):
            self._pile_ms = max(self._pile_ms, height)
            transit.delay_ms[index] += self._pile_ms
            self._pile_ms = max(self._pile_ms - self._drain_ms, 0.0)


def build(settings: Settings, rng: np.random.Generator) -> JitterSpikes:
    """A path that stalls now and then."""
    return JitterSpikes(settings, rng)
