"""What a caller notices of an agent, as it is measured by ear."""

from rich.text import Text

from pipelines.latency import percentile
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.dial.measure import Measured
from voicecli.dial.phone import Course
from voicecli.dial.report import frame_lateness
from voicecli.report.bars import BARGE_IN, VOICE_TO_VOICE, Bands
from voicecli.report.screen import Screen, milliseconds
from voicecli.transports.microphone import Levels
from voicecli.transports.sound_card import CardCounters
from voicecli.tui.widgets.gauges import falling, loudness
from voicecli.tui.widgets.panel import Panel, Tick, bar

_TOP_MS = 1600  # a bar of full length: beyond "broken"


class MeasuredPanel(Panel):
    """A panel that is fed with what was measured instead of with a journal."""

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)

    def take(self, tick: Tick) -> None:
        """See `Panel`; the far end's journal is not ours to see."""


class LevelsPanel(MeasuredPanel):
    """How loud both sides are."""

    BORDER_TITLE = "levels"
    _levels = Levels()

    def hear(self, levels: Levels) -> None:
        """The peaks of the last moment."""
        self._levels = falling(self._levels, levels)
        self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:  # noqa: ARG002 - two rows
        """See `Panel`."""
        rows = (("you", self._levels.caller), ("agent", self._levels.agent))
        return Text("\n").join([loudness(name, peak, screen.width) for name, peak in rows])


class AnswersPanel(MeasuredPanel):
    """How long the caller waited each time, the last time on top."""

    BORDER_TITLE = "voice to voice, by ear"
    _latencies: tuple[Nanos, ...] = ()

    def show(self, measured: Measured) -> None:
        """What was measured so far."""
        if tuple(measured.voice_to_voice) != self._latencies:
            self._latencies = tuple(measured.voice_to_voice)
        self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        if not self._latencies:
            return Text("No answer yet: say something.", "dim")
        rows = [_in_short("p50", self._latencies, VOICE_TO_VOICE)]
        numbered = list(enumerate(self._latencies, start=1))
        for number, latency in reversed(numbered[-(height - 1) :]):
            style = VOICE_TO_VOICE.style(latency)
            row = Text(f"{number:>3} ", "dim").append(f"{milliseconds(latency):>8} ", style)
            row.append_text(bar(latency / (_TOP_MS * 1_000_000), screen.width // 2, style))
            rows.append(row.append(f" {VOICE_TO_VOICE.name(latency)}", style))
        return Text("\n").join(rows[:height])


class FaultsPanel(MeasuredPanel):
    """What went wrong so far, and how late both ends are."""

    BORDER_TITLE = "call quality"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__(id=id)
        self._measured, self._course = Measured(), Course()
        self._card = CardCounters()

    def show(self, measured: Measured, course: Course, card: CardCounters) -> None:
        """What was measured and counted so far."""
        self._measured, self._course, self._card = measured, course, card
        self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        m, buffer = self._measured, self._course.buffer
        greeting = "–" if m.greeting is None else milliseconds(m.greeting)
        counts = [
            ("dead air", len(m.dead_air)), ("cut-ins", m.cut_ins), ("unanswered", m.unanswered),
            ("underruns", buffer.underruns),
        ]  # fmt: skip
        first = Text("greeting ", "dim").append(greeting)
        for name, count in counts:
            first.append(f"  {name} ", "dim").append(str(count), "bold red" if count else "")
        talk_over = Text("talk-over ", "dim").append(f"{m.talk_over / SECOND:.1f} s")
        talk_over.append("  clears ", "dim").append(str(buffer.clears))
        talk_over.append("  sound card's under/overruns ", "dim")
        talk_over.append(f"{self._card.underruns}/{self._card.overruns}")
        late = Text("late p95  agent's frames ", "dim")
        late.append(_p95(frame_lateness(self._course))).append("  ours ", "dim")
        late.append(_p95(self._course.lateness))
        rows = [first, _in_short("barge-in p50", m.barge_in, BARGE_IN), talk_over, late]
        for row in rows:
            row.truncate(screen.width, overflow="ellipsis")
        return Text("\n").join(rows[:height])


def _in_short(name: str, values: tuple[Nanos, ...] | list[Nanos], bands: Bands) -> Text:
    """Median, 95th percentile and how many."""
    row = Text(f"{name} ", "dim")
    if not values:
        return row.append("–")
    for label, share in (("", 50), ("  p95 ", 95)):
        value = percentile(values, share)
        row.append(label, "dim").append(milliseconds(value), bands.style(round(value)))
    return row.append(f"  of {len(values)}", "dim")


def _p95(values: list[Nanos]) -> str:
    return milliseconds(percentile(values, 95)) if values else "–"
