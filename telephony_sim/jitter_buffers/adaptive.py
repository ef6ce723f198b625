"""A jitter buffer that follows the delays it sees."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections import deque
from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.jitter_buffers import Pcm
from telephony_sim.settings import Range, check
from telephony_sim.time_stretch import TimeStretch

SLACK_MS = 20.0  # one packet above the target before it shrinks, as in NetEQ,
SLACK_SHARE = 0.5  # and half the spread: without, it swings, and each swing costs invented sound


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """A buffer in the manner of WebRTC's NetEQ: late packets make it wait, quiet makes it shrink.

    The target delay is the fastest packet's plus a percentile of what the others took longer, over
    the last window_s; it grows at once and shrinks by shrink_ms_per_s. start_ms: how long the first
    packet waits. min_ms, max_ms: bounds of the spread allowed for. stretch: bend time by whole
    pitch periods; without it the delay only changes through waiting.
    """

    percentile: Annotated[float, Range(50, 100)] = 95
    window_s: Annotated[float, Range(0.2, 60)] = 3
    start_ms: Annotated[float, Range(0, 1000)] = 40
    min_ms: Annotated[float, Range(0, 1000)] = 10
    max_ms: Annotated[float, Range(20, 5000)] = 500
    shrink_ms_per_s: Annotated[float, Range(0.1, 1000)] = 40
    stretch: bool = True

    __post_init__ = check


class Adaptive:
    """Keeps a sorted window of transit times, and bends time towards what it asks for."""

    waits = True

    def __init__(self, settings: Settings) -> None:
        self.start_ms = settings.start_ms
        self._settings = settings
        self._window: deque[float] = deque()
        self._sorted: list[float] = []
        self._length = round(settings.window_s * 50)
        self._shrink_ms = settings.shrink_ms_per_s / 50
        self._spread_ms = settings.start_ms
        self._stretch = TimeStretch() if settings.stretch else None

    def arrived(self, transit_ms: float) -> None:
        """Move the window and the target."""
        window, ordered = self._window, self._sorted
        window.append(transit_ms)
        insort(ordered, transit_ms)
        if len(window) > self._length:
            del ordered[bisect_left(ordered, window.popleft())]
        rank = int(self._settings.percentile / 100 * (len(ordered) - 1) + 0.5)
        spread = ordered[rank] - ordered[0]
        spread = min(max(spread, self._settings.min_ms), self._settings.max_ms)
        self._spread_ms = max(spread, self._spread_ms - self._shrink_ms)

    def overfull(self, delay_ms: float) -> bool:
        """Whether packets wait longer than max_ms."""
        return delay_ms - self._sorted[0] > self._settings.max_ms

    def shape(self, frame: Pcm, delay_ms: float) -> Pcm:
        """The frame, less or more a pitch period where the delay is off and the ear allows it."""
        if self._stretch is None:
            return frame
        slack = delay_ms - self._sorted[0]
        if slack > self._spread_ms * (1 + SLACK_SHARE) + SLACK_MS:
            return self._stretch.shorten(frame)
        if slack < self._spread_ms:
            return self._stretch.lengthen(frame)
        return self._stretch.keep(frame)


def build(settings: Settings, _rng: np.random.Generator) -> Adaptive:
    """An adaptive buffer that has seen no packet; it draws nothing."""
    return Adaptive(settings)
