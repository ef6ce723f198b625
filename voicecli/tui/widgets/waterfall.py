"""Where the milliseconds of a turn go: of the one that grows, else of the last one answered."""

from collections.abc import Mapping

from rich.text import Text

from pipelines.latency import LatencyFold, SpanName, Turn, spans_worth_showing
from pipelines.turn_taking.decisions import Decision
from pipelines.turn_taking.events import MarkReached, PlayoutStarted
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.time import MILLISECOND, Nanos
from voicecli.report.bars import VOICE_TO_VOICE, Axis
from voicecli.report.screen import Screen, milliseconds
from voicecli.tui.widgets.panel import Panel, Tick

_LOOKS: Mapping[SpanName, tuple[str, str]] = {
    "ingress": ("in", "#0072b2"),
    "vad_hangover": ("vad", "#56b4e9"),
    "endpoint_wait": ("wait", "#e69f00"),
    "asr_final": ("asr", "#cc79a7"),
    "tools": ("tools", "#f0e442"),
    "llm_ttft": ("llm", "#009e73"),
    "first_clause": ("clause", "#9acd32"),
    "tts_ttfb": ("tts", "#d55e00"),
    "pacing": ("pace", "#999999"),
    "egress": ("out", "#0072b2"),
}
"""A short name and a colour for each span, told apart by colour-blind eyes (Okabe and Ito)."""
_FULL_HEIGHT = 12


class Turns:
    """The turns answered so far, and the wait for an answer that is under way."""

    def __init__(self) -> None:
        self.fold = LatencyFold()
        self.answered: list[Turn] = []

    def take(self, tick: Tick) -> bool:
        """What is new; whether a turn was answered or another has changed since."""
        changed = False
        for entry in tick.entries:
            self.fold.take(entry)
            changed = changed or isinstance(entry, PlayoutStarted | MarkReached)
            decided = isinstance(entry, Issued) and isinstance(entry.command, Decision)
            changed = changed or decided
        if changed:
            self.answered = [turn for turn in self.fold.turns if turn.spans]
        return changed


class WaterfallPanel(Panel):
    """One row a span where there is room, else all spans in one bar."""

    BORDER_TITLE = "latency"

    def __init__(
        self,
        turns: Turns,
        *,
        idle: str = "No turn yet: say something, or press t to type.",
        id: str | None = None,  # noqa: A002 - Textual's
    ) -> None:
        super().__init__("", id=id, markup=False)
        self._turns = turns
        self._idle = idle
        self._now: Nanos = 0
        self._grew = False
        self._answered: list[Turn] = []

    def take(self, tick: Tick) -> None:
        """See `Panel`; `Turns` was given the entries before."""
        self._now = tick.now
        grows, answered = self._turns.fold.waiting is not None, self._turns.answered
        if grows or self._grew or answered is not self._answered:
            self.redraw()
        self._grew, self._answered = grows, answered

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        waiting, answered = self._turns.fold.waiting, self._turns.answered
        if waiting is not None:
            spans = spans_worth_showing(self._turns.fold.spans(self._now))
            state = "waiting to answer" if waiting.commit is None else "answering"
            title = Text().append(f"turn {len(answered) + 1}, {state}:", "bold")
        elif answered:
            spans = spans_worth_showing(answered[-1].spans)
            title = Text().append(f"turn {answered[-1].index}:", "bold")
        else:
            return Text(self._idle, "dim")
        total = sum(spans.values())
        verdict = f"{milliseconds(total)} {VOICE_TO_VOICE.name(total)}"
        title.append(" ").append(verdict, VOICE_TO_VOICE.style(total))
        if waiting is None and answered[-1].saved >= MILLISECOND:
            saved = f"saved {milliseconds(answered[-1].saved)} by working ahead"
            title.append("  ").append(saved, "dim")
        if waiting is None and answered[-1].spent >= MILLISECOND:
            spent = f"spent {milliseconds(answered[-1].spent)} in vain"
            title.append("  ").append(spent, "dim")
        title.truncate(screen.width, overflow="ellipsis")
        if height >= _FULL_HEIGHT:
            return Text("\n").join([title, *_cascade(screen, spans, total)])
        return Text("\n").join([title, *_stacked(screen, spans, total, height - 1)])


def _cascade(screen: Screen, spans: Mapping[SpanName, Nanos], total: Nanos) -> list[Text]:
    axis, start = Axis(total, VOICE_TO_VOICE, screen), 0
    rows = [axis.ruler()]
    for name, span in spans.items():
        rows.append(axis.row(name, start, start + span))
        start += span
    rows.append(axis.row("voice_to_voice", 0, total, thin=True))
    return rows


def _stacked(
    screen: Screen, spans: Mapping[SpanName, Nanos], total: Nanos, height: int
) -> list[Text]:
    """One bar in which each span has its colour, and under it what the colours mean."""
    full = Axis(total, VOICE_TO_VOICE, screen).full
    line, start = Text(), 0
    for name, span in spans.items():
        first, last = (round(t * screen.width / full) for t in (start, start + span))
        symbol = "█" if screen.styled else _LOOKS[name][0][0]
        line.append(symbol * (min(last, screen.width) - min(first, screen.width)), _LOOKS[name][1])
        start += span
    line.append("·" * (screen.width - line.cell_len), "dim")
    scale = f" {milliseconds(full)}"
    line = line[: screen.width - len(scale)] + Text(scale, "dim")
    legend = Text()
    for name, span in spans.items():
        short, colour = _LOOKS[name]
        if span >= MILLISECOND:
            legend.append("  " if legend else "").append("■" if screen.styled else "", colour)
            legend.append(f"{short} {span / MILLISECOND:.0f}")
    return [line, legend][:height]
