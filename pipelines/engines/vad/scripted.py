"""A voice detector that only measures loudness.

It fires on any audio above a level, and so on tones and synthetic speech that no trained model
would call speech.
"""

import math
from dataclasses import dataclass

import numpy as np

from pipelines.engines.audio import checked
from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context
from pipelines.engines.simulated_time import spend
from pipelines.turn_taking.bounds import bounded, check_bounds
from pipelines.turn_taking.time import from_ms


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    sample_rate: int = bounded(16000, 8000)
    """Of the frames it is given."""
    frame_ms: int = bounded(20, 1)
    """Length of one frame."""
    threshold_dbfs: float = -45.0
    """A frame whose RMS is above this, relative to full scale, is speech."""
    hold_ms: int = 60
    """Speech goes on for this long after the last loud frame."""
    probability_of_speech: float = bounded(0.95, 0, 1)
    """What a loud frame scores; a quiet one scores the complement."""
    latency_ms: float = 0.1
    """How long one frame takes."""


class LoudnessVad:
    """Speech is what is loud."""

    simulated_time = True

    def __init__(self, settings: Settings) -> None:
        self.sample_rate = settings.sample_rate
        self.frame_samples = settings.sample_rate * settings.frame_ms // 1000
        self._settings = settings
        self._power = 10.0 ** (settings.threshold_dbfs / 10.0)
        self._hold_frames = math.ceil(settings.hold_ms / settings.frame_ms)
        self._hold_left = 0

    def probability(self, frame: Pcm) -> float:
        """The configured probability if the frame, or one at most `hold_ms` ago, was loud."""
        frame = checked(frame, self.frame_samples)
        spend(from_ms(self._settings.latency_ms))
        loud = float(np.dot(frame, frame)) > self._power * self.frame_samples
        held = self._hold_left > 0
        self._hold_left = self._hold_frames if loud else max(self._hold_left - 1, 0)
        speech = self._settings.probability_of_speech
        return speech if loud or held else 1.0 - speech

    def reset(self) -> None:
        """Forget the loud frames."""
        self._hold_left = 0


def build(settings: Settings, context: Context) -> LoudnessVad:  # noqa: ARG001 (every build's shape)
    """Build it.

    Raises:
        ValueError: a setting is out of range.
    """
    check_bounds(settings)
    return LoudnessVad(settings)
