"""Lets a second engine step in for one that fails.

Safe means that the caller hears nothing twice: as long as the first engine has given nothing of its
result that can be heard, the second does the whole job, be it that the first failed or that it
ended without a word. Afterwards the failure is the core's to deal with. Having
failed, the first engine rests for some jobs, or each turn would wait for the same timeout again.
Each change of engines is remarked in the journal.
"""

from collections.abc import Callable, Iterator
from typing import Any, TypeVar

import numpy as np
import soxr

from pipelines.engines.closing import closing
from pipelines.engines.protocols import (
    Hypothesis,
    Llm,
    NextTokenLlm,
    Pcm,
    StopSignal,
    StreamingAsr,
    Transcript,
    Tts,
)
from pipelines.engines.remarks import Failure, remark
from pipelines.engines.simulated_time import is_simulated
from pipelines.engines.tools import ToolRequest
from pipelines.turn_taking.clauses import sayable
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.events import EngineKind

T = TypeVar("T")

REST = 3
"""Jobs that the first engine sits out after a failure."""


class _Pair:
    """Whose turn it is."""

    def __init__(self, names: tuple[str, str]) -> None:
        self.first, self._second = names
        self._resting = 0

    @property
    def resting(self) -> bool:
        """Whether the first engine sits out the next job."""
        return self._resting > 0

    def begin(self) -> bool:
        """A job begins: whether the first engine is to do it."""
        if self._resting:
            self._resting -= 1
            remark(f"{self._second} stands in for {self.first}")
            return False
        return True

    def failed(self, error: Exception) -> None:
        """The first engine could not do its job: the second will now do it, or the next ones."""
        self._resting = REST
        text = f"{self.first} failed ({type(error).__name__}: {error}); {self._second} stands in"
        remark(Failure(text))

    def streamed(
        self,
        first: Callable[[], Iterator[T]],
        second: Callable[[], Iterator[T]],
        *,
        audible: Callable[[T], bool],
        done: Callable[[], bool],
    ) -> Iterator[T]:
        """The items of the first engine, or of the second if the first gives none that counts.

        Whether it fails or ends before an `audible` item: to the caller that is the same, unless
        it was all that was wanted of it (`done`).
        """
        if not self.begin():
            yield from second()
            return
        begun, held = False, list[T]()
        try:
            with closing(first()) as items:
                for item in items:
                    held.append(item)
                    begun = begun or audible(item)
                    if begun:
                        yield from held
                        held.clear()
        except Exception as error:  # edge: an engine may raise anything
            self.failed(error)
            if begun:
                raise
        else:
            if begun or done():
                return
            self.failed(ValueError("it gave nothing that can be heard"))
        yield from second()


class FallbackLlm:
    """The replies of the first, or whole ones of the second."""

    def __init__(self, first: Llm, second: Llm, names: tuple[str, str]) -> None:
        self._first, self._second = first, second
        self._pair = _Pair(names)
        self.simulated_time = is_simulated(first, second)

    def prepare(self, history: History) -> None:
        """Prepare the first; the second is only there for emergencies."""
        self._first.prepare(history)

    def stream(self, history: History, stop: StopSignal) -> Iterator[str | ToolRequest]:
        """Pieces of one reply, all of them from the same engine."""
        return self._pair.streamed(
            lambda: self._first.stream(history, stop),
            lambda: self._second.stream(history, stop),
            audible=lambda piece: not isinstance(piece, str) or sayable(piece),
            done=stop.is_set,
        )


class FallbackNextTokenLlm(FallbackLlm):
    """The same where the first engine shows its next-token probabilities."""

    def __init__(self, first: NextTokenLlm, second: Llm, names: tuple[str, str]) -> None:
        super().__init__(first, second, names)
        self._judge = first

    def end_probability(self, history: History, text: str) -> float:
        """What the first engine expects.

        The second is not asked: a detector is calibrated for one model. Where the first fails, or
        rests, the end of the turn is judged without this.

        Raises:
            RuntimeError: the first rests after a failure.
            Exception: whatever the first raises.
        """
        if self._pair.resting:
            raise RuntimeError(f"{self._pair.first} rests after a failure and is not asked")
        return self._judge.end_probability(history, text)


class FallbackTts:
    """The voice of the first, or the second's at the first's sample rate."""

    def __init__(self, first: Tts, second: Tts, names: tuple[str, str]) -> None:
        self._first, self._second = first, second
        self._pair = _Pair(names)
        self.sample_rate = first.sample_rate
        self.simulated_time = is_simulated(first, second)

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """Audio of `text`, all of it from the same engine."""
        return self._pair.streamed(
            lambda: self._first.synthesize(text, stop),
            lambda: self._resampled(text, stop),
            audible=lambda chunk: len(chunk) > 0,
            done=lambda: stop.is_set() or not sayable(text),
        )

    def _resampled(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        if self._second.sample_rate == self.sample_rate:
            yield from self._second.synthesize(text, stop)
            return
        stream = soxr.ResampleStream(self._second.sample_rate, self.sample_rate, 1)
        with closing(self._second.synthesize(text, stop)) as chunks:
            for chunk in chunks:
                if len(audio := stream.resample_chunk(chunk)):
                    yield audio
        rest = stream.resample_chunk(np.zeros(0, np.float32), last=True)
        if len(rest) and not stop.is_set():
            yield rest


class FallbackAsr:
    """The words of the first; where it fails, of the second, which is given the whole utterance."""

    def __init__(self, first: StreamingAsr, second: StreamingAsr, names: tuple[str, str]) -> None:
        self._first, self._second = first, second
        self._pair = _Pair(names)
        self.sample_rate = first.sample_rate
        self.simulated_time = is_simulated(first, second)
        self.local = getattr(first, "local", False)
        self._heard: list[Pcm] = []
        """The utterance so far, as long as the second may still need it."""
        self._trusted: bool | None = None
        """Whether the first is at work on this utterance; None: nothing was fed."""

    def feed(self, pcm: Pcm) -> Hypothesis | None:
        """Take more audio; a hypothesis when there is one."""
        if self._trusted is None and len(pcm):
            self._trusted = self._pair.begin()
        if not self._trusted:
            return self._second.feed(self._converted(pcm)) if len(pcm) else None
        self._heard.append(pcm)
        try:
            return self._first.feed(pcm)
        except Exception as error:  # noqa: BLE001 (edge: an engine may raise anything)
            return self._hand_over(error)

    def finish(self) -> Transcript:
        """The transcript of all the audio since `reset`."""
        if not self._trusted:
            return self._second.finish()
        try:
            return self._first.finish()
        except Exception as error:  # noqa: BLE001 (edge: as above)
            self._hand_over(error)
            return self._second.finish()

    def reset(self) -> None:
        """Forget the audio and words heard so far; the first may be trusted again."""
        self._heard.clear()
        self._trusted = None
        self._second.reset()
        try:
            self._first.reset()
        except Exception as error:  # noqa: BLE001 (edge: as above)
            self._pair.failed(error)

    def _hand_over(self, error: Exception) -> Hypothesis | None:
        self._pair.failed(error)
        self._trusted = False
        whole = np.concatenate(self._heard)
        self._heard.clear()
        return self._second.feed(self._converted(whole))

    def _converted(self, pcm: Pcm) -> Pcm:
        if self._second.sample_rate == self.sample_rate:
            return pcm
        return soxr.resample(pcm, self.sample_rate, self._second.sample_rate, quality="MQ")


def with_fallback(kind: EngineKind, first: Any, second: Any, names: tuple[str, str]) -> Any:
    """An engine of that kind that is `first` as long as that works; `names` are for the journal.

    Raises:
        ValueError: engines of this kind do not fail and have no fallback.
    """
    llm = FallbackNextTokenLlm if isinstance(first, NextTokenLlm) else FallbackLlm
    wrappers = {"asr": FallbackAsr, "llm": llm, "tts": FallbackTts}
    if kind not in wrappers:
        raise ValueError(f"an engine of kind {kind} has no fallback")
    return wrappers[kind](first, second, names)
