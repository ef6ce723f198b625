"""Why the agent answered, waited or stopped: the decision log."""

from rich.text import Text

from pipelines.latency import Decision, fold_decisions
from voicecli.report.screen import Screen, clock
from voicecli.tui.widgets.panel import Panel, Tick

_STYLES = {
    "turn_ended": "bold",
    "turn_held": "cyan",
    "overlap_interrupts": "bold red",
    "engine_failed": "bold red",
    "result_dropped": "dim",
}
_KEPT = 400


class DecisionsPanel(Panel):
    """The last decisions, the newest at the bottom; may be paused to be read."""

    BORDER_TITLE = "decisions"

    def __init__(self, *, id: str | None = None) -> None:  # noqa: A002 - Textual's name
        super().__init__("", id=id, markup=False)
        self._decisions: list[Decision] = []
        self._waiting: list[Decision] = []
        self.paused = False

    def take(self, tick: Tick) -> None:
        """See `Panel`."""
        self._waiting += fold_decisions(tick.entries)
        if self._waiting and not self.paused:
            self._decisions = (self._decisions + self._waiting)[-_KEPT:]
            self._waiting = []
            self.redraw()
        if self.paused:
            self.border_title = f"decisions, paused: {len(self._waiting)} more"

    def toggle(self) -> None:
        """Stop and go on."""
        self.paused = not self.paused
        self.border_title = "decisions, paused" if self.paused else "decisions"

    def picture(self, screen: Screen, height: int) -> Text:
        """See `Panel`."""
        rows = [_row(decision, screen) for decision in self._decisions[-height:]]
        return Text("\n").join(rows)


def _row(decision: Decision, screen: Screen) -> Text:
    row = Text().append(f"{clock(decision.at):>7}", "dim").append(" ")
    label = decision.verdict.replace("_", " ")
    row.append(f"{label:<18} ", _STYLES.get(decision.verdict, ""))
    row.append(screen.text(decision.sentence))
    row.truncate(screen.width, overflow="ellipsis")
    return row
