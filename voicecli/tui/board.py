"""The screen of a server: its calls, and the selected one in full.

The server runs on a thread of its own with an event loop of its own, as a live call does in `talk`:
a slow redraw makes none of its frames wait for longer than Python's switch interval.
"""

from collections.abc import Sequence
from typing import ClassVar

from rich.text import Text
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Container
from textual.widgets import Footer, Static

from pipelines.turn_taking.journal import Entry
from voicecli.foreign import one_line
from voicecli.recording.journal import decode
from voicecli.serve.app import CallRoutes
from voicecli.serve.calls import LiveCall
from voicecli.serve.server import CallServer, Stage
from voicecli.tui.widgets.calls import CallsPanel
from voicecli.tui.widgets.decisions import DecisionsPanel
from voicecli.tui.widgets.log import LogPanel
from voicecli.tui.widgets.panel import PlainApp, Tick
from voicecli.tui.widgets.transcript import TranscriptPanel
from voicecli.tui.widgets.waterfall import Turns, WaterfallPanel

_REDRAW_S = 0.1
_STYLES = {Stage.READY: "bold green", Stage.DRAINING: "bold red"}


class CallView(Container):
    """One call, from its journal: the waterfall of `talk`, what was said, what was decided."""

    def __init__(self, call: LiveCall) -> None:
        super().__init__(id="view")
        self.call = call
        self._seen = 0
        self._now = 0
        self._turns = Turns()
        self._panels = (
            WaterfallPanel(self._turns, idle="No turn yet.", id="waterfall"),
            TranscriptPanel(caller="caller", id="transcript"),
            DecisionsPanel(id="decisions"),
        )

    def compose(self) -> ComposeResult:
        """Textual's: the panels, from top to bottom."""
        for panel in self._panels:
            panel.border_title = panel.BORDER_TITLE
            yield panel

    def feed(self) -> None:
        """Give the panels what has come of the journal."""
        entries = self._fresh()
        if entries:
            self._now = entries[-1].at
        tick = Tick(entries, self._now)
        self._turns.take(tick)
        for panel in self._panels:
            panel.take(tick)

    def _fresh(self) -> list[Entry]:
        lumps = self.call.journal[self._seen :]
        self._seen += len(lumps)
        return [decode(line) for lump in lumps for line in lump.splitlines()]


def _how_to_call(routes: CallRoutes) -> str:
    """What would make a call come."""
    settings = routes.settings
    if routes.number:
        return f"ring {routes.number}"
    if settings.carrier.webhooks() is None:
        return f"have {settings.carrier.title} open {settings.access.stream_url}"
    if settings.access.public_url != settings.url:
        return f"point a number's voice webhook at {settings.access.public_url}/voice"
    if settings.access.secret is not None:
        return f"voicecli dial {settings.url}/voice"
    return f"voicecli dial {settings.access.stream_url} --mic"


class BoardApp(PlainApp[bool]):
    """Shows a server that somebody else runs, and ends when it is over.

    Its result is whether the user wants to go back to where they came from.

    Args:
        server: it must be `watchable`.
        log: its log, to which somebody else appends.
        back: what the f key goes back to; empty: nothing.
    """

    CSS_PATH = "board.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "stop", "end: again, now"),
        Binding("up,k", "select(-1)", "select", key_display="↑↓"),
        Binding("down,j", "select(1)", "", show=False),
        Binding("f", "return", "back to talk"),
        Binding("ctrl+c", "stop", "", show=False, priority=True),
    ]
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (22, "-short"), (40, "-tall")]  # noqa: RUF012 - Textual's
    ENABLE_COMMAND_PALETTE = False

    def __init__(
        self, server: CallServer, log: Sequence[str], *, back: bool = False, light: bool = False
    ) -> None:
        super().__init__()
        self.theme = "textual-light" if light else "textual-dark"
        self._server = server
        self._can_go_back = back
        self._going_back = False
        self._heading = Static("", id="heading", markup=False)
        self._calls = CallsPanel(id="calls")
        self._log_panel = LogPanel(log, id="log")
        self._view: CallView | None = None

    def compose(self) -> ComposeResult:
        """Textual's: the panels, from top to bottom; the selected call comes between them."""
        yield self._heading
        yield self._calls
        yield Container(id="selected")
        yield self._log_panel
        yield Footer(show_command_palette=False)

    async def on_mount(self) -> None:
        """Textual's: the screen is there."""
        for panel in (self._calls, self._log_panel):
            panel.border_title = panel.BORDER_TITLE
        self.set_interval(_REDRAW_S, self.feed)
        await self.feed()

    async def feed(self) -> None:
        """Show what is new."""
        server, routes = self._server, self._server.routes
        self._heading.update(self._title())
        if routes is not None:
            calls = [*routes.calls, *reversed(routes.calls.past)]
            self._calls.show(calls, server.now, f"No call yet: {_how_to_call(routes)}.")
        await self._follow_selection()
        if self._view is not None:
            self._view.feed()
        self._log_panel.take(Tick((), 0))
        if server.stage is Stage.OVER:
            self.exit(self._going_back)

    async def _follow_selection(self) -> None:
        call = self._calls.selected
        if call is (self._view.call if self._view is not None else None):
            return
        before, self._view = self._view, None if call is None else CallView(call)
        self._server.watch(None if call is None else call.name)
        if before is not None:
            await before.remove()
        if self._view is not None:
            await self.query_one("#selected").mount(self._view)

    def _title(self) -> Text:
        server, routes = self._server, self._server.routes
        stage = server.stage
        line = Text(no_wrap=True, overflow="ellipsis").append(" voicecli ", "bold reverse")
        line.append(f" {stage.value} ", _STYLES.get(stage, "bold yellow"))
        if routes is not None:
            line.append(f" {len(routes.calls)} live, {routes.pool.idle} idle ")
            url = routes.settings.access.public_url
            for name, value in (("number", routes.number), ("at", url)):
                if value:
                    line.append(f" {name} ", "dim").append(one_line(value), "bold")
        return line.append("  profile ", "dim").append(one_line(server.profile.name), "bold")

    # -- keys ---------------------------------------------------------------------------------

    def check_action(self, action: str, parameters: tuple[object, ...]) -> bool | None:
        """Textual's: whether a key is offered."""
        return self._can_go_back if action == "return" else super().check_action(action, parameters)

    def action_select(self, steps: int) -> None:
        """Show another call."""
        self._calls.move(steps)

    def action_return(self) -> None:
        """Give the number back and go where we came from; calls under way end first."""
        self._going_back = True
        self._server.stop()

    def action_stop(self) -> None:
        """Take no more calls and end with the last one; asked again, end them now."""
        self._going_back = False
        self._server.stop()
