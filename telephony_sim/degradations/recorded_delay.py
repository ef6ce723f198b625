"""Measured packet delays, replayed."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from telephony_sim.arrivals import read_arrivals
from telephony_sim.degradations import Signal
from telephony_sim.settings import check
from telephony_sim.transit import Transit


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Delays and losses as they were measured, played round and round.

    file: packet arrivals as `voicecli line --fit` reads them (CSV with `sequence`, `arrival_ms` and
    perhaps `sent_ms`), relative to the line's TOML file.
    """

    file: Path

    __post_init__ = check


class RecordedDelay:
    """A measured trace: delay above its minimum, packets that never came are lost."""

    def __init__(self, settings: Settings) -> None:
        self._delay_ms = read_arrivals(settings.file).relative_delay_ms
        self._position = 0

    def draw(self, count: int) -> Signal:
        """Measured delay in ms of each packet; NaN for one that never came."""
        index = (self._position + np.arange(count)) % len(self._delay_ms)
        self._position = (self._position + count) % len(self._delay_ms)
        return self._delay_ms[index]

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Delay and lose them likewise."""
        transit.lost |= np.isnan(drawn)
        transit.delay_ms += np.nan_to_num(drawn)


def build(settings: Settings, _rng: np.random.Generator) -> RecordedDelay:
    """A replay from the trace's beginning; it draws nothing. LineError for a bad trace."""
    return RecordedDelay(settings)
