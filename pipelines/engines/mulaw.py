"""G.711 µ-law, for services that take a phone's own bytes.

The levels of ITU-T G.711 (1988), table 2a. Audio that came over a µ-law line falls on these levels
exactly, so what a service receives are the very bytes that the phone network delivered.
"""

import numpy as np
import numpy.typing as npt

from pipelines.engines.protocols import Pcm

_CODES = np.arange(256)
_BITS = ~_CODES & 0xFF
_MAGNITUDES = (((_BITS & 0x0F) << 3) + 132 << ((_BITS & 0x70) >> 4)) - 132
LEVELS: npt.NDArray[np.int64] = np.where(_BITS & 0x80, -_MAGNITUDES, _MAGNITUDES)
"""The 16-bit sample that each of the 256 codes stands for."""
_ORDER = np.argsort(LEVELS, kind="stable")
_MIDDLES = (LEVELS[_ORDER][1:] + LEVELS[_ORDER][:-1]) / 2


def encode(pcm: Pcm) -> bytes:
    """Each sample's nearest level, one byte a sample.

    Args:
        pcm: shape (samples,), float32 in [-1, 1], normally at 8 kHz.
    """
    # Of the two codes for zero the one that phones send, 0xFF: it stands on the right.
    nearest = np.searchsorted(_MIDDLES, pcm * 32768.0, side="right")
    return _ORDER[nearest].astype(np.uint8).tobytes()
