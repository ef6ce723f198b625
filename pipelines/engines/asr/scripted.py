"""A recogniser that hears what the profile says it hears."""

import math
from dataclasses import dataclass

from pipelines.engines.audio import checked
from pipelines.engines.protocols import Hypothesis, Pcm, Transcript
from pipelines.engines.registry import Context
from pipelines.engines.simulated_time import spend
from pipelines.turn_taking.bounds import bounded, check_bounds
from pipelines.turn_taking.time import from_ms


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    sample_rate: int = bounded(16000, 8000)
    """Of the audio it is given."""
    words: tuple[str, ...] = ("I would like to book a table for two please.",)
    """The text of each utterance, one after the other; after the last, the first again."""
    ms_per_word: float = bounded(250.0, 0)
    """Audio that one word takes; at 0 the whole utterance is heard in the first sample."""
    decode_ms: float = 30.0
    """How long a new hypothesis takes."""
    finish_ms: float = 60.0
    """How long the final transcript takes."""


class ScriptedAsr:
    """Utterance by utterance from a list: `reset` goes on to the next if any audio was fed."""

    simulated_time = True

    def __init__(self, settings: Settings) -> None:
        self.sample_rate = settings.sample_rate
        self._settings = settings
        self._utterances = [text.split() for text in settings.words]
        self._index = 0
        self._fed = 0
        self._shown = 0

    def feed(self, pcm: Pcm) -> Hypothesis | None:
        """A hypothesis whenever another word has begun; all but its last word are stable."""
        self._fed += len(checked(pcm))
        heard = self._heard()
        if len(heard) == self._shown:
            return None
        self._shown = len(heard)
        spend(from_ms(self._settings.decode_ms))
        return Hypothesis(stable=" ".join(heard[:-1]), unstable=heard[-1])

    def finish(self) -> Transcript:
        """The words whose time has begun."""
        spend(from_ms(self._settings.finish_ms))
        return Transcript(" ".join(self._heard()))

    def reset(self) -> None:
        """Go on to the next utterance, unless nothing was heard of this one."""
        if self._fed:
            self._index = (self._index + 1) % len(self._utterances)
        self._fed = 0
        self._shown = 0

    def _heard(self) -> list[str]:
        utterance = self._utterances[self._index]
        if self._fed == 0:
            return []
        if self._settings.ms_per_word == 0:
            return utterance
        milliseconds = self._fed * 1000 / self.sample_rate
        return utterance[: math.ceil(milliseconds / self._settings.ms_per_word)]


def build(settings: Settings, context: Context) -> ScriptedAsr:  # noqa: ARG001 (every build's shape)
    """Build it.

    Raises:
        ValueError: a setting is out of range.
    """
    if not settings.words:
        raise ValueError("words must name at least one utterance")
    check_bounds(settings)
    return ScriptedAsr(settings)
