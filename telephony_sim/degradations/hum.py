"""Mains hum."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Mains hum with its harmonics, at a level below the speech.

    snr_db: below the speech. speech_dbov: level of active speech that the SNR refers to; -26
    dBov is what speech databases are normalised to (ITU-T P.56, P.830).
    mains_hz: 50 or 60. harmonics: how many, each 6 dB below the one before.
    """

    snr_db: Annotated[float, Range(-20, 100)]
    speech_dbov: Annotated[float, Range(-60, 0)] = -26
    mains_hz: Annotated[int, Range(50, 60)] = 50
    harmonics: Annotated[int, Range(1, 20)] = 6

    __post_init__ = check


class Hum:
    """A fixed waveform that repeats every second, read from a table."""

    def __init__(self, settings: Settings) -> None:
        angle = 2 * np.pi * settings.mains_hz * np.arange(8000) / 8000
        wave = np.zeros(8000)
        for harmonic in range(1, settings.harmonics + 1):
            wave += 0.5 ** (harmonic - 1) * np.sin(harmonic * angle)
        rms = 32768 * 10 ** ((settings.speech_dbov - settings.snr_db) / 20)
        self._wave = wave * (rms / np.sqrt(np.mean(np.square(wave))))
        self._position = 0

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Samples with hum."""
        index = (self._position + np.arange(len(pcm))) % 8000
        self._position = (self._position + len(pcm)) % 8000
        return pcm + self._wave[index]


def build(settings: Settings, _rng: np.random.Generator) -> Hum:
    """A hum that starts at phase zero; it draws nothing."""
    return Hum(settings)
