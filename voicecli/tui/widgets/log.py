"""The last lines of a log."""

from collections.abc import Sequence

from rich.text import Text

from voicecli.report.screen import Screen
from voicecli.tui.widgets.panel import Panel, Tick


class LogPanel(Panel):
    """Shows the end of `lines`, which somebody else appends to."""

    BORDER_TITLE = "log"

    def __init__(self, lines: Sequence[str], *, id: str | None = None) -> None:  # noqa: A002 - Textual's
        super().__init__("", id=id, markup=False)
        self._lines = lines
        self._last = ""

    def take(self, tick: Tick) -> None:  # noqa: ARG002 - a log has no journal
        """See `Panel`."""
        last = self._lines[-1] if self._lines else ""
        if last != self._last:
            self._last = last
            self.redraw()

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        rows = [Text(screen.text(line)) for line in tuple(self._lines)[-height:]]
        for row in rows:
            row.truncate(screen.width, overflow="ellipsis")
        return Text("\n").join(rows)
