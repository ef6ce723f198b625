"""What lasted how long in a call, by track.

Pairs each command with the event that answers it.
"""

from dataclasses import asdict, dataclass
from typing import Any, Final

from pipelines.latency import Decision
from pipelines.turn_taking import commands, events
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.time import MILLISECOND, Nanos
from voicecli.report.call_report import CallReport

TRACKS: Final = (
    "caller", "agent", "vad", "asr", "detectors", "llm", "tools", "tts", "playout", "decisions",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Slice:
    """Something that lasted; an instant if it has no end."""

    track: str
    name: str
    start: Nanos
    end: Nanos | None
    details: dict[str, Any]


def slices_of(call: CallReport) -> list[Slice]:
    """Everything to be drawn of a call, in order of its start."""
    slices = [Slice("caller", r.turn.text, r.turn.start, r.turn.end, {}) for r in call.turns]
    slices += [
        Slice("caller", b.text or "(sound)", b.onset, b.judged, {"verdict": b.verdict})
        for b in call.barge_ins
    ]
    slices += [Slice("decisions", d.verdict, d.at, None, _facts(d)) for d in call.decisions]
    work = _Work()
    for entry in call.entries:
        if isinstance(entry, Issued):
            work.hear(entry.at, entry.command)
            work.speak(entry.at, entry.command)
        else:
            work.answer(entry)
    slices += work.finished(at=max((entry.at for entry in call.entries), default=0))
    return sorted(slices, key=lambda piece: piece.start)


def _facts(decision: Decision) -> dict[str, Any]:
    """What is known of a decision, a spoken turn's facts beside the others."""
    facts = asdict(decision.facts)
    del facts["reason"]
    spoken = facts.pop("speech", None) or {}
    numbers = decision.facts.reason.numbers
    return {"reason": decision.sentence, **numbers, **facts, **spoken}


class _Work:
    """Pairs what was asked for with its result."""

    def __init__(self) -> None:
        self._slices: list[Slice] = []
        self._open: dict[tuple[str, JobId, str], Slice] = {}
        self._clauses: dict[JobId, tuple[JobId, str]] = {}
        """Clause -> its reply and text."""
        self._continues: dict[JobId, list[JobId]] = {}
        """Reply -> what writes on after its tools."""

    def finished(self, at: Nanos) -> list[Slice]:
        """All slices; what is still under way ends with the call."""
        self._close_all(TRACKS, at, outcome="unfinished")
        return self._slices

    def hear(self, at: Nanos, command: commands.Command) -> None:
        """Take a command about the caller's side."""
        match command:
            case commands.StartTranscription(job=job):
                self._close_all(("vad",), at)
                self._begin("vad", job, "speech", at, reason=command.reason.rule)
            case commands.FinishTranscription(job=job):
                self._close("vad", job, at)
                self._begin("asr", job, "final transcript", at)
            case commands.CancelTranscription(job=job):
                self._close("vad", job, at)
                self._close("asr", job, at, outcome="cancelled")
            case commands.ScoreEndOfTurn(job=job):
                for detector in command.detectors:
                    self._begin("detectors", job, detector, at, key=detector, text=command.text)
            case _:
                pass

    def speak(self, at: Nanos, command: commands.Command) -> None:
        """Take a command about the agent's side."""
        match command:
            case commands.PrepareReply(job=job):
                self._begin("llm", job, "prefill", at)
            case commands.GenerateReply(job=job):
                name = "reply (speculative)" if command.speculative else "reply"
                self._begin("llm", job, name, at)
            case commands.ContinueReply(job=job):
                self._continues.setdefault(command.reply, []).append(job)
                self._begin("llm", job, "reply after tools", at)
            case commands.CallTool(job=job):
                self._begin("tools", job, command.name, at, arguments=command.arguments)
            case commands.CancelTool(job=job):
                self._close("tools", job, at, outcome="cancelled")
            case commands.CancelReply(job=job):
                for generation in (job, *self._continues.get(job, ())):
                    self._close("llm", generation, at, outcome="cancelled")
                for clause in [c for c, (reply, _) in self._clauses.items() if reply == job]:
                    self._close("tts", clause, at, outcome="cancelled")
            case commands.SynthesizeClause(job=job):
                self._clauses[job] = (command.reply, command.text)
                self._begin("tts", job, command.text, at)
            case commands.PlayClause(job=job):
                self._begin("playout", job, f"queued: {self._text(job)}", at)
            case commands.PausePlayout() | commands.ResumePlayout() | commands.ClearPlayout():
                self._mark("playout", type(command).__name__, at, reason=command.reason.rule)
            case _:
                pass

    def answer(self, event: events.Event) -> None:
        """Take an event: the result of earlier work, or progress of it."""
        match event:
            case events.PartialTranscript():
                words = f"{event.stable} …{event.unstable}"
                self._mark("asr", words, event.at, stable=event.stable)
            case events.FinalTranscript():
                self._close("asr", event.job, event.at, text=event.text)
            case events.EndOfTurnScored(at=at, detector=detector):
                p = event.probability
                self._close("detectors", event.job, at, detector, probability=p)
            case events.ReplyTextReceived():
                self._mark("llm", event.text, event.at)
            case events.ReplyPrepared() | events.ReplyCompleted():
                self._close("llm", event.job, event.at)
            case events.ToolFinished(job=job, result=result):
                self._close("tools", job, event.at, result=result)
            case events.HandoverRequested(job=int(job), agent=agent):
                self._close("tools", job, event.at, handed_over_to=agent)
            case events.ToolFailed(job=job, message=message):
                self._close("tools", job, event.at, failed=message)
            case events.EngineFailed():
                self._mark("decisions", "EngineFailed", event.at, message=event.message)
            case _:
                self._sound(event)

    def _sound(self, event: events.Event) -> None:
        match event:
            case events.ClauseSynthesized() if event.complete:
                audio_ms = event.audio / MILLISECOND
                self._close("tts", event.job, event.at, audio_ms=audio_ms)
            case events.PlayoutStarted(job=job):
                self._close("playout", job, event.at)
                self._begin("agent", job, self._text(job), event.at + event.egress)
            case events.MarkReached(job=job):
                self._close("agent", job, event.at)
            case events.PlayoutCleared():
                self._close_all(("agent", "playout"), event.at, outcome="stopped")
            case _:
                pass

    def _text(self, clause: JobId) -> str:
        return self._clauses.get(clause, (0, ""))[1]

    def _mark(self, track: str, name: str, at: Nanos, **details: Any) -> None:
        self._slices.append(Slice(track, name, at, None, details))

    def _begin(
        self, track: str, job: JobId, name: str, at: Nanos, *, key: str = "", **details: Any
    ) -> None:
        self._open[track, job, key] = Slice(track, name, at, None, {"job": job, **details})

    def _close(self, track: str, job: JobId, at: Nanos, key: str = "", **details: Any) -> None:
        piece = self._open.pop((track, job, key), None)
        if piece is not None:
            end = max(at, piece.start)
            both = piece.details | details
            self._slices.append(Slice(track, piece.name, piece.start, end, both))

    def _close_all(self, tracks: tuple[str, ...], at: Nanos, **details: Any) -> None:
        for track, job, key in list(self._open):
            if track in tracks:
                self._close(track, job, at, key, **details)
