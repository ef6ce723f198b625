"""Pink room noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.filters import RecursiveFilter, Roots
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Pink noise (3 dB less each octave: a room, a street, a fan) at a level below the speech.

    snr_db: below the speech. speech_dbov: level of active speech that the SNR refers to; -26
    dBov is what speech databases are normalised to (ITU-T P.56, P.830).
    """

    snr_db: Annotated[float, Range(-20, 100)]
    speech_dbov: Annotated[float, Range(-60, 0)] = -26

    __post_init__ = check


class PinkNoise:
    """White noise through four pole-zero pairs that fall 3 dB each octave.

    Poles and zeros alternate at a constant ratio (each pair spans two octaves), which holds the
    slope within 1.5 dB from 50 Hz to 3.2 kHz.
    """

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        corners = 2 * np.pi * np.array(_POLE_HZ) / 8000
        roots = Roots(np.exp(-2 * corners) + 0j, np.exp(-corners) + 0j, 1.0)
        impulse = np.zeros(16000)
        impulse[0] = 1
        power = float(np.sum(np.square(RecursiveFilter(roots).process(impulse))))
        self._rms = 32768 * 10 ** ((settings.speech_dbov - settings.snr_db) / 20) / power**0.5
        self._filter = RecursiveFilter(roots)
        self._rng = rng

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Samples with noise."""
        return pcm + self._rms * self._filter.process(self._rng.standard_normal(len(pcm)))


_POLE_HZ = (20, 80, 320, 1280)


def build(settings: Settings, rng: np.random.Generator) -> PinkNoise:
    """A source of pink noise."""
    return PinkNoise(settings, rng)
