"""Changes when what a line asks of a degradation does; one degradation a file, found by file name.

A degradation works either on the audio or on the packets; both carry their state from call to
call, and neither may notice into which pieces a call was cut.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float64]


@runtime_checkable
class SignalDegradation(Protocol):
    """Works on samples."""

    def process(self, pcm: Signal, far: Signal) -> Signal:
        """Samples of shape (n,) at 8 kHz in int16 units, n a multiple of 160.

        `far` has the same shape: what is heard at this end of the line meanwhile, for echo.
        The result is a new array, or `pcm` itself.
        """
        ...
