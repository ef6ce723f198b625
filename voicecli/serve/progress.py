"""Folds a running call's journal into what a live view shows; changes with what that is."""

from typing import Final

from pipelines.turn_taking.commands import (
    PausePlayout,
    ResumePlayout,
    SynthesizeClause,
)
from pipelines.turn_taking.decisions import (
    Decision,
    OverlapJudged,
    RecordDecision,
    TurnEnded,
)
from pipelines.turn_taking.events import (
    EngineFailed,
    EngineRemarked,
    FrameScored,
    JobId,
    PlayoutCleared,
    PlayoutStarted,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.speech_gate import LAST_SOUND
from pipelines.turn_taking.time import Nanos, to_ms
from voicecli.serve.wire import Progress

_STATES: Final = {
    "turn_ended": "thinking",
    "turn_reopened": "listening",
    "agent_done": "listening",
    "overlap_interrupts": "listening",
}


class ProgressFold:
    """Takes entries one by one, in constant time each; `take` gives what is new."""

    def __init__(self) -> None:
        self._state = "greeting"
        self._turn = 0
        self._reply_of: dict[JobId, JobId] = {}
        self._awaited: tuple[JobId, Nanos] | None = None
        """The reply to the caller's turn, and when that was uttered to its end."""
        self._onset: Nanos | None = None
        self._stepped_in: JobId | None = None
        """The job whose engine failed last with another stepping in: it counts once."""
        """When the caller began to speak over the agent, if that has interrupted it."""
        self._silent_since: Nanos | None = None
        self._sound: Nanos = 0
        """When the caller's last sound was over."""
        self._ingress: Nanos = 0
        self._egress: Nanos = 0
        self._greeted = False
        self.changed = False
        """Whether there is more to tell than the passing of time."""
        self._clear()

    def record(self, entry: Entry) -> None:
        """An event, or a command and its reason."""
        match entry:
            case Issued(_, SynthesizeClause(job, reply)):
                self._reply_of[job] = reply
            case Issued(at, command) if isinstance(command, Decision):
                self._decided(command, at)
            case FrameScored(ingress=ingress, sound_until=sound, masked=masked):
                self._ingress = ingress
                if sound is not None and not masked:
                    self._sounded(sound - ingress)
            case PlayoutStarted():
                self._heard(entry)
            case Issued(at, PausePlayout()):
                self._silent_since = at
            case Issued(_, ResumePlayout()):
                self._silent_since = None
            case PlayoutCleared(at):
                self._stopped(at)
            case EngineRemarked(kind=kind, failed=True):
                self._stepped_in = entry.job
                self._failed(kind)
            case EngineFailed(kind=kind) if entry.job != self._stepped_in:
                self._failed(kind)
            case _:
                pass

    def _failed(self, kind: str) -> None:
        self._failures.append(kind)
        self.changed = True

    def _stopped(self, cleared: Nanos) -> None:
        """Playout is over for good; the agent may have fallen silent before, to judge."""
        if self._onset is not None:
            stopped = cleared if self._silent_since is None else self._silent_since
            self._barge_ins.append(round(to_ms(stopped + self._egress - self._onset), 1))
        self._onset = self._silent_since = None

    def _sounded(self, until: Nanos) -> None:
        """The caller was heard until then; what comes much later is none of the turn's sound."""
        if self._awaited is None or until <= self._awaited[1] + LAST_SOUND:
            self._sound = until

    def frame(self, late: Nanos) -> None:
        """A tick came this late."""
        self._lateness.append(round(to_ms(late), 2))

    def take(self, *, dropped: int, missing: int, underruns: int) -> Progress:
        """What is new since last asked; the counts are those of the whole call."""
        news = Progress(
            state=self._state,
            turn=self._turn,
            voice_to_voice_ms=self._latencies,
            barge_in_ms=self._barge_ins,
            greeting_ms=self._greeting,
            dropped=dropped,
            missing=missing,
            underruns=underruns,
            failures=self._failures,
            lateness_ms=self._lateness,
        )
        self._clear()
        return news

    def _clear(self) -> None:
        self.changed = False
        self._greeting: float | None = None
        self._latencies: list[float] = []
        self._barge_ins: list[float] = []
        self._failures: list[str] = []
        self._lateness: list[float] = []

    def _decided(self, decided: Decision, at: Nanos) -> None:
        if decided.verdict in _STATES:
            self._state, self.changed = _STATES[decided.verdict], True
        match decided:
            case TurnEnded(reply=reply, speech=speech):
                self._turn += 1
                self._awaited = (reply, (at if speech is None else speech.end) - self._ingress)
            case RecordDecision("turn_reopened"):
                self._turn -= 1
                self._awaited = None
            case OverlapJudged(interrupts=True):
                self._onset = decided.onset - self._ingress
            case _:
                pass

    def _heard(self, event: PlayoutStarted) -> None:
        self._egress = event.egress
        if not self._greeted and self._turn == 0:
            self._greeting = round(to_ms(event.at), 1)
        self._greeted = True
        if self._state != "speaking":
            self._state, self.changed = "speaking", True
        if self._awaited is not None and self._reply_of.get(event.job) == self._awaited[0]:
            reply, uttered = event.at + event.egress, self._awaited[1]
            if self._sound <= reply:
                uttered = max(uttered, self._sound)  # a breath since: see JournalIndex.last_sound
            latency = reply - uttered
            self._latencies.append(round(to_ms(latency), 1))
            self._awaited = None
