"""Changes when the way recursive filters are designed or run does."""

from __future__ import annotations

from typing import Any, Literal, cast

import numpy as np
import numpy.typing as npt
from scipy import signal  # pyright: ignore[reportMissingTypeStubs]

Signal = npt.NDArray[np.float64]
_signal = cast("Any", signal)  # scipy's own annotations are partial


class SectionFilter:
    """Second-order sections at 8 kHz with their state: any cut of a signal gives the same bits.

    sections: shape (m, 6), as scipy has them.
    """

    def __init__(self, sections: Signal) -> None:
        self._sections = sections
        self._state = np.zeros((len(sections), 2))

    def process(self, pcm: Signal) -> Signal:
        """The filtered samples, shape (n,)."""
        filtered, self._state = _signal.sosfilt(self._sections, pcm, zi=self._state)
        return cast("Signal", filtered)

    def response(self, frequencies_hz: Signal) -> Signal:
        """Magnitude in dB at each frequency."""
        _, response = _signal.sosfreqz(self._sections, frequencies_hz, fs=8000)
        return 20 * np.log10(np.maximum(np.abs(cast("Signal", response)), 1e-12))


def elliptic(order: int, edge_hz: float, kind: Literal["highpass", "lowpass"]) -> Signal:
    """Sections with 0.1 dB ripple in the pass band and 40 dB loss in the stop band."""
    return cast("Signal", _signal.ellip(order, 0.1, 40, edge_hz, kind, fs=8000, output="sos"))


def from_zeros_and_poles(zeros: Signal, poles: Signal) -> Signal:
    """Sections with these real zeros and poles and unit gain."""
    return cast("Signal", _signal.zpk2sos(zeros, poles, 1.0))
