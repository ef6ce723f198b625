"""The level of recorded sound, a frame at a time."""

from typing import TypeAlias

import numpy as np
import numpy.typing as npt

Samples: TypeAlias = npt.NDArray[np.int16]
"""Mono audio, shape (samples,), int16."""


def frames_of(pcm: Samples, rate: int, ms: int) -> npt.NDArray[np.int16]:
    """The whole frames of `ms` milliseconds at `rate` Hz: shape (frames, samples of each)."""
    size = rate * ms // 1000
    return pcm[: len(pcm) // size * size].reshape(-1, size)


def levels(frames: npt.NDArray[np.int16]) -> npt.NDArray[np.float64]:
    """Level of each row in dB of full scale, shape (frames,); -120 for digital silence."""
    # A row at a time: two hours of float64 samples would be half a gigabyte.
    power = np.fromiter((np.mean(np.square(row, dtype=np.float64)) for row in frames), np.float64)
    return 10 * np.log10(power / 32768**2 + 1e-12)
