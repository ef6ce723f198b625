"""The tones of a telephone keypad: makes them, and tells them from speech.

Frequencies: ITU-T Q.23. Sending levels and durations: ETSI ES 201 235-2. Receiving tolerances:
ITU-T Q.24 (frequency accepted within 1.5 %, refused beyond 3.5 %; 40 ms accepted, 23 ms refused;
twist; breaks up to 10 ms bridged).
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from telephony_sim.errors import SignalError

Pcm = npt.NDArray[np.int16]

RATE, HOP = 8000, 80
LOW_HZ, HIGH_HZ = (697.0, 770.0, 852.0, 941.0), (1209.0, 1336.0, 1477.0, 1633.0)
KEYS = "123A456B789C*0#D"
LOW_DBM0, HIGH_DBM0 = -11.0, -9.0
FULL_SCALE_DBM0 = 3.17  # a sine at full scale, µ-law (ITU-T G.711)

_TONES = np.array(LOW_HZ + HIGH_HZ)
_LEVEL_MIN = 32768 * 10 ** ((-33.0 - FULL_SCALE_DBM0) / 20)  # amplitude of the weaker tone
_TWIST_MAX = 10 ** (8.0 / 20)  # between the two tones, either way
_RIVAL_MAX = 10 ** (-6.0 / 20)  # of any other tone of the group
_DEVIATION_MAX = 0.025  # between what must be accepted and what must be refused
_PURE = 0.8  # share of the energy that the two tones must make up: speech never does for long
_FULL = 0.75  # of the loudest hop's energy: the tone filled this one
_FULL_HOPS = 3  # of 10 ms: any 40 ms fill as many, 23 ms never do
_BREAK_HOPS = 3  # without the tone before it is over; a break of 10 ms spoils two
_ANALYSIS = np.exp(-2j * np.pi * np.outer(_TONES, np.arange(2 * HOP)) / RATE) / HOP


def dtmf(digits: str, *, tone_ms: float = 100, gap_ms: float = 100) -> Pcm:
    """The tones of `digits` (0-9, *, #, A-D), shape (n,), int16, 8 kHz, each followed by a gap.

    At -11 and -9 dBm0, faded over 2 ms. Raises SignalError for another key or tones below 40 ms.
    """
    if tone_ms < 40 or gap_ms < 0:
        raise SignalError(f"tone_ms is {tone_ms:g}; it must be at least 40, and gap_ms at least 0")
    time = np.arange(round(tone_ms * 8)) / RATE
    fade = np.minimum(1.0, np.minimum(np.arange(len(time)), np.arange(len(time))[::-1]) / 16)
    gap = np.zeros(round(gap_ms * 8))
    pieces: list[npt.NDArray[np.float64]] = []
    for digit in digits.upper():
        place = KEYS.find(digit)
        if place < 0:
            raise SignalError(f"a keypad has no key {digit!r}; it has: {KEYS}")
        pair = ((LOW_HZ[place // 4], LOW_DBM0), (HIGH_HZ[place % 4], HIGH_DBM0))
        tone = np.zeros(len(time))
        for hertz, dbm0 in pair:
            amplitude = 32768 * 10 ** ((dbm0 - FULL_SCALE_DBM0) / 20)
            tone += amplitude * np.sin(2 * np.pi * hertz * time)
        pieces += [tone * fade, gap]
    return np.rint(np.concatenate([*pieces, gap[:0]])).astype(np.int16)


class Digit(NamedTuple):
    """A key that was pressed; at_ms is when it was certain, since the detector's first sample."""

    key: str
    at_ms: float


class DtmfDetector:
    """Finds keys in a stream, 10 ms at a time over windows of 20 ms."""

    def __init__(self) -> None:
        self._rest: npt.NDArray[np.float64] = np.zeros(0)
        self._before = np.zeros(HOP)
        self._phases = np.zeros(8)
        self._hops = 0
        self._key = ""
        self._energies: list[float] = []
        self._misses = 0
        self._reported = False

    def process(self, pcm: Pcm) -> list[Digit]:
        """Keys that became certain within `pcm`: shape (n,), any n, int16, 8 kHz."""
        joined = np.concatenate((self._rest, pcm.astype(np.float64)))
        whole = len(joined) // HOP * HOP
        self._rest = joined[whole:]
        found: list[Digit] = []
        for hop in joined[:whole].reshape(-1, HOP):
            self._hops += 1
            if self._advance(hop):
                found.append(Digit(self._key, self._hops * 10.0))
        return found

    def _advance(self, hop: npt.NDArray[np.float64]) -> bool:
        """Take in 10 ms; whether they make a key certain."""
        key = self._recognise(np.concatenate((self._before, hop)))
        energy = float(hop @ hop)
        if key and (key == self._key or not self._key):
            if not self._key:
                self._energies = [float(self._before @ self._before)]
            self._key = key
            self._misses = 0
            self._energies.append(energy)
        elif self._key:
            self._misses += 1
            if self._misses >= _BREAK_HOPS:
                self._key, self._reported = "", False
        self._before = hop
        if not key or self._reported:
            return False
        full = sum(one >= _FULL * max(self._energies) for one in self._energies)
        self._reported = full >= _FULL_HOPS
        del self._energies[:-8]
        return self._reported

    def _recognise(self, window: npt.NDArray[np.float64]) -> str:
        """The key whose two tones fill these 20 ms, or nothing."""
        spectrum = _ANALYSIS @ window
        levels, phases = np.abs(spectrum), np.angle(spectrum)
        turned = phases - self._phases - 2 * np.pi * _TONES * HOP / RATE
        self._phases = phases
        low, high = int(np.argmax(levels[:4])), 4 + int(np.argmax(levels[4:]))
        pair = np.array([low, high])
        one, other = float(levels[low]), float(levels[high])
        if min(one, other) < _LEVEL_MIN or not 1 / _TWIST_MAX <= one / other <= _TWIST_MAX:
            return ""
        # Analysis restarts its phase at each window: only what the tone itself turned is left.
        offset_hz = (np.mod(turned[pair] + np.pi, 2 * np.pi) - np.pi) * RATE / (2 * np.pi * HOP)
        if np.any(np.abs(offset_hz) > _DEVIATION_MAX * _TONES[pair]):
            return ""
        # A tone beside the analysed frequency shows less than it has: the window's own response.
        actual = levels[pair] / np.sinc(offset_hz * 2 * HOP / RATE)
        if float(actual @ actual) / 2 < _PURE * float(window @ window) / (2 * HOP):
            return ""
        rivals = np.delete(levels, pair)
        if np.any(rivals > _RIVAL_MAX * np.repeat([one, other], 3)):
            return ""
        return KEYS[low * 4 + high - 4]
