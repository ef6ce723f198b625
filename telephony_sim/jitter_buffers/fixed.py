"""A jitter buffer of one fixed delay."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.jitter_buffers import Pcm
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """delay_ms: how long the first packet waits; every later one is played 20 ms after another.

    capacity_ms: most that is held; beyond it the oldest is thrown away.
    """

    delay_ms: Annotated[float, Range(0, 2000)] = 60
    capacity_ms: Annotated[float, Range(20, 10_000)] = 500

    __post_init__ = check


class Fixed:
    """One decision at the start of the call; whatever comes later than that is lost."""

    waits = False

    def __init__(self, settings: Settings) -> None:
        self.start_ms = settings.delay_ms
        self._capacity_ms = settings.capacity_ms
        self._fastest_ms = np.inf

    def arrived(self, transit_ms: float) -> None:
        """Learn how much of the delay is the network's."""
        self._fastest_ms = min(self._fastest_ms, transit_ms)

    def overfull(self, delay_ms: float) -> bool:
        """Whether more is held than the capacity."""
        return delay_ms - self._fastest_ms > self._capacity_ms

    def shape(self, frame: Pcm, delay_ms: float) -> Pcm:  # noqa: ARG002 - JitterBuffer's contract
        """The frame as it is."""
        return frame


def build(settings: Settings, _rng: np.random.Generator) -> Fixed:
    """A fixed buffer; it draws nothing."""
    return Fixed(settings)
