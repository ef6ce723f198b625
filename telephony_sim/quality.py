"""Perceptual scores (PESQ, STOI) that other packages compute."""

from __future__ import annotations

import warnings
from importlib import import_module
from typing import Any, cast

import numpy as np
import numpy.typing as npt

from telephony_sim.errors import LineError, SignalError

Pcm = npt.NDArray[np.int16]
RATE = 8000
MAX_SHIFT = RATE  # a second: more delay than any line has


def _optional(name: str) -> Any:
    try:
        return cast("Any", import_module(name))
    except ImportError as error:
        raise LineError(
            f"scores need the package {name}: install voicecli with its extra 'quality'"
        ) from error


def pesq(original: Pcm, degraded: Pcm) -> float:
    """Narrowband PESQ as MOS-LQO, 1.0 to 4.55 (ITU-T P.862, P.862.1); both int16 at 8 kHz.

    Raises LineError without the package pesq, SignalError where there is no speech to compare.
    """
    module = _optional("pesq")
    if not original.any() or not degraded.any():
        raise SignalError("PESQ cannot compare silence")
    try:
        return float(module.pesq(RATE, original, degraded, "nb"))
    except (module.PesqError, ValueError) as error:
        raise SignalError(f"PESQ cannot compare these recordings: {error}") from error


def stoi(original: Pcm, degraded: Pcm) -> float:
    """Short-time objective intelligibility, 0 to 1 (Taal et al., 2011), once aligned.

    Both int16 at 8 kHz. It knows no time-stretching: where an adaptive buffer bent time, it reads
    too low. Raises LineError without the package pystoi.
    """
    module = _optional("pystoi")
    shift = common_delay(original, degraded)
    length = min(len(original), len(degraded) - shift)
    if length < RATE // 2:
        raise SignalError("STOI needs at least half a second of sound")
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # pystoi warns of short clips and returns 1e-5 for them
        return float(
            module.stoi(
                original[:length].astype(np.float64),
                degraded[shift : shift + length].astype(np.float64),
                RATE,
            )
        )


def common_delay(original: Pcm, degraded: Pcm) -> int:
    """Samples, 0 to one second, by which `degraded` resembles a late copy of `original` most."""
    size = 1 << (len(original) + len(degraded)).bit_length()
    product = np.fft.rfft(degraded, size) * np.conj(np.fft.rfft(original, size))
    return int(np.argmax(np.fft.irfft(product, size)[:MAX_SHIFT]))
