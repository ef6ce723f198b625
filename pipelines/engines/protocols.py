"""What the shells ask of an engine of each kind.

Engines block and never await: one engine serves the real-time shell (on a worker thread) and the
virtual-clock shell (inline). None is called from two threads at once. Audio is mono float32 in
[-1, 1] at the engine's own `sample_rate`; the caller resamples.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Protocol, TypeAlias, runtime_checkable

import numpy as np
import numpy.typing as npt

from pipelines.engines.tools import ToolRequest
from pipelines.turn_taking.commands import History

Pcm: TypeAlias = npt.NDArray[np.float32]
"""Mono audio, shape (samples,), float32 in [-1, 1]."""


class StopSignal(Protocol):
    """Says whether the work has become pointless; `threading.Event` is one."""

    def is_set(self) -> bool:
        """Whether to stop as soon as possible."""
        ...


@dataclass(frozen=True, slots=True)
class Hypothesis:
    """A transcript under way: words that no longer change, and the words after them."""

    stable: str
    unstable: str


@dataclass(frozen=True, slots=True)
class Word:
    """A word and when it was said."""

    text: str
    start: float
    """Seconds of audio fed since `reset`."""
    end: float


@dataclass(frozen=True, slots=True)
class Transcript:
    """A finished transcript; empty when no words were heard."""

    text: str
    words: tuple[Word, ...] = ()
    """The same words with their times, from engines that know them."""


@runtime_checkable
class Vad(Protocol):
    """Voice activity detector."""

    sample_rate: int
    frame_samples: int

    def probability(self, frame: Pcm) -> float:
        """Probability of speech, 0 to 1, in the next frame of shape (frame_samples,)."""
        ...

    def reset(self) -> None:
        """Forget the audio heard so far."""
        ...


@runtime_checkable
class StreamingAsr(Protocol):
    """Speech recogniser fed with confirmed speech only."""

    sample_rate: int

    def feed(self, pcm: Pcm) -> Hypothesis | None:
        """Take more audio; a new hypothesis when there is one.

        An engine that transcribes the growing utterance anew decides here when that pays. It may
        take long: the shell then hands over all the audio of that time at once.
        """
        ...

    def finish(self) -> Transcript:
        """The transcript of all the audio since `reset`; more may be fed afterwards."""
        ...

    def reset(self) -> None:
        """Forget the audio and words heard so far."""
        ...


@runtime_checkable
class TurnDetector(Protocol):
    """Judges whether the caller has finished."""

    sample_rate: int
    audio_seconds: float
    """How much of the turn's last audio it wants; 0 if it reads only the text."""
    needs_text: bool
    """Whether it is worth asking before the final transcript."""
    uses_llm: bool
    """Whether it works on the reply LLM, and so shares its worker."""

    def end_of_turn(self, history: History, text: str, audio: Pcm) -> float:
        """Probability, 0 to 1, that the turn `text` (with `audio` at its end) is complete."""
        ...


@runtime_checkable
class Llm(Protocol):
    """Language model that writes the agent's reply."""

    def prepare(self, history: History) -> None:
        """Read the prompt in advance so that `stream` of the same history starts sooner."""
        ...

    def stream(self, history: History, stop: StopSignal) -> Iterator[str | ToolRequest]:
        """Pieces of the reply's text, then the tools that must answer before it goes on.

        Ends within one token once `stop` is set.
        """
        ...


@runtime_checkable
class NextTokenLlm(Llm, Protocol):
    """A language model that also shows how probable certain continuations are."""

    def end_probability(self, history: History, text: str) -> float:
        """Probability that the caller's `text` ends here: end-of-turn token or . ? ! comes next."""
        ...


@runtime_checkable
class Tts(Protocol):
    """Speech synthesiser."""

    sample_rate: int

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """Audio of `text` in chunks, as soon as they exist; ends early once `stop` is set."""
        ...
