"""A synthesiser that hums for as long as the text is."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.engines.registry import Context
from pipelines.engines.simulated_time import spend
from pipelines.turn_taking.bounds import bounded, check_bounds
from pipelines.turn_taking.time import from_ms


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    sample_rate: int = bounded(16000, 8000)
    """Of the audio it makes."""
    ms_per_char: float = bounded(60.0, 0)
    """Audio for each character of the text."""
    first_audio_ms: float = 30.0
    """Time to the first chunk."""
    per_chunk_ms: float = 5.0
    """Time to each further chunk."""
    chunk_ms: int = bounded(100, 1)
    """Audio in one chunk; the last may be shorter."""
    tone_hz: float = 220.0
    """Pitch of the tone."""
    level_dbfs: float = -20.0
    """RMS level of the tone, relative to full scale."""


class HummingTts:
    """A steady tone in place of speech."""

    simulated_time = True

    def __init__(self, settings: Settings) -> None:
        self.sample_rate = settings.sample_rate
        self._settings = settings
        self._peak = min(1.0, 10.0 ** (settings.level_dbfs / 20.0) * 2.0**0.5)

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """`ms_per_char` of tone for each character; nothing for blank text."""
        rate = self.sample_rate
        total = round(len(text.strip()) * self._settings.ms_per_char * rate / 1000)
        size = max(1, rate * self._settings.chunk_ms // 1000)
        wait = self._settings.first_audio_ms
        for start in range(0, total, size):
            spend(from_ms(wait))
            if stop.is_set():
                return
            seconds = np.arange(start, min(start + size, total)) / rate
            tone = self._peak * np.sin(2.0 * np.pi * self._settings.tone_hz * seconds)
            yield tone.astype(np.float32)
            wait = self._settings.per_chunk_ms


def build(settings: Settings, context: Context) -> HummingTts:  # noqa: ARG001 (every build's shape)
    """Build it.

    Raises:
        ValueError: a setting is out of range.
    """
    check_bounds(settings)
    return HummingTts(settings)
