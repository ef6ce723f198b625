"""What a line asks of a degradation; one degradation a file, found by file name.

A degradation works either on the audio or on the packets; both carry their state from call to
call, and neither may notice into which pieces a call was cut.
"""

from __future__ import annotations

from typing import Protocol, runtime_checkable

import numpy as np
import numpy.typing as npt

from telephony_sim.transit import Transit

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


@runtime_checkable
class PacketDegradation(Protocol):
    """Works on packets of 20 ms; chance (`draw`) stands apart from its effect (`apply`).

    The Settings of one that loses packets have a property `expected_loss`: the share it loses.
    """

    def draw(self, count: int) -> Signal:
        """What chance decides for the next `count` packets, shape (count,): kept in the trace.

        A loss draws 1 for lost and 0 for kept, a delay draws milliseconds.
        """
        ...

    def apply(self, transit: Transit, drawn: Signal) -> None:
        """Change the fate of those packets in place."""
        ...
