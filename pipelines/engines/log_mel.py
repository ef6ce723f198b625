"""Log-mel spectrograms as Whisper's encoder expects them.

Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022), section 2.2,
with the constants of its reference code: 16 kHz, 25 ms periodic Hann windows every 10 ms, 80 bands
on Slaney's mel scale with triangles of equal area, log10, at most 8 below the loudest value, scaled
to about [-1, 1].
"""

import functools

import numpy as np
import numpy.typing as npt

from pipelines.engines.protocols import Pcm

SAMPLE_RATE = 16000
WINDOW = 400
HOP = 160
BANDS = 80
FLOOR = 1e-10
DYNAMIC_RANGE = 8.0
"""Of log10 of power: 80 dB."""


def log_mel(pcm: Pcm) -> npt.NDArray[np.float32]:
    """The spectrogram of 16 kHz audio of shape (samples,): shape (80, samples // 160)."""
    padded = np.pad(pcm, WINDOW // 2, mode="reflect")
    frames = np.lib.stride_tricks.sliding_window_view(padded, WINDOW)[::HOP]
    # The frame centred on the end of the audio is left out, as in the reference.
    spectrum = np.fft.rfft(frames[: len(pcm) // HOP] * _window(), axis=1)
    power = np.square(np.abs(spectrum))
    bands = np.log10(np.maximum(power @ _filters(), FLOOR))
    bands = np.maximum(bands, bands.max() - DYNAMIC_RANGE)
    return ((bands.T + 4.0) / 4.0).astype(np.float32)


@functools.cache
def _window() -> npt.NDArray[np.float32]:
    phase = 2.0 * np.pi * np.arange(WINDOW) / WINDOW
    return (0.5 - 0.5 * np.cos(phase)).astype(np.float32)


@functools.cache
def _filters() -> npt.NDArray[np.float32]:
    """Triangular filters of equal area, shape (WINDOW // 2 + 1, BANDS)."""
    edges = _hertz(np.linspace(0.0, _mel(SAMPLE_RATE / 2), BANDS + 2))
    bins = np.linspace(0.0, SAMPLE_RATE / 2, WINDOW // 2 + 1)[:, None]
    low, middle, high = edges[:-2], edges[1:-1], edges[2:]
    rising = (bins - low) / (middle - low)
    falling = (high - bins) / (high - middle)
    triangles = np.maximum(0.0, np.minimum(rising, falling))
    return (triangles * 2.0 / (high - low)).astype(np.float32)


# Slaney's mel scale (Auditory Toolbox, 1998): linear to 1 kHz, then 27 steps per factor of 6.4.
_KNEE_HERTZ = 1000.0
_HERTZ_PER_MEL = 200.0 / 3.0
_KNEE_MEL = _KNEE_HERTZ / _HERTZ_PER_MEL
_LOG_STEP = np.log(6.4) / 27.0


def _mel(hertz: float) -> float:
    if hertz < _KNEE_HERTZ:
        return hertz / _HERTZ_PER_MEL
    return float(_KNEE_MEL + np.log(hertz / _KNEE_HERTZ) / _LOG_STEP)


def _hertz(mel: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    above = _KNEE_HERTZ * np.exp(_LOG_STEP * (mel - _KNEE_MEL))
    return np.where(mel < _KNEE_MEL, mel * _HERTZ_PER_MEL, above)
