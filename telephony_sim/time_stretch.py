"""Shortens or lengthens speech by whole pitch periods, without a change of pitch.

WebRTC NetEQ's accelerate and preemptive expand in spirit (a pitch period taken out or put in where
the waveform resembles itself), with the cross-fade of WSOLA (Verhelst & Roelands, ICASSP 1993) over
5 ms, so that one 20 ms frame at a time is enough and no further delay arises.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
Signal = npt.NDArray[np.float64]

FRAME = 160
MIN_PERIOD, MAX_PERIOD = 20, 120  # samples: 2.5 to 15 ms, the range NetEQ searches
FADE = 40  # samples: 5 ms
RESEMBLES = 0.9  # normalised correlation that NetEQ asks for
QUIET_POWER = 50.0**2  # mean square, about -56 dBov: here nobody hears a seam
REST = 4  # frames between two seams, so that there is one in 100 ms at most, as in NetEQ
_RISE = np.arange(1, FADE + 1) / FADE


class TimeStretch:
    """Works on consecutive frames of 160 samples (int16, 8 kHz); remembers the one before."""

    def __init__(self) -> None:
        self._past: Pcm = np.zeros(FRAME, np.int16)
        self._rest = 0

    def keep(self, frame: Pcm) -> Pcm:
        """The frame itself."""
        self._past = frame
        self._rest -= 1
        return frame

    def shorten(self, frame: Pcm) -> Pcm:
        """The frame without one period, if one resembles the next: shape (40..160,)."""
        if self._rest > 0:
            return self.keep(frame)
        joined = np.concatenate((self._past, frame)).astype(np.float64)
        here = joined[FRAME - FADE : FRAME + FADE]
        after = joined[FRAME - FADE + MIN_PERIOD : FRAME + FADE + MAX_PERIOD]
        offset = _recurrence(here, after, quiet=MAX_PERIOD - MIN_PERIOD)
        if offset is None:
            return self.keep(frame)
        period = MIN_PERIOD + offset
        seam = _fade(joined[FRAME : FRAME + FADE], joined[FRAME + period : FRAME + period + FADE])
        return self._seamed(frame, np.concatenate((seam, frame[period + FADE :])))

    def lengthen(self, frame: Pcm) -> Pcm:
        """The frame with the period before it once more, if they match: shape (160..280,)."""
        if self._rest > 0:
            return self.keep(frame)
        joined = np.concatenate((self._past, frame)).astype(np.float64)
        here = joined[FRAME - FADE : FRAME + FADE]
        before = joined[FRAME - FADE - MAX_PERIOD : FRAME + FADE - MIN_PERIOD]
        offset = _recurrence(here, before, quiet=0)
        if offset is None:
            return self.keep(frame)
        start = FRAME - MAX_PERIOD + offset
        seam = _fade(joined[FRAME : FRAME + FADE], joined[start : start + FADE])
        # A period shorter than the fade runs on into the frame, which is what follows it anyway.
        return self._seamed(frame, np.concatenate((seam, joined[start + FADE :].astype(np.int16))))

    def _seamed(self, frame: Pcm, stretched: Pcm) -> Pcm:
        self._past = frame
        self._rest = REST
        return stretched


def _recurrence(here: Signal, there: Signal, *, quiet: int) -> int | None:
    """The offset in `there` at which `here` recurs, None where it does not, `quiet` in silence."""
    length = len(here)
    own = float(here @ here)
    running = np.concatenate(([0.0], np.cumsum(np.square(there))))
    powers = running[length:] - running[:-length]
    if max(own, float(powers.max())) < QUIET_POWER * length:
        return quiet
    scores = np.correlate(there, here, "valid") / np.sqrt(np.maximum(powers, 1.0) * max(own, 1.0))
    best = int(np.argmax(scores))
    return best if scores[best] >= RESEMBLES else None


def _fade(old: Signal, new: Signal) -> Pcm:
    return np.rint((1 - _RISE) * old + _RISE * new).astype(np.int16)
