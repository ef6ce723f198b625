"""Where there is sound: levels above 200 Hz against a floor that follows the line's noise.

A voice detector says whether somebody speaks, but its model fades 50 to 120 ms after the last
sound, and drops a soft last word altogether. Energy says to 10 ms when a sound was over, but not
what it was. So the speech gate takes from the one that somebody speaks, and from the other until
when. The same meter listens to the finished recording (`voicecli/report/acoustic.py`).

Below 200 Hz lie rumble and mains hum, and nothing that a phone line passes on of a voice
(ITU-T G.712: 300 Hz). A sound has to begin louder than it may end: a breath after the last word, or
the hiss behind it, goes on with what was there, but begins no sound of its own.
"""

import math
from collections import deque
from collections.abc import Iterator
from typing import Final

import numpy as np

from pipelines.engines.protocols import Pcm

HOP_MS: Final = 10
_CUTOFF_HZ: Final = 200
_TAPS_MS: Final = 16
"""Length of the high-pass filter, whose stop band then ends at about 100 Hz."""
_BEGINS: Final = 4
"""Hops in a row that begin a sound: fewer are a click."""
_ENDS: Final = 8
"""Quiet hops in a row that end it: fewer are the closure of a plosive."""
_FLOOR_BLOCK: Final = 25
_FLOOR_BLOCKS: Final = 8
"""The floor is the quietest of the last two seconds, in blocks of so many hops (minimum statistics,
Martin 2001): longer than any word, and a new noise is the floor when it has gone on for so long."""
_PEAK_FALLS_DB: Final = 0.05
"""A hop: after three seconds of silence a caller may speak 15 dB more softly than before."""
_QUIETEST_DB: Final = -75.0


class _Limits:
    """How loud sound is, in dB: over the floor, against the loudest of late, and of full scale."""

    BEGINS: Final = (10.0, -20.0, -55.0)
    RISES: Final = (10.0, -28.0, -60.0)
    """Just before it begins: its soft onset."""
    GOES_ON: Final = (6.0, -28.0, -60.0)


class SoundMeter:
    """Finds the sounds of one channel as it comes in; places are samples since the beginning.

    Args:
        rate: of the channel, in Hz.
    """

    def __init__(self, rate: int) -> None:
        self._hop = rate * HOP_MS // 1000
        self._filter = _high_pass(rate)
        self._window: Pcm = np.zeros(len(self._filter) - 1, np.float32)
        self._at = -(len(self._filter) // 2)
        """Where the next hop begins: the filter is late by half its length."""
        self._peak = _QUIETEST_DB
        self._lows = deque([math.inf], _FLOOR_BLOCKS)
        self._hops = self._loud = self._quiet = 0
        self._rising = 0
        """Hops in a row, up to now, that are at least its soft onset."""
        self.began: int | None = None
        """Where the sound under way began; None: there is none."""
        self.ended = 0
        """Where the last loud hop so far was over."""

    @property
    def masked(self) -> bool:
        """Whether noise hides how a voice as loud as the last one fades: it seems over too soon."""
        over_floor, under_peak, _ = _Limits.GOES_ON
        return min(self._lows) + over_floor > self._peak + under_peak

    def process(self, pcm: Pcm) -> bool:
        """Take samples, float32 of shape (n,); whether any of them, as far as known, is sound."""
        heard = False
        for level in self._levels(pcm):
            self._at += self._hop
            heard = self._take(level) or heard
        return heard

    def _levels(self, pcm: Pcm) -> Iterator[float]:
        """The level of each hop that is whole by now, in dB of full scale."""
        self._window = np.concatenate((self._window, pcm))
        more = len(self._filter) - 1
        whole = (len(self._window) - more) // self._hop * self._hop
        if not whole:
            return
        filtered = np.convolve(self._window[: whole + more], self._filter, "valid")
        self._window = self._window[whole:]
        power = np.square(filtered, dtype=np.float64).reshape(-1, self._hop).mean(axis=1)
        yield from (10 * np.log10(power + 1e-12)).tolist()

    def _take(self, level: float) -> bool:
        self._hops += 1
        if self._hops % _FLOOR_BLOCK == 0:
            self._lows.append(math.inf)
        self._lows[-1] = min(self._lows[-1], level)
        self._peak = max(level, self._peak - _PEAK_FALLS_DB)
        if self.began is None:
            self._rising = self._rising + 1 if self._exceeds(level, _Limits.RISES) else 0
            self._loud = self._loud + 1 if self._exceeds(level, _Limits.BEGINS) else 0
            if self._loud < _BEGINS:
                return False
            self.began = max(0, self._at - self._rising * self._hop)
        elif not self._exceeds(level, _Limits.GOES_ON):
            self._quiet += 1
            if self._quiet == _ENDS:
                self.began = None
                self._loud = self._quiet = 0
            return False
        self._quiet = 0
        self.ended = self._at
        return True

    def _exceeds(self, level: float, limits: tuple[float, float, float]) -> bool:
        over_floor, under_peak, absolute = limits
        return level >= max(min(self._lows) + over_floor, self._peak + under_peak, absolute)


def _high_pass(rate: int) -> Pcm:
    """A windowed-sinc FIR filter (Hamming) of odd length, so that it is late by whole samples."""
    reach = rate * _TAPS_MS // 2000
    place = np.arange(-reach, reach + 1)
    low = np.sinc(2 * _CUTOFF_HZ / rate * place) * np.hamming(2 * reach + 1)
    taps = -low / low.sum()
    taps[reach] += 1.0
    return taps.astype(np.float32)
