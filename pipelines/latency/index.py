"""One pass over a journal into look-ups by job."""

from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field

from pipelines.latency.decisions import decision_of
from pipelines.latency.vocabulary import Decision, ToolOutcome, ToolUse
from pipelines.turn_taking.commands import (
    CallTool,
    CancelReply,
    CancelTool,
    Command,
    ContinueReply,
    FinishTranscription,
    GenerateReply,
    PausePlayout,
    PrepareReply,
    ResumePlayout,
    SynthesizeClause,
)
from pipelines.turn_taking.decisions import AgentDone
from pipelines.turn_taking.decisions import Decision as Decided
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    Event,
    FinalTranscript,
    FrameScored,
    HandoverRequested,
    JobId,
    MarkReached,
    PlayoutCleared,
    PlayoutStarted,
    ReplyPrepared,
    ReplyTextReceived,
    ToolFailed,
    ToolFinished,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.speech_gate import LAST_SOUND
from pipelines.turn_taking.time import Nanos


@dataclass(slots=True)
class ReplyTrace:
    """What the journal says of one utterance of the agent."""

    requested: Nanos | None = None
    first_text: Nanos | None = None
    pieces: list[str] = field(default_factory=list[str])
    tools: dict[JobId, tuple[Nanos, str]] = field(default_factory=dict[JobId, tuple[Nanos, str]])
    """Tool's job -> when it was called and its name."""
    continued: list[Nanos] = field(default_factory=list[Nanos])
    """When all tools of a round had answered."""
    cancelled: bool = False
    clauses: dict[JobId, tuple[Nanos, str]] = field(default_factory=dict[JobId, tuple[Nanos, str]])
    """Synthesis job -> when it was asked for and its text."""
    done: AgentDone | None = None
    """How much of it was heard."""


@dataclass(slots=True)
class TranscriptionTrace:
    """When final transcripts of one job were asked for, and when and what they were."""

    asked: list[Nanos] = field(default_factory=list[Nanos])
    finals: list[FinalTranscript] = field(default_factory=list[FinalTranscript])


class JournalIndex:
    """A journal, ready for questions about single jobs and moments."""

    def __init__(self) -> None:
        self.decisions: list[Decision] = []
        self.replies: dict[JobId, ReplyTrace] = defaultdict(ReplyTrace)
        self.transcriptions: dict[JobId, TranscriptionTrace] = defaultdict(TranscriptionTrace)
        self.prefills: dict[JobId, tuple[Nanos, Nanos | None]] = {}
        """Prompt read in advance -> when that was asked for and done, None if it never was."""
        self.first_audio: dict[JobId, Nanos] = {}
        """Clause -> when its first audio existed."""
        self.tool_ends: dict[JobId, tuple[Nanos, ToolOutcome]] = {}
        """Tool's job -> when and how it was over."""
        self.playouts: dict[JobId, PlayoutStarted] = {}
        """Clause -> when it began to be heard; in order of time."""
        self.marks: dict[JobId, Nanos] = {}
        """Clause heard to its end -> when that was."""
        self.pauses: list[Nanos] = []
        self.resumes: list[Nanos] = []
        self.clears: list[PlayoutCleared] = []
        self._continues: dict[JobId, JobId] = {}
        """What writes on after tools -> its reply."""
        self._reply_of: dict[JobId, JobId] = {}
        """Clause -> its reply."""
        self._delayed_until: list[Nanos] = []
        """Ends (media time) of stretches in which the line delayed the caller alike."""
        self._delays: list[Nanos] = []
        self._sounds: list[Nanos] = []
        """When each sound of the caller's was over so far (media time)."""

    def take(self, entry: Entry) -> None:
        """One entry more, while the call goes on."""
        if isinstance(entry, Issued):
            self._take_command(entry.at, entry.command)
        else:
            self._take_event(entry)

    def uttered(self, media: Nanos) -> Nanos:
        """When the caller uttered what left the line at this media time."""
        if not self._delays:
            return media
        position = min(bisect_left(self._delayed_until, media), len(self._delays) - 1)
        return media - self._delays[position]

    def last_sound(self, end: Nanos, reply: Nanos) -> Nanos:
        """Media time of the caller's last sound before a reply reached their ear.

        `end` is where it was when the turn was judged to be over; a breath or a click may have come
        since, which ends the silence for whoever listens.
        """
        place = bisect_right(self._sounds, end + LAST_SOUND)
        while place and self.uttered(self._sounds[place - 1]) > reply:
            place -= 1
        return max(end, self._sounds[place - 1]) if place else end

    def sound_since(self, moment: Nanos) -> Nanos | None:
        """Media time of the caller's last sound so far, if it came after `moment`."""
        last = self._sounds[-1] if self._sounds else 0
        return last if last > moment else None

    def reply_of_clause(self, clause: JobId) -> JobId | None:
        """The utterance that a clause belongs to."""
        return self._reply_of.get(clause)

    def playout_before(self, moment: Nanos, reply: JobId) -> PlayoutStarted | None:
        """The last clause of this utterance that had become audible by then."""
        heard = (self.playouts[job] for job in self.replies[reply].clauses if job in self.playouts)
        return max((p for p in heard if p.at <= moment), key=lambda p: p.at, default=None)

    def first_playout(self, reply: JobId) -> PlayoutStarted | None:
        """The first clause of an utterance that was heard."""
        clauses = self.replies[reply].clauses
        return next((self.playouts[job] for job in clauses if job in self.playouts), None)

    def audible(self) -> Iterator[tuple[Nanos, Nanos | None]]:
        """From when to when each clause was at the caller's ear, in order; None: to the end."""
        for job, playout in self.playouts.items():
            cleared = (c.at + playout.egress for c in self.clears if c.at >= playout.at)
            yield playout.at + playout.egress, self.marks.get(job, next(cleared, None))

    def tools_of(self, reply: JobId) -> Iterator[ToolUse]:
        """What an utterance called, in order of time."""
        for job, (at, name) in self.replies[reply].tools.items():
            over, outcome = self.tool_ends.get(job, (None, "open"))
            yield ToolUse(name, at, None if over is None else over - at, outcome)

    def text_of(self, reply: JobId) -> tuple[str, str]:
        """What was written of an utterance, and what of that was heard."""
        trace = self.replies[reply]
        clauses = [text for _, text in trace.clauses.values()]
        written = "".join(trace.pieces) or " ".join(clauses)
        heard = " ".join(text for job, (_, text) in trace.clauses.items() if job in self.marks)
        if trace.done is not None:
            written, heard = trace.done.written, trace.done.heard
        return written.strip(), heard.strip()

    def _take_event(self, event: Event) -> None:
        match event:
            case FrameScored():
                self._take_frame(event)
            case FinalTranscript():
                self.transcriptions[event.job].finals.append(event)
            case ReplyPrepared() if event.job in self.prefills:
                self.prefills[event.job] = (self.prefills[event.job][0], event.at)
            case ReplyTextReceived():
                self._take_text(event)
            case ClauseSynthesized() if event.audio > 0:
                self.first_audio.setdefault(event.job, event.at)
            case ToolFinished(job=job) | HandoverRequested(job=int(job)):
                self.tool_ends.setdefault(job, (event.at, "answered"))
            case ToolFailed():
                self.tool_ends.setdefault(event.job, (event.at, "failed"))
            case PlayoutStarted():
                self.playouts.setdefault(event.job, event)
            case MarkReached():
                self.marks.setdefault(event.job, event.at)
            case PlayoutCleared():
                self.clears.append(event)
            case _:
                pass

    def _take_frame(self, event: FrameScored) -> None:
        if self._delays and self._delays[-1] == event.ingress:
            self._delayed_until[-1] = event.end
        else:
            self._delayed_until.append(event.end)
            self._delays.append(event.ingress)
        if event.sound_until is not None and not event.masked:
            self._sounds.append(event.sound_until)

    def _take_text(self, event: ReplyTextReceived) -> None:
        trace = self.replies[self._continues.get(event.job, event.job)]
        if not trace.cancelled:
            trace.pieces.append(event.text)
            if trace.first_text is None:
                trace.first_text = event.at

    def _take_command(self, at: Nanos, command: Command) -> None:
        match command:
            case FinishTranscription():
                self.transcriptions[command.job].asked.append(at)
            case PrepareReply():
                self.prefills[command.job] = (at, None)
            case GenerateReply():
                self.replies[command.job].requested = at
            case ContinueReply() | CallTool() | CancelTool():
                self._take_tool_command(at, command)
            case CancelReply():
                self.replies[command.job].cancelled = True
            case SynthesizeClause():
                self.replies[command.reply].clauses[command.job] = (at, command.text)
                self._reply_of[command.job] = command.reply
            case PausePlayout():
                self.pauses.append(at)
            case ResumePlayout():
                self.resumes.append(at)
            case _ if isinstance(command, Decided):
                self.decisions.append(decision_of(at, command))
                if isinstance(command, AgentDone):
                    self.replies[command.reply].done = command
            case _:
                pass

    def _take_tool_command(self, at: Nanos, command: ContinueReply | CallTool | CancelTool) -> None:
        match command:
            case CallTool():
                self.replies[command.reply].tools[command.job] = (at, command.name)
            case CancelTool():
                self.tool_ends.setdefault(command.job, (at, "given_up"))
            case ContinueReply():
                self._continues[command.job] = command.reply
                self.replies[command.reply].continued.append(at)
