"""A world for the core alone: speech, engines and playout as events with set delays and faults."""

import heapq
import math
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from itertools import groupby
from typing import Any

import numpy as np

from pipelines.runtime.playout import FRAME, Playout
from pipelines.turn_taking.commands import (
    CallTool,
    ClearPlayout,
    Command,
    ContinueReply,
    EndCall,
    FinishTranscription,
    GenerateReply,
    PausePlayout,
    PlayClause,
    PrepareReply,
    ResumePlayout,
    ScoreEndOfTurn,
    StartTranscription,
    SynthesizeClause,
)
from pipelines.turn_taking.conversation import Conversation
from pipelines.turn_taking.events import (
    CallEnded,
    CallStarted,
    ClauseSynthesized,
    DeadlineReached,
    EndOfTurnScored,
    EngineFailed,
    EngineKind,
    Event,
    FinalTranscript,
    FrameScored,
    PartialTranscript,
    ReplyCompleted,
    ReplyPrepared,
    ReplyTextReceived,
    ToolEffect,
    ToolFailed,
    ToolFinished,
    ToolRequested,
    WorkDone,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import Nanos, from_ms

CHUNK = from_ms(32)
PARTIAL_EVERY = from_ms(200)
SILENCE_HEARD_MS = 3500
"""The VAD goes on for this long after the last speech: no turn ends later than that."""


@dataclass(frozen=True)
class Speech:
    """What the caller says from `start_ms` to `end_ms`; no text is a noise."""

    start_ms: int
    end_ms: int
    text: str = ""


@dataclass(frozen=True)
class Delays:
    """How long the world takes, in ms."""

    vad: int = 1
    asr_final: int = 80
    detector: int = 20
    prepare: int = 60
    first_token: int = 100
    token: int = 10
    first_audio: int = 30
    audio_per_word: int = 250
    tool: int = 400


Fault = Callable[[Event], Sequence[Event]]


_LAST: dict[str, EngineKind] = {
    "FinalTranscript": "asr", "ReplyPrepared": "llm", "ReplyCompleted": "llm",
    "ClauseSynthesized": "tts",
}  # fmt: skip


def as_it_comes(event: Event) -> Sequence[Event]:
    """No fault."""
    return [event]


@dataclass
class World:
    """Runs a Conversation against simulated engines until `until_ms`.

    A word of a reply such as `@reads:slots` asks for that tool, with that effect; what follows it
    is written when the tool has answered. A tool whose name is `broken` fails.

    `p_end` gives the detectors' answers by turn text; `fault` may drop, repeat, delay or replace
    any result of an engine or of playout.
    """

    policy: Policy
    speech: Sequence[Speech] = ()
    replies: Sequence[str] = ("Of course. What time would you like?",)
    p_end: Callable[[str], float] = lambda text: 0.9 if text else 0.3
    delays: Delays = field(default_factory=Delays)
    fault: Fault = as_it_comes
    cost_ms: Mapping[EngineKind, int] = field(default_factory=dict[EngineKind, int])
    """What each job of an engine is reported to have cost; engines not named report nothing."""
    extra: Sequence[Event] = ()
    until_ms: int = 10_000

    def __post_init__(self) -> None:
        self.core = Conversation(self.policy)
        self.journal: list[Entry] = []
        self.now: Nanos = 0
        self._heap: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._count = 0
        self._playout = Playout(1000)
        self._starts: dict[int, Nanos] = {}
        self._listening = 0
        self._replied = 0
        self._unwritten: dict[int, list[list[str]]] = {}
        self._ticking = False
        self._over = False

    def run(self) -> list[Entry]:
        """Play it all; the journal."""
        self._event(CallStarted(0))
        for event in self.extra:
            self._event(event)
        heard_until_ms = max((s.end_ms for s in self.speech), default=0) + SILENCE_HEARD_MS
        for index in range(from_ms(min(heard_until_ms, self.until_ms)) // CHUNK):
            start, end = index * CHUNK, (index + 1) * CHUNK
            loud = any(from_ms(s.start_ms) < end and start < from_ms(s.end_ms) for s in self.speech)
            at = end + from_ms(self.delays.vad)
            self._event(FrameScored(at, start, end, 0.95 if loud else 0.03))
        while not self._over:
            deadline = self.core.deadline
            due = self._heap[0][0] if self._heap else from_ms(self.until_ms)
            if deadline is not None and deadline <= due:
                self.now = max(deadline, self.now)
                self._tell(DeadlineReached(self.now))
            elif self._heap and due < from_ms(self.until_ms):
                self.now, _, action = heapq.heappop(self._heap)
                action()
            else:
                break
        return self.journal

    def commands(self, kind: type[Any]) -> list[Any]:
        """The commands of one kind, in order."""
        issued = [entry.command for entry in self.journal if isinstance(entry, Issued)]
        return [command for command in issued if isinstance(command, kind)]

    def verdicts(self, verdict: str) -> list[Any]:
        """The decisions with this verdict, with the moment of each."""
        return [
            entry
            for entry in self.journal
            if isinstance(entry, Issued) and getattr(entry.command, "verdict", "") == verdict
        ]

    # -- inside -------------------------------------------------------------------------------

    def _tell(self, event: Event) -> None:
        self.journal.append(event)
        for command in self.core.handle(event):
            self.journal.append(Issued(event.at, command))
            self._do(command)
        self._over = isinstance(event, CallEnded)

    def _at(self, at: Nanos, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (at, self._count, action))

    def _event(self, event: Event) -> None:
        self._at(event.at, lambda: self._tell(event))

    def _later(self, delay_ms: float, event: Event) -> None:
        self._report(delay_ms, event)
        for told in self.fault(replace(event, at=self.now + from_ms(delay_ms))):
            self._event(told)

    def _report(self, delay_ms: float, event: Any) -> None:
        """After the last result of a job, what it has cost."""
        kind = _LAST.get(type(event).__name__)
        if kind in self.cost_ms and getattr(event, "complete", True):
            at, cost = self.now + from_ms(delay_ms), from_ms(self.cost_ms[kind])
            self._at(at, lambda: self._tell(WorkDone(self.now, event.job, kind, cost)))

    def _tick(self) -> None:
        _, events = self._playout.tick(self.now, 0)
        for event in events:
            self._later(0, event)
        self._ticking = self._playout.busy
        if self._ticking:
            self._at(self.now + FRAME, self._tick)

    def _do(self, command: Command) -> None:
        match command:
            case StartTranscription():
                self._starts_listening(command)
            case FinishTranscription():
                self._listening = 0
                text = self._said(self._starts[command.job], command.until)
                final = FinalTranscript(0, command.job, command.until, text)
                self._later(self.delays.asr_final, final)
            case ScoreEndOfTurn():
                for name in command.detectors:
                    score = EndOfTurnScored(0, command.job, name, self.p_end(command.text))
                    self._later(self.delays.detector, score)
            case PrepareReply():
                self._later(self.delays.prepare, ReplyPrepared(0, command.job))
            case GenerateReply():
                self._reply(command)
            case SynthesizeClause():
                self._synthesize(command)
            case ContinueReply():
                self._write(command.job, command.reply)
            case CallTool():
                self._call(command)
            case EndCall():
                self._later(100, CallEnded(0, "the agent hung up"))
            case _:
                self._move_playout(command)

    def _move_playout(self, command: Command) -> None:
        match command:
            case PlayClause():
                self._playout.play(command.job)
                if not self._ticking:
                    self._ticking = True
                    self._at(-(-self.now // FRAME) * FRAME, self._tick)
            case PausePlayout():
                self._playout.pause()
            case ResumePlayout():
                self._playout.resume()
            case ClearPlayout():
                self._later(1, self._playout.clear(self.now))
            case _:
                pass

    def _starts_listening(self, command: StartTranscription) -> None:
        self._starts[command.job] = command.start
        self._listening = command.job
        self._hear(command.job)

    def _hear(self, job: int) -> None:
        """A partial transcript now, and again while the job goes on."""
        if job != self._listening:
            return
        words = self._said(self._starts[job], self.now).split()
        if len(words) > 1:
            stable, unstable = " ".join(words[:-1]), words[-1]
            self._later(5, PartialTranscript(0, job, self.now, stable, unstable))
        if self.now < from_ms(self.until_ms):
            self._at(self.now + PARTIAL_EVERY, lambda: self._hear(job))

    def _said(self, start: Nanos, end: Nanos) -> str:
        """The words begun in a range of media time."""
        spoken: list[str] = []
        for speech in self.speech:
            words = speech.text.split()
            length = speech.end_ms - speech.start_ms
            for index, word in enumerate(words):
                at = from_ms(speech.start_ms + length * index / len(words))
                if start <= at < end:
                    spoken.append(word)
        return " ".join(spoken)

    def _reply(self, command: GenerateReply) -> None:
        text = self.replies[self._replied % len(self.replies)]
        self._replied += not command.speculative
        runs = groupby(text.split(), key=lambda word: word.startswith("@"))
        self._unwritten[command.job] = [list(words) for _, words in runs]
        self._write(command.job, command.job)

    def _write(self, job: int, reply: int) -> None:
        """Up to and with the next tools, or to the end."""
        delay, rounds = self.delays.first_token, self._unwritten[reply]
        asked = False
        while rounds and not asked:
            words = rounds.pop(0)
            asked = words[0].startswith("@")
            for index, word in enumerate(words):
                piece = word if index == 0 else f" {word}"
                said = ReplyTextReceived(0, job, piece)
                self._later(delay, _tool(job, index, word) if asked else said)
                delay += self.delays.token
        self._later(delay, ReplyCompleted(0, job))

    def _call(self, command: CallTool) -> None:
        if command.name == "broken":
            self._later(self.delays.tool, ToolFailed(0, command.job, "no connection"))
        else:
            self._later(self.delays.tool, ToolFinished(0, command.job, f"{command.name} done"))

    def _synthesize(self, command: SynthesizeClause) -> None:
        audio_ms = self.delays.audio_per_word * len(command.text.split())
        half = math.ceil(audio_ms / 2)
        self._later(self.delays.first_audio, self._made(command.job, half, complete=False))
        rest = audio_ms - half
        self._later(self.delays.first_audio + 10, self._made(command.job, rest, complete=True))

    def _made(self, job: int, audio_ms: int, *, complete: bool) -> ClauseSynthesized:
        audio = self._playout.add(job, np.ones(audio_ms, np.int16), complete=complete)
        return ClauseSynthesized(0, job, audio, complete)


def _tool(job: int, index: int, word: str) -> ToolRequested:
    effect, name = word.removeprefix("@").split(":")
    kind: ToolEffect = effect  # pyright: ignore[reportAssignmentType] (written by a test)
    return ToolRequested(0, job, index, name, "{}", kind, 0)


def breaks_once(broken: list[Event]) -> Fault:
    """The first text of a reply is a failure instead; it is put into `broken`."""

    def fault(event: Event) -> Sequence[Event]:
        if isinstance(event, ReplyTextReceived) and not broken:
            broken.append(event)
            return [failed(event, "llm")]
        return [event]

    return fault


def failed(event: Event, kind: EngineKind) -> EngineFailed:
    """The failure that takes a result's place."""
    return EngineFailed(event.at, getattr(event, "job", 0), kind, "broken")
