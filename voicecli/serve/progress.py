"""What is new in a running call, for whoever watches the server; its times are the report's."""

from typing import Final

from pipelines.latency import LatencyFold
from pipelines.turn_taking.decisions import Decision
from pipelines.turn_taking.events import EngineFailed, EngineRemarked, JobId, PlayoutStarted
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import Nanos, to_ms
from voicecli.serve.ipc import Progress

_STATES: Final = {
    "turn_ended": "thinking",
    "turn_reopened": "listening",
    "agent_done": "listening",
    "overlap_interrupts": "listening",
}


class ProgressFold:
    """Takes entries one by one, in constant time each; `take` gives what is new."""

    def __init__(self) -> None:
        self._latency = LatencyFold()
        self._answers_told = self._stops_told = 0
        self._state = "greeting"
        self._stepped_in: JobId | None = None
        """The job whose engine failed last with another stepping in: it counts once."""
        self._greeted = False
        self.changed = False
        """Whether there is more to tell than the passing of time."""
        self._clear()

    def record(self, entry: Entry) -> None:
        """An event, or a command and its reason."""
        self._latency.take(entry)
        match entry:
            case Issued(_, command) if isinstance(command, Decision):
                if command.verdict in _STATES:
                    self._state, self.changed = _STATES[command.verdict], True
            case PlayoutStarted():
                self._heard(entry)
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

    def frame(self, late: Nanos) -> None:
        """A tick came this late."""
        self._lateness.append(round(to_ms(late), 2))

    def take(self, *, dropped: int, missing: int, underruns: int) -> Progress:
        """What is new since last asked; the counts are those of the whole call."""
        answered, stopped = self._latency.voice_to_voice, self._latency.barge_ins_stopped
        news = Progress(
            state=self._state,
            turn=self._latency.turns_so_far,
            voice_to_voice_ms=_milliseconds(answered[self._answers_told :]),
            barge_in_ms=_milliseconds(stopped[self._stops_told :]),
            greeting_ms=self._greeting,
            dropped=dropped,
            missing=missing,
            underruns=underruns,
            failures=self._failures,
            lateness_ms=self._lateness,
        )
        self._answers_told, self._stops_told = len(answered), len(stopped)
        self._clear()
        return news

    def _clear(self) -> None:
        self.changed = False
        self._greeting: float | None = None
        self._failures: list[str] = []
        self._lateness: list[float] = []

    def _heard(self, event: PlayoutStarted) -> None:
        if not self._greeted and not self._latency.turns_so_far:
            self._greeting = round(to_ms(event.at), 1)
        self._greeted = True
        if self._state != "speaking":
            self._state, self.changed = "speaking", True


def _milliseconds(durations: list[Nanos]) -> list[float]:
    return [round(to_ms(duration), 1) for duration in durations]
