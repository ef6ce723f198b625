"""The turn under way, whose latency is still growing; changes with how its milestones are seen.

`pipelines.latency` folds a turn once its reply is heard; this fold names the same milestones as
they pass, so that what grows on the screen ends up where the finished waterfall has it.
"""

from dataclasses import dataclass, field
from itertools import pairwise

from pipelines.latency import SPANS, SpanName
from pipelines.turn_taking.commands import (
    CallTool,
    Command,
    ContinueReply,
    FinishTranscription,
    GenerateReply,
    ScoreEndOfTurn,
    StartTranscription,
    SynthesizeClause,
)
from pipelines.turn_taking.decisions import (
    Decision,
    OverlapJudged,
    RecordDecision,
    TurnEnded,
)
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    Event,
    FrameScored,
    JobId,
    PlayoutStarted,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import Nanos, from_ms


@dataclass(slots=True)
class _Reply:
    first_text: Nanos | None = None
    clause: JobId | None = None
    asked: Nanos | None = None
    audio: Nanos | None = None
    tools: Nanos | None = None
    """When the tools it called first had answered."""
    called: bool = False


@dataclass(slots=True)
class LiveTurn:
    """From the caller's last sound to the reply's first; `active` in between."""

    end: Nanos | None = None
    """When the caller uttered the last sample, as far as known."""
    paused: Nanos = 0
    committed: Nanos | None = None
    reply: JobId | None = None
    _ingress: Nanos = 0
    _replies: dict[JobId, _Reply] = field(default_factory=dict[JobId, _Reply])
    _owner: dict[JobId, JobId] = field(default_factory=dict[JobId, JobId])
    _continues: dict[JobId, JobId] = field(default_factory=dict[JobId, JobId])

    @property
    def active(self) -> bool:
        """Whether the caller waits, or may be about to go on."""
        return self.end is not None

    def take(self, entry: Entry) -> None:
        """The next entry."""
        if isinstance(entry, Issued):
            self._command(entry.at, entry.command)
        else:
            self._event(entry)

    def spans(self, now: Nanos) -> dict[SpanName, Nanos]:
        """The parts so far, the last of them still growing; empty unless `active`."""
        if self.end is None:
            return {}
        reply = self._replies.get(self.reply or 0, _Reply())
        passed = [self.end + self._ingress, self.paused]
        if self.committed is not None:
            passed += [self.committed, self.committed]
            waits = reply.called and reply.first_text is None
            tools = reply.tools if waits or reply.tools else self.committed
            for milestone in (tools, reply.first_text, reply.asked, reply.audio):
                if milestone is None:
                    break
                passed.append(milestone)
        moments = [self.end]
        for moment in passed:
            moments.append(min(max(moment, moments[-1]), max(now, moments[-1])))
        moments.append(max(now, moments[-1]))
        parts = [b - a for a, b in pairwise(moments)]
        return dict(zip(SPANS, parts, strict=False))

    def _writer_of(self, job: JobId) -> JobId:
        """The reply that a generation works for."""
        return self._continues.get(job, job)

    def _event(self, event: Event) -> None:
        match event:
            case FrameScored():
                self._ingress = event.ingress
            case ReplyTextReceived() if self._writer_of(event.job) in self._replies:
                reply = self._replies[self._writer_of(event.job)]
                reply.first_text = reply.first_text or event.at
            case ClauseSynthesized() if event.audio > 0 and event.job in self._owner:
                reply = self._replies[self._owner[event.job]]
                if reply.clause == event.job and reply.audio is None:
                    reply.audio = event.at
            case PlayoutStarted() if self._owner.get(event.job) == self.reply:
                self.end = None
            case _:
                pass

    def _command(self, at: Nanos, command: Command) -> None:
        match command:
            case StartTranscription():
                self.end = self.committed = self.reply = None
            case FinishTranscription() | ScoreEndOfTurn():
                silence = command.reason.numbers.get("silence_ms")
                if self.end is None and isinstance(silence, int | float):
                    self.end = at - from_ms(silence) - self._ingress
                    self.paused = at
            case GenerateReply():
                self._replies[command.job] = _Reply()
            case CallTool() if command.reply in self._replies:
                reply = self._replies[command.reply]
                reply.called = reply.called or reply.first_text is None
            case ContinueReply() if command.reply in self._replies:
                self._continues[command.job] = command.reply
                reply = self._replies[command.reply]
                reply.tools = reply.tools or (at if reply.called else None)
            case SynthesizeClause() if command.reply in self._replies:
                self._owner[command.job] = command.reply
                reply = self._replies[command.reply]
                if reply.clause is None:
                    reply.clause, reply.asked = command.job, at
            case _ if isinstance(command, Decision):
                self._decision(at, command)
            case _:
                pass

    def _decision(self, at: Nanos, decided: Decision) -> None:
        match decided:
            case TurnEnded(speech=speech):
                self.committed, self.reply = at, decided.reply
                self.end = at if speech is None else speech.end - self._ingress
                if speech is None:
                    self.paused = at
            case OverlapJudged() | RecordDecision("turn_dropped"):
                self.end = None
            case _:
                pass
