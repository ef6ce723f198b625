"""What is measured about a degraded call."""

from __future__ import annotations

from itertools import pairwise
from typing import cast

import numpy as np
import numpy.typing as npt

from telephony_sim.codecs import Pcm
from telephony_sim.filters import one_pole

Signal = npt.NDArray[np.float64]
Flags = npt.NDArray[np.bool_]

RATE, FRAME = 8000, 160
SILENCE_DBOV = -100.0  # reported where there is nothing to measure


def active_level_dbov(pcm: Pcm) -> float:
    """Level of active speech in dB relative to overload: ITU-T P.56 method B; shape (n,), 8 kHz.

    A threshold is sought that lies 15.9 dB below the level of what exceeds it, so that pauses do
    not count. -100 for silence.
    """
    signal = pcm / 32768.0
    envelope = one_pole(one_pole(np.abs(signal), 0.03, RATE), 0.03, RATE)
    energy = float(np.sum(np.square(signal)))
    hangover = round(0.2 * RATE)
    previous: tuple[float, float] | None = None
    for exponent in range(15, -1, -1):
        threshold_db = -6.02 * (15 - exponent)
        active = int(_held(envelope >= 10 ** (threshold_db / 20), hangover))
        if not active:
            continue
        level = 10 * np.log10(max(energy / active, 1e-10))
        margin = level - threshold_db
        if margin >= 15.9:
            if previous is None:
                return float(level)
            # Between the two thresholds that bracket the margin, both change about linearly.
            share = (15.9 - previous[1]) / (margin - previous[1])
            return float(previous[0] + share * (level - previous[0]))
        previous = (float(level), float(margin))
    return SILENCE_DBOV


def _held(above: Flags, hangover: int) -> float:
    """How many samples lie within `hangover` samples after one that is above the threshold."""
    places = np.flatnonzero(above)
    if not len(places):
        return 0
    gaps = np.minimum(np.diff(places), hangover)
    return float(np.sum(gaps) + min(len(above) - int(places[-1]), hangover))


def noise_floor_dbov(pcm: Pcm) -> float:
    """Level of the quietest tenth of the 20 ms frames in dB relative to overload."""
    frames = pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME) / 32768.0
    if not len(frames):
        return SILENCE_DBOV
    powers = np.sort(np.mean(np.square(frames), axis=1))
    quiet = float(np.mean(powers[: max(len(powers) // 10, 1)]))
    return max(10 * float(np.log10(max(quiet, 1e-30))), SILENCE_DBOV)


def bandwidth_hz(pcm: Pcm, share: float = 0.99, rate: int = RATE) -> float:
    """The frequency below which `share` of the energy lies; 0 for silence."""
    size = 512
    whole = np.pad(pcm, (0, -len(pcm) % size)).reshape(-1, size) * np.hanning(size)
    power = np.sum(np.square(np.abs(np.fft.rfft(whole, axis=1))), axis=0)
    total = np.cumsum(power)
    if total[-1] <= 0:
        return 0.0
    return int(np.sum(total < share * total[-1])) * rate / size


def burst_lengths(lost: Flags) -> npt.NDArray[np.int64]:
    """Lengths of the runs of True, in order."""
    steps = np.diff(np.concatenate(([0], lost.astype(np.int8), [0])))
    return np.flatnonzero(steps < 0) - np.flatnonzero(steps > 0)


def interarrival_jitter_ms(delay_ms: Signal) -> float:
    """RFC 3550 jitter at the end of a call; delay_ms of consecutive packets, NaN for lost ones."""
    delays = cast("list[float]", delay_ms[~np.isnan(delay_ms)].tolist())
    jitter = 0.0
    for before, after in pairwise(delays):
        jitter += (abs(after - before) - jitter) / 16
    return jitter
