"""Changes when what a line asks of a codec does; one codec a file, found by file name."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
Payload = Pcm | bytes


class Encoder(Protocol):
    """The sending end of a codec."""

    def encode(self, pcm: Pcm) -> Sequence[Payload]:
        """One payload for each 20 ms (160 samples, int16, 8 kHz) of `pcm`.

        A companding codec has no memory, so its payload is simply the samples a receiver will
        get from it; a predictive codec's payload is the bytes on the wire.
        """
        ...
