"""What the models answered in a recorded call, by what they were asked.

A run under another policy asks mostly the same questions at other moments. The answers come with
the delay they had; where there is none, the engine is asked.
"""

from collections import defaultdict, deque
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

import numpy as np

from pipelines.engines.protocols import StopSignal
from pipelines.engines.simulated_time import spend
from pipelines.runtime.lanes import Delivery
from pipelines.runtime.timeline import Samples
from pipelines.turn_taking.commands import (
    CallTool,
    ContinueReply,
    FinishTranscription,
    GenerateReply,
    History,
    PrepareReply,
    ScoreEndOfTurn,
    StartTranscription,
    SynthesizeClause,
)
from pipelines.turn_taking.events import (
    CallStarted,
    ClauseSynthesized,
    EndOfTurnScored,
    FinalTranscript,
    FrameScored,
    HandoverRequested,
    JobId,
    PartialTranscript,
    PlayoutStarted,
    ReplyCompleted,
    ReplyPrepared,
    ReplyTextReceived,
    ToolFailed,
    ToolFinished,
    ToolRequested,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import SECOND, Nanos

_Answer = TypeVar("_Answer")


@dataclass(frozen=True, slots=True)
class RecordedTranscript:
    """The final words of a range of media time."""

    after: Nanos
    text: str
    looped: bool = False


@dataclass(frozen=True, slots=True)
class RecordedReply:
    """A reply, up to its end or its tools, as it was streamed: each piece after the last."""

    pieces: tuple[tuple[Nanos, str | ToolRequested], ...]
    completed_after: Nanos


@dataclass(frozen=True, slots=True)
class RecordedClause:
    """A clause's audio: when its first chunk was there, and when all of it was after that."""

    first_after: Nanos
    first_samples: int
    complete_after: Nanos
    pcm: Samples
    """int16 at the line's rate; silent where the call did not play it."""


@dataclass(frozen=True, slots=True)
class RecordedTool:
    """What a tool answered."""

    after: Nanos
    answer: ToolFinished | ToolFailed | HandoverRequested


@dataclass(slots=True)
class RecordedAnswers:
    """The answers; delays are from question to answer."""

    frames: list[FrameScored] = field(default_factory=list[FrameScored])
    partials: dict[Nanos, list[PartialTranscript]] = field(
        default_factory=dict[Nanos, list[PartialTranscript]]
    )
    """By the media time at which the transcription began."""
    finals: dict[tuple[Nanos, Nanos], RecordedTranscript] = field(
        default_factory=dict[tuple[Nanos, Nanos], RecordedTranscript]
    )
    """By the range of media time."""
    scores: dict[tuple[str, Nanos, Nanos], tuple[Nanos, float]] = field(
        default_factory=dict[tuple[str, Nanos, Nanos], tuple[Nanos, float]]
    )
    """By detector and range of media time, which determines the words as well."""
    prepared: dict[History, Nanos] = field(default_factory=dict[History, Nanos])
    replies: dict[History, RecordedReply] = field(default_factory=dict[History, RecordedReply])
    clauses: dict[str, RecordedClause] = field(default_factory=dict[str, RecordedClause])
    tools: dict[tuple[str, str], deque[RecordedTool]] = field(
        default_factory=dict[tuple[str, str], deque[RecordedTool]]
    )
    """By name and arguments, in the order in which they were called."""
    today: str = ""
    """The day on which the call began."""
    missed: int = 0
    """Questions that had no answer here, so far."""

    def final(self, start: Nanos, until: Nanos) -> RecordedTranscript | None:
        """The final words of a range of media time."""
        return self._known(self.finals.get((start, until)))

    def score(self, detector: str, start: Nanos, until: Nanos) -> tuple[Nanos, float] | None:
        """What a detector said of a range of media time, and after how long."""
        return self._known(self.scores.get((detector, start, until)))

    def reading(self, history: History) -> Nanos | None:
        """How long it took to read a prompt in advance."""
        return self._known(self.prepared.get(history))

    def reply(self, history: History) -> RecordedReply | None:
        """The reply to a prompt."""
        return self._known(self.replies.get(history))

    def clause(self, text: str) -> RecordedClause | None:
        """The audio of a clause."""
        return self._known(self.clauses.get(text))

    def tool(self, name: str, arguments: str) -> RecordedTool | None:
        """What a tool answered when it was called so for the first time not yet told."""
        answers = self.tools.get((name, arguments))
        return self._known(answers.popleft() if answers else None)

    def _known(self, answer: _Answer | None) -> _Answer | None:
        self.missed += answer is None
        return answer


def in_time(steps: Iterable[tuple[Nanos, Delivery]], _stop: StopSignal) -> Iterator[Delivery]:
    """Work that only takes the time it took: each delivery after its delay."""
    for delay, delivery in steps:
        spend(delay)
        yield delivery


def recorded_answers_from(entries: Iterable[Entry], agent: Samples, rate: int) -> RecordedAnswers:
    """Read a journal.

    Args:
        entries: of the recorded call.
        agent: what the caller heard, int16 at `rate` Hz, from the beginning of the call.
        rate: of the line.
    """
    reader = _Reader(agent, rate)
    for entry in entries:
        if isinstance(entry, Issued):
            reader.asked(entry)
        else:
            reader.answered(entry)
    return reader.finish()


class _Reader:
    """Pairs each question with its answer."""

    def __init__(self, agent: Samples, rate: int) -> None:
        self.recorded_answers = RecordedAnswers()
        self._agent = agent
        self._rate = rate
        self._starts: dict[JobId, Nanos] = {}
        self._questions: dict[JobId, Any] = {}
        self._last_at: dict[JobId, Nanos] = {}
        self._pieces: defaultdict[JobId, list[tuple[Nanos, str | ToolRequested]]]
        self._pieces = defaultdict(list)
        self._clauses: dict[JobId, RecordedClause] = {}
        self._started: dict[JobId, PlayoutStarted] = {}

    def asked(self, issued: Issued) -> None:
        match issued.command:
            case StartTranscription() as command:
                self._starts[command.job] = command.start
            case (
                FinishTranscription() | ScoreEndOfTurn() | PrepareReply()
                | GenerateReply() | ContinueReply() | SynthesizeClause() | CallTool()
            ) as command:  # fmt: skip
                self._questions[command.job] = command
                self._last_at[command.job] = issued.at
            case _:
                pass

    def answered(self, event: Entry) -> None:
        recorded_answers = self.recorded_answers
        match event:
            case CallStarted():
                recorded_answers.today = event.today[-len("2026-11-24") :]
            case FrameScored():
                recorded_answers.frames.append(event)
            case PartialTranscript() if event.job in self._starts:
                recorded_answers.partials.setdefault(self._starts[event.job], []).append(event)
            case FinalTranscript() if event.job in self._starts and self._asked(
                FinishTranscription, event.job
            ):
                key = (self._starts[event.job], event.until)
                after = self._delay(event.job, event.at)
                recorded_answers.finals[key] = RecordedTranscript(after, event.text, event.looped)
            case EndOfTurnScored() if asked := self._asked(ScoreEndOfTurn, event.job):
                answer = (max(0, event.at - self._last_at[event.job]), event.probability)
                recorded_answers.scores[event.detector, asked.start, asked.until] = answer
            case PlayoutStarted():
                self._started[event.job] = event
            case _:
                self._answered_reply(event)

    def _answered_reply(self, event: Entry) -> None:
        recorded_answers = self.recorded_answers
        match event:
            case ReplyPrepared() if asked := self._asked(PrepareReply, event.job):
                recorded_answers.prepared[asked.history] = self._delay(event.job, event.at)
            case ReplyTextReceived():
                self._pieces[event.job].append((self._delay(event.job, event.at), event.text))
            case ToolRequested():
                self._pieces[event.job].append((self._delay(event.job, event.at), event))
            case (
                ToolFinished(job=int(job))
                | ToolFailed(job=int(job))
                | HandoverRequested(job=int(job))
            ) if asked := self._asked(CallTool, job):
                answer = RecordedTool(self._delay(job, event.at), event)
                recorded_answers.tools.setdefault((asked.name, asked.arguments), deque()).append(
                    answer
                )
            case ReplyCompleted() if asked := self._asked(
                (GenerateReply, ContinueReply), event.job
            ):
                pieces = tuple(self._pieces[event.job])
                reply = RecordedReply(pieces, self._delay(event.job, event.at))
                recorded_answers.replies[asked.history] = reply
            case ClauseSynthesized() if self._asked(SynthesizeClause, event.job):
                self._synthesized(event)
            case _:
                pass

    def _asked(self, kind: Any, job: JobId) -> Any:
        """The question of this job, if it is of this kind: a journal may hold anything."""
        question = self._questions.get(job)
        return question if isinstance(question, kind) else None

    def _delay(self, job: JobId, at: Nanos) -> Nanos:
        """Since the question, or since the answer before this one."""
        since = max(0, at - self._last_at.get(job, at))
        self._last_at[job] = at
        return since

    def _synthesized(self, event: ClauseSynthesized) -> None:
        delay = self._delay(event.job, event.at)
        samples = event.audio * self._rate // SECOND
        first = self._clauses.get(event.job)
        if first is None:
            first = RecordedClause(delay, samples, 0, np.zeros(samples, np.int16))
            self._clauses[event.job] = first
        elif event.complete:
            silence = np.zeros(samples, np.int16)
            self._clauses[event.job] = replace(first, complete_after=delay, pcm=silence)

    def finish(self) -> RecordedAnswers:
        """The recall, with each clause's audio taken from what the caller heard of it."""
        for job, clause in self._clauses.items():
            if asked := self._asked(SynthesizeClause, job):
                self.recorded_answers.clauses[asked.text] = self._with_audio(job, clause)
        return self.recorded_answers

    def _with_audio(self, job: JobId, clause: RecordedClause) -> RecordedClause:
        started = self._started.get(job)
        if started is None:
            return clause
        start = (started.at + started.egress) * self._rate // SECOND
        heard = self._agent[start : start + len(clause.pcm)]
        return replace(clause, pcm=np.concatenate((heard, clause.pcm[len(heard) :])))
