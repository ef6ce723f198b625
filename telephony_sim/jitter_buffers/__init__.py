"""What playout asks of a jitter buffer; one strategy a file."""

from __future__ import annotations

from typing import Protocol

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]


class JitterBuffer(Protocol):
    """Decides how long packets wait. All times in ms."""

    waits: bool
    """Whether playout waits for a packet that is late (and the delay grows), or goes on without."""

    start_ms: float
    """How long the first packet waits before playout begins."""

    def arrived(self, transit_ms: float) -> None:
        """Take note of how long a packet travelled (only differences matter to a receiver)."""
        ...

    def overfull(self, delay_ms: float) -> bool:
        """Whether packets played `delay_ms` after they were sent wait longer than is allowed."""
        ...

    def shape(self, frame: Pcm, delay_ms: float) -> Pcm:
        """The decoded frame, or a shorter or longer one.

        frame: shape (160,) as decoded or invented; delay_ms: from the sending of a packet to the
        latest moment at which it could have come and still be played now.
        """
        ...
