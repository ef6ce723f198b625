"""The last turns side by side, and how fast the agent answers on the whole."""

from rich.text import Text

from pipelines.latency import Turn, summarise
from voicecli.report.bars import VOICE_TO_VOICE
from voicecli.report.screen import Screen, milliseconds
from voicecli.tui.widgets.panel import Panel, Tick, bar
from voicecli.tui.widgets.waterfall import Turns

_SPARKS = "▁▂▃▄▅▆▇█"
_TOP_MS = 1600  # a spark of full height: beyond "broken"


class HistoryPanel(Panel):
    """One line in short, then one row a turn, the last one on top."""

    BORDER_TITLE = "turns"

    def __init__(self, turns: Turns, *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__("", id=id, markup=False)
        self._turns = turns
        self._shown: list[Turn] = []

    def take(self, tick: Tick) -> None:  # noqa: ARG002 - `Turns` was given the entries before
        """See `Panel`."""
        if self._turns.answered != self._shown:
            self._shown = self._turns.answered
            self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        found = summarise(self._shown).voice_to_voice
        if found is None:
            return Text("p50 –  p95 –", "dim")
        rows = [Text()]
        for name, value in (("p50", found.p50), ("p95", found.p95)):
            rows[0].append(f"{name} ", "dim")
            rows[0].append(milliseconds(value), VOICE_TO_VOICE.style(round(value)))
            rows[0].append("  ")
        rows[0].append_text(_sparkline(self._shown, screen.width - rows[0].cell_len))
        rows += [_row(turn, screen) for turn in reversed(self._shown[-(height - 1) :])]
        return Text("\n").join(rows[:height])


def _sparkline(turns: list[Turn], cells: int) -> Text:
    line = Text()
    for turn in turns[-max(0, cells) :]:
        latency = turn.voice_to_voice or 0
        step = min(len(_SPARKS) - 1, latency * len(_SPARKS) // (_TOP_MS * 1_000_000))
        line.append(_SPARKS[step], VOICE_TO_VOICE.style(latency))
    return line


def _row(turn: Turn, screen: Screen) -> Text:
    """A turn: its number, how long the caller waited, and what they said."""
    latency = turn.voice_to_voice or 0
    style = VOICE_TO_VOICE.style(latency)
    cells = max(6, screen.width // 4)
    row = Text().append(f"{turn.index:>3} ", "dim").append(f"{milliseconds(latency):>8} ", style)
    row.append_text(bar(latency / (_TOP_MS * 1_000_000), cells, style))
    row.append(f" {VOICE_TO_VOICE.name(latency):<11}", style)
    row.append(screen.text(turn.text))
    row.truncate(screen.width, overflow="ellipsis")
    return row
