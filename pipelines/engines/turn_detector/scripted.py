"""A turn detector that reads its answers from a list."""

from dataclasses import dataclass

from pipelines.engines.audio import checked
from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context
from pipelines.engines.simulated_time import spend
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.time import from_ms

NEEDS_TEXT = False


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    probabilities: tuple[float, ...] = (0.9,)
    """The answer to each question in turn; after the last, the first again."""
    latency_ms: float = 20.0
    """How long an answer takes."""
    sample_rate: int = 16000
    """Of the audio it asks for."""
    audio_seconds: float = 0.0
    """Audio it asks for, and does not listen to."""


class ScriptedTurnDetector:
    """Answer after answer from a list."""

    simulated_time = True
    needs_text = NEEDS_TEXT
    uses_llm = False

    def __init__(self, settings: Settings) -> None:
        self.sample_rate = settings.sample_rate
        self.audio_seconds = settings.audio_seconds
        self._settings = settings
        self._asked = 0

    def end_of_turn(self, history: History, text: str, audio: Pcm) -> float:  # noqa: ARG002 (protocol)
        """The next probability of the list."""
        checked(audio)
        spend(from_ms(self._settings.latency_ms))
        answer = self._settings.probabilities[self._asked % len(self._settings.probabilities)]
        self._asked += 1
        return answer


def build(settings: Settings, context: Context) -> ScriptedTurnDetector:  # noqa: ARG001 (every build's shape)
    """Build it.

    Raises:
        ValueError: a setting is out of range.
    """
    if not settings.probabilities:
        raise ValueError("probabilities must hold at least one")
    if not all(0.0 <= p <= 1.0 for p in settings.probabilities):
        raise ValueError("probabilities must lie between 0 and 1")
    return ScriptedTurnDetector(settings)
