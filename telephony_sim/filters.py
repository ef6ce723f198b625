"""Recursive filters, designed once and run block by block."""

from __future__ import annotations

from typing import Any, Literal, NamedTuple, cast

import numpy as np
import numpy.typing as npt
from scipy import signal  # pyright: ignore[reportMissingTypeStubs]

Signal = npt.NDArray[np.float64]
Complex = npt.NDArray[np.complex128]
_signal = cast("Any", signal)  # scipy's own annotations are partial


class Roots(NamedTuple):
    """A filter at 8 kHz by its zeros, poles and gain."""

    zeros: Complex
    poles: Complex
    gain: float

    def then(self, other: Roots) -> Roots:
        """Both filters, one after the other."""
        return Roots(
            np.concatenate((self.zeros, other.zeros)),
            np.concatenate((self.poles, other.poles)),
            self.gain * other.gain,
        )


def elliptic(order: int, edge_hz: float, kind: Literal["highpass", "lowpass"]) -> Roots:
    """A filter with 0.1 dB ripple in the pass band and 40 dB loss in the stop band."""
    return Roots(*_signal.ellip(order, 0.1, 40, edge_hz, kind, fs=8000, output="zpk"))


class RecursiveFilter:
    """A filter and its state; any cut of a signal gives the same bits.

    One direct form rather than second-order sections: scipy runs it in a quarter of the time 20 ms
    at a time, and at orders up to ten the two differ by less than 1e-9 of a sample.
    """

    def __init__(self, roots: Roots) -> None:
        numerator, denominator = _signal.zpk2tf(*roots)
        self._numerator = np.real(cast("Complex", numerator))
        self._denominator = np.real(cast("Complex", denominator))
        self._state = np.zeros(len(self._denominator) - 1)

    def process(self, pcm: Signal) -> Signal:
        """The filtered samples, shape (n,)."""
        filtered, self._state = _signal.lfilter(
            self._numerator, self._denominator, pcm, zi=self._state
        )
        return cast("Signal", filtered)

    def response_db(self, frequencies_hz: Signal) -> Signal:
        """Magnitude at each frequency."""
        _, response = _signal.freqz(
            self._numerator, self._denominator, worN=frequencies_hz, fs=8000
        )
        return 20 * np.log10(np.maximum(np.abs(cast("Complex", response)), 1e-12))


def one_pole(pcm: Signal, time_constant_s: float, rate: int) -> Signal:
    """Exponential averaging of samples of shape (n,)."""
    keep = float(np.exp(-1 / (time_constant_s * rate)))
    return cast("Signal", _signal.lfilter([1 - keep], [1, -keep], pcm))
