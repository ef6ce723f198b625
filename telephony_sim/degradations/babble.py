"""Background talkers."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Any, cast

import numpy as np
import soundfile  # pyright: ignore[reportMissingTypeStubs]

from telephony_sim.degradations import Signal
from telephony_sim.errors import LineError
from telephony_sim.resample import resample
from telephony_sim.settings import Range, check

_soundfile = cast("Any", soundfile)


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Background talkers, or any other noise, from a recording that is played round and round.

    file: any mono or stereo recording (mixed to mono), relative to the line's TOML file.
    snr_db: below the speech. speech_dbov: level of active speech that the SNR refers to; -26
    dBov is what speech databases are normalised to (ITU-T P.56, P.830).
    """

    file: Path
    snr_db: Annotated[float, Range(-20, 100)]
    speech_dbov: Annotated[float, Range(-60, 0)] = -26

    __post_init__ = check


class Babble:
    """A loop of the recording from a place that chance chooses."""

    def __init__(self, settings: Settings, rng: np.random.Generator) -> None:
        noise = read_noise(settings.file)
        rms = 32768 * 10 ** ((settings.speech_dbov - settings.snr_db) / 20)
        self._noise = noise * (rms / np.sqrt(np.mean(np.square(noise))))
        self._position = int(rng.integers(len(noise)))

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Samples with the recording underneath."""
        index = (self._position + np.arange(len(pcm))) % len(self._noise)
        self._position = (self._position + len(pcm)) % len(self._noise)
        return pcm + self._noise[index]


def read_noise(path: Path) -> Signal:
    """The recording as mono, 8 kHz, shape (n,); LineError unless it can be read and has sound."""
    try:
        samples, rate = _soundfile.read(path, dtype="float64", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise LineError(f"babble: cannot read {path}: {error}") from error
    mono = resample(cast("Signal", samples).mean(axis=1), rate, 8000)
    if not np.any(mono):
        raise LineError(f"babble: {path} holds no sound")
    return mono


def build(settings: Settings, rng: np.random.Generator) -> Babble:
    """A loop of the recording."""
    return Babble(settings, rng)
