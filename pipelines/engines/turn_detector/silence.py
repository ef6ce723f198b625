"""A turn detector without an opinion, so that silence alone ends turns."""

from dataclasses import dataclass

from pipelines.engines.audio import checked
from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context
from pipelines.turn_taking.bounds import bounded, check_bounds
from pipelines.turn_taking.commands import History

NEEDS_TEXT = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    probability: float = bounded(0.5, 0, 1)
    """The answer to everything; the policy's delay curve makes a fixed silence of it."""


class SilenceTurnDetector:
    """The classic endpointer: every pause looks the same."""

    sample_rate = 16000
    audio_seconds = 0.0
    needs_text = NEEDS_TEXT
    uses_llm = False

    def __init__(self, settings: Settings) -> None:
        self._probability = settings.probability

    def end_of_turn(self, history: History, text: str, audio: Pcm) -> float:  # noqa: ARG002 (protocol)
        """The configured probability."""
        checked(audio)
        return self._probability


def build(settings: Settings, context: Context) -> SilenceTurnDetector:  # noqa: ARG001 (every build's shape)
    """Build it.

    Raises:
        ValueError: the probability does not lie between 0 and 1.
    """
    check_bounds(settings)
    return SilenceTurnDetector(settings)
