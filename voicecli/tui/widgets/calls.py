"""The calls of a server as a table, one of them selected."""

from collections.abc import Sequence

from rich.text import Text

from voicecli.report.bars import VOICE_TO_VOICE
from voicecli.report.screen import Screen, milliseconds
from voicecli.serve.calls import LiveCall
from voicecli.tui.widgets.panel import Panel, Tick

_WIDE = 110  # columns from which on a call's whole name finds room
_SHORT_NAME = 13  # its last characters: of the call's SID, and what tells two such calls apart
_STATE = 30
_HEADINGS = ("time", "turn", "v2v last", "v2v p95", "dropped", "underruns")
_NUMBERS = (6, 5, 10, 10, 8, 10)


class CallsPanel(Panel):
    """One row a call; those that have ended are dim and stay for a while."""

    BORDER_TITLE = "calls"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)
        self._calls: Sequence[LiveCall] = ()
        self._now = 0.0
        self._idle = ""
        self.selected: LiveCall | None = None

    def show(self, calls: Sequence[LiveCall], now: float, idle: str) -> None:
        """The calls in order, the moment on their clock in seconds, and what to say without any."""
        self._calls, self._now, self._idle = calls, now, idle
        if self.selected not in calls:
            self.selected = calls[0] if calls else None
        self.redraw()

    def move(self, steps: int) -> None:
        """Select another call, so many rows further down."""
        if self.selected is not None:
            here = self._calls.index(self.selected) + steps
            self.selected = self._calls[max(0, min(here, len(self._calls) - 1))]
            self.redraw()

    def take(self, tick: Tick) -> None:
        """See `Panel`; the table is not made of a journal."""

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        if not self._calls:
            return Text(screen.text(self._idle), "dim")
        name = 29 if screen.width >= _WIDE else _SHORT_NAME
        state = min(_STATE, screen.width - 2 - name - 2 - sum(_NUMBERS))
        numbers = "".join(f"{text:>{n}}" for text, n in zip(_HEADINGS, _NUMBERS, strict=True))
        heading = Text(f"  {'call':<{name}}  {'state':<{state}}{numbers}", "bold")
        room = max(1, height - 1)
        here = self._calls.index(self.selected) if self.selected in self._calls else 0
        first = max(0, min(here - room // 2, len(self._calls) - room))
        rows = [self._row(call, screen, name, state) for call in self._calls[first : first + room]]
        for row in (heading, *rows):
            row.truncate(screen.width)
        return Text("\n").join([heading, *rows])

    def _row(self, call: LiveCall, screen: Screen, name: int, state: int) -> Text:
        seconds = int((self._now if call.ended is None else call.ended) - call.began)
        shown = Text(screen.pick("▸ ", "> ") if call is self.selected else "  ")
        what = screen.text(call.state)[: state - 1]
        shown.append(f"{call.name[-name:]:<{name}}  {what:<{state}}")
        shown.append(f"{seconds // 60}:{seconds % 60:02}".rjust(_NUMBERS[0]))
        shown.append(str(call.turn).rjust(_NUMBERS[1]))
        last = call.latencies[-1] if call.latencies else None
        shown.append_text(_latency(last, _NUMBERS[2])).append_text(_latency(call.p95, _NUMBERS[3]))
        for count, width in ((call.dropped, _NUMBERS[4]), (call.underruns, _NUMBERS[5])):
            shown.append(str(count).rjust(width), "bold red" if count else "")
        if call is self.selected:
            shown.stylize("bold")
        if call.ended is not None:
            shown.stylize("dim")
        return shown


def _latency(value: float | None, width: int) -> Text:
    if value is None:
        return Text("–".rjust(width), "dim")
    nanos = round(value * 1e6)
    return Text(milliseconds(nanos).rjust(width), VOICE_TO_VOICE.style(nanos))
