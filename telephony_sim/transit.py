"""What can happen to a packet on its way."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

PACKET_MS = 20.0


@dataclass(slots=True)
class Transit:
    """The fate of consecutive packets, one entry each; packet i is sent at 20·(first + i) ms.

    delay_ms: network delay. lost: never arrives (nor does a copy). copy_ms: delay of a duplicate,
    NaN where there is none.
    """

    first: int
    delay_ms: npt.NDArray[np.float64]
    lost: npt.NDArray[np.bool_]
    copy_ms: npt.NDArray[np.float64]
