"""Turns one sample rate into another."""

from __future__ import annotations

from typing import Any, TypeVar, cast

import numpy as np
import numpy.typing as npt
import soxr  # pyright: ignore[reportMissingTypeStubs]

Samples = TypeVar("Samples", npt.NDArray[np.int16], npt.NDArray[np.float64])
_soxr = cast("Any", soxr)


def resample(pcm: Samples, rate: int, wanted_rate: int) -> Samples:
    """Samples of shape (n,) at another rate in Hz, same type; soxr's high quality, linear phase."""
    if rate == wanted_rate or not len(pcm):
        return pcm
    return cast("Samples", _soxr.resample(pcm, rate, wanted_rate))
