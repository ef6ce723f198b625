"""How much room is left before the call suffers: engines, event loop, sound card."""

from collections import deque
from collections.abc import Callable

from rich.text import Text

from pipelines.turn_taking.commands import (
    FinishTranscription,
    GenerateReply,
    ScoreEndOfTurn,
    SynthesizeClause,
)
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    EndOfTurnScored,
    FinalTranscript,
    FrameScored,
    JobId,
    ReplyTextReceived,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import MILLISECOND, Nanos
from voicecli.report.screen import Screen
from voicecli.talk.health import Health
from voicecli.tui.widgets.part import Moment, Part

_LAST = 8
_LATE_MS = 20.0  # a tick later than this leaves the loudspeaker to its cushion


class Workload:
    """Folds a journal into how long each engine took for its last pieces of work."""

    def __init__(self) -> None:
        self._asked: dict[tuple[str, JobId], Nanos] = {}
        self.took_ms: dict[str, deque[float]] = {
            name: deque(maxlen=_LAST) for name in ("vad", "asr", "turn", "llm")
        }
        self.tts_factor: deque[float] = deque(maxlen=_LAST)
        """Time to synthesise over time to speak: below 1 is faster than real time."""

    @property
    def under_way(self) -> int:
        """Pieces of work that were asked for and have not come."""
        return len(self._asked)

    def take(self, entry: Entry) -> None:
        """The next entry."""
        if isinstance(entry, Issued):
            self._command(entry)
            return
        match entry:
            case FrameScored():
                self.took_ms["vad"].append((entry.at - entry.end) / MILLISECOND)
            case FinalTranscript():
                self._answered("asr", entry.job, entry.at)
            case EndOfTurnScored():
                self._answered("turn", entry.job, entry.at)
            case ReplyTextReceived():
                self._answered("llm", entry.job, entry.at)
            case ClauseSynthesized() if entry.complete:
                asked = self._asked.pop(("tts", entry.job), None)
                if asked is not None and entry.audio:
                    self.tts_factor.append((entry.at - asked) / entry.audio)
            case _:
                pass

    def _command(self, entry: Issued) -> None:
        match entry.command:
            case FinishTranscription(job=job):
                self._asked["asr", job] = entry.at
            case ScoreEndOfTurn(job=job):
                self._asked["turn", job] = entry.at
            case GenerateReply(job=job):
                self._asked["llm", job] = entry.at
            case SynthesizeClause(job=job):
                self._asked["tts", job] = entry.at
            case command:
                cancelled = getattr(command, "job", None)
                if type(command).__name__.startswith("Cancel"):
                    for kind in ("asr", "turn", "llm", "tts"):
                        self._asked.pop((kind, cancelled or 0), None)

    def _answered(self, kind: str, job: JobId, at: Nanos) -> None:
        asked = self._asked.pop((kind, job), None)
        if asked is not None:
            self.took_ms[kind].append((at - asked) / MILLISECOND)


class HeadroomPart(Part):
    """One line; what is in danger stands out."""

    def __init__(self, health: Callable[[], Health], *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__("", id=id, markup=False)
        self._health = health
        self._fold = Workload()

    def take(self, moment: Moment) -> None:
        """See `Part`."""
        for entry in moment.entries:
            self._fold.take(entry)
        self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:  # noqa: ARG002 - one line
        """See `Part`."""
        health, work = self._health(), self._fold
        loop = f"{health.lag_ms:.0f}/{health.worst_lag_ms:.0f} ms"
        readings = [
            ("loop", loop, health.worst_lag_ms > _LATE_MS),
            ("underruns", str(health.card.underruns), health.card.underruns > 0),
            ("overruns", str(health.card.overruns), health.card.overruns > 0),
        ]
        for name, values in work.took_ms.items():
            if values:
                readings.append((name, f"{sum(values) / len(values):.0f} ms", False))
        if work.tts_factor:
            factor = sum(work.tts_factor) / len(work.tts_factor)
            readings.append(("tts", f"×{factor:.2f}", factor > 1))
        readings.append(("jobs", str(work.under_way), False))
        line = Text()
        for name, value, alarming in readings:
            line.append("  " if line else "").append(name, "dim").append(" ")
            line.append(value, "bold red" if alarming else "")
        line.truncate(screen.width, overflow="ellipsis")
        return line
