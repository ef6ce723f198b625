"""How much room is left before the call suffers: engines, event loop, sound card."""

from collections.abc import Callable, Mapping

from rich.text import Text

from pipelines.turn_taking.commands import StartTranscription
from pipelines.turn_taking.events import ClauseSynthesized, FinalTranscript, FrameScored, JobId
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import Nanos
from voicecli.report.screen import Screen
from voicecli.talk.live_call import Health
from voicecli.tui.widgets.panel import Panel, Tick

_LATE_MS = 20.0  # a tick later than this leaves the loudspeaker to its cushion
_CROWDED = 3  # pieces of work on a lane: more are asked for than done
_FADE = 0.99  # of its weight the past keeps from one redraw to the next: ten seconds
_LANES = {"vad": "vad", "asr": "asr", "turn_detector": "turn", "llm": "llm", "tts": "tts"}


class Workload:
    """Folds a journal into the seconds of audio that each engine has dealt with.

    The VAD has all of the caller's, the recogniser the turns'; the turn detectors are asked about
    those; LLM and synthesiser make the agent's.
    """

    def __init__(self) -> None:
        self.audio: dict[str, Nanos] = dict.fromkeys(_LANES, 0)
        self._began: dict[JobId, Nanos] = {}

    def take(self, entry: Entry) -> None:
        """The next entry."""
        match entry:
            case Issued(command=StartTranscription(job=job, start=start)):
                self._began[job] = start
            case FrameScored():
                self.audio["vad"] += entry.end - entry.start
            case FinalTranscript() if entry.job in self._began:
                turn = max(0, entry.until - self._began.pop(entry.job))
                self.audio["asr"] += turn
                self.audio["turn_detector"] += turn
            case ClauseSynthesized() if entry.complete:
                self.audio["llm"] += entry.audio
                self.audio["tts"] += entry.audio
            case _:
                pass


class Factors:
    """Real-time factors: work over audio, of about the last ten seconds in which there was any."""

    def __init__(self) -> None:
        self._last: dict[str, tuple[Nanos, Nanos]] = {}
        self._sums: dict[str, tuple[float, float]] = {}

    def take(self, busy: Mapping[str, Nanos], audio: Mapping[str, Nanos]) -> None:
        """The totals of each lane so far; to be told at each redraw."""
        for lane in _LANES:
            now = (busy.get(lane, 0), audio[lane])
            before, self._last[lane] = self._last.get(lane, (0, 0)), now
            if now != before:
                worked, heard = self._sums.get(lane, (0.0, 0.0))
                self._sums[lane] = (
                    worked * _FADE + now[0] - before[0], heard * _FADE + now[1] - before[1]
                )  # fmt: skip

    def of(self, lane: str) -> float | None:
        """Below 1 is faster than real time; None before there was anything to do."""
        worked, heard = self._sums.get(lane, (0.0, 0.0))
        return worked / heard if heard else None


class HeadroomPanel(Panel):
    """A line for the engines and one for the rest; what is in danger stands out."""

    def __init__(self, health: Callable[[], Health], *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__("", id=id, markup=False)
        self._health = health
        self._work = Workload()
        self._factors = Factors()

    def take(self, tick: Tick) -> None:
        """See `Panel`."""
        for entry in tick.entries:
            self._work.take(entry)
        self._factors.take(self._health().busy, self._work.audio)
        self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        health = self._health()
        rows = [_line(self._engines(health)), _line(_card(health))][:height]
        for row in rows:
            row.truncate(screen.width, overflow="ellipsis")
        return Text("\n").join(rows)

    def _engines(self, health: Health) -> list[tuple[str, str, bool]]:
        """The real-time factor of each engine, and the work that waits for it."""
        readings: list[tuple[str, str, bool]] = []
        for lane, name in _LANES.items():
            factor, waiting = self._factors.of(lane), health.waiting.get(lane, 0)
            speed = "–" if factor is None else f"×{factor:.2f}"
            alarming = waiting > _CROWDED or (factor or 0.0) > 1
            readings.append((name, f"{speed} q{waiting}", alarming))
        return readings


def _card(health: Health) -> list[tuple[str, str, bool]]:
    card = health.card
    loop = f"{health.lag_ms:.0f}/{health.worst_lag_ms:.0f} ms"
    return [
        ("loop", loop, health.worst_lag_ms > _LATE_MS),
        ("mic", f"{health.heard_ms:.0f} ms", False),
        ("say", f"{health.unsaid_ms / 1000:.1f} s", False),
        ("play", f"{health.to_play_ms:.0f} ms", False),
        ("under", str(card.underruns), card.underruns > 0),
        ("lost", str(card.overruns), card.overruns > 0),
    ]


def _line(readings: list[tuple[str, str, bool]]) -> Text:
    line = Text()
    for name, value, alarming in readings:
        line.append("  " if line else "").append(name, "dim").append(" ")
        line.append(value, "bold red" if alarming else "")
    return line
