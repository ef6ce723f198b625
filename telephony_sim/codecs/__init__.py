"""What a line asks of a codec; one codec a file, found by file name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
# A companding codec has no memory, so its payload is simply the samples that a receiver will get
# from it; a predictive codec's payload is the bytes on the wire.
Payload = Pcm | bytes


class Decoder(Protocol):
    """The receiving end: every 20 ms it is given either a payload or the news that none came."""

    delay: int
    """Samples by which its output lags behind the payloads."""

    repaired: bool
    """Whether the last stand-in was real speech, from redundancy, rather than invented."""

    def good(self, payload: Payload) -> Pcm:
        """Samples of a packet that came in time: shape (160,), int16, 8 kHz."""
        ...

    def lost(self, following: Payload | None) -> Pcm:
        """Samples to stand in for a packet that did not: shape (160,), int16, 8 kHz.

        `following` is the payload after it, if that is already here; it may carry redundancy.
        """
        ...


class Codec(Protocol):
    """Both ends of a codec."""

    def encode(self, pcm: Pcm) -> Sequence[Payload]:
        """One payload for each 160 samples (20 ms, int16, 8 kHz) of `pcm`."""
        ...

    def decoder(self) -> Decoder | None:
        """The decoder of one call; None where payloads are samples and the line conceals loss."""
        ...


def samples(payload: Payload) -> Pcm:
    """The payload of a companding codec; TypeError for bytes, which only their codec can decode."""
    if isinstance(payload, bytes):
        raise TypeError("these bytes need their codec's own decoder")
    return payload
