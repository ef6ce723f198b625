"""The level of recorded sound, a frame at a time."""

from typing import TypeAlias, TypeVar

import numpy as np
import numpy.typing as npt

_Sample = TypeVar("_Sample", bound=np.generic)
Samples: TypeAlias = npt.NDArray[np.int16]
"""Mono audio, shape (samples,), int16."""


def frames_of(pcm: npt.NDArray[_Sample], rate: int, ms: int) -> npt.NDArray[_Sample]:
    """The whole frames of `ms` milliseconds at `rate` Hz: shape (frames, samples of each)."""
    size = rate * ms // 1000
    return pcm[: len(pcm) // size * size].reshape(-1, size)


def levels(frames: npt.NDArray[np.generic], full_scale: float = 32768.0) -> npt.NDArray[np.float64]:
    """Level of each row in dB of full scale, shape (frames,); -120 for digital silence."""
    # A row at a time: two hours of float64 samples would be half a gigabyte.
    power = np.fromiter((np.mean(np.square(row, dtype=np.float64)) for row in frames), np.float64)
    return 10 * np.log10(power / full_scale**2 + 1e-12)
