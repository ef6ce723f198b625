"""White circuit noise."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """White noise at a level below the speech.

    snr_db: below the speech. speech_dbov: level of active speech that the SNR refers to; -26
    dBov is what speech databases are normalised to (ITU-T P.56, P.830).
    """

    snr_db: Annotated[float, Range(-20, 100)]
    speech_dbov: Annotated[float, Range(-60, 0)] = -26

    __post_init__ = check


class WhiteNoise:
    """Gaussian noise, flat over the band."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        self._rms = 32768 * 10 ** ((settings.speech_dbov - settings.snr_db) / 20)
        self._rng = rng

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Samples with noise."""
        return pcm + self._rms * self._rng.standard_normal(len(pcm))


def build(settings: Settings, rng: np.random.Generator) -> WhiteNoise:
    """A source of white noise."""
    return WhiteNoise(settings, rng)
