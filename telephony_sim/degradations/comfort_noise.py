"""Silence suppression with comfort noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Silence is not sent; the far end fills it with noise (RFC 3389, ITU-T G.711 Appendix II).

    threshold_dbov: frames below count as silence. hangover_ms: how long silence must last before
    it is suppressed. level_dbov: of the noise instead.
    """

    threshold_dbov: Annotated[float, Range(-90, 0)] = -50
    hangover_ms: Annotated[float, Range(0, 2000)] = 200
    level_dbov: Annotated[float, Range(-127, -20)] = -65

    __post_init__ = check


class ComfortNoise:
    """Replaces whole frames; the noise runs on underneath, so that its phase never jumps."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._energy = 160 * (32768 * 10 ** (settings.threshold_dbov / 20)) ** 2
        self._hangover = settings.hangover_ms / 20
        self._rms = 32768 * 10 ** (settings.level_dbov / 20)
        self._rng = rng
        self._quiet = 0

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Samples with their silences replaced."""
        frames = pcm.reshape(-1, 160).copy()
        noise = self._rms * self._rng.standard_normal(frames.shape)
        energies = np.sum(np.square(np.rint(frames).astype(np.int64)), axis=1).tolist()
        for frame, filler, energy in zip(frames, noise, energies, strict=True):
            self._quiet = self._quiet + 1 if energy < self._energy else 0
            if self._quiet > self._hangover:
                frame[:] = filler
        return frames.reshape(-1)


def build(settings: Settings, rng: np.random.Generator) -> ComfortNoise:
    """A silence suppressor that has heard nothing yet."""
    return ComfortNoise(settings, rng)
