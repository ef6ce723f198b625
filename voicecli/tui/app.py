"""The screen of a live call: composes its panels and feeds them.

Ten times a second the panels get what the journal has gained. They compute nothing that the call
depends on, so a slow terminal slows only itself.
"""

from collections.abc import Sequence
from typing import ClassVar, Literal, TypeAlias

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Container
from textual.widgets import Footer, Input

from telephony_sim.spec import line_names
from voicecli.errors import VoicecliError
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.transports.sound_card_devices import SoundCardError, list_devices
from voicecli.tui.dialogs import DeviceScreen, HelpScreen
from voicecli.tui.flip import NoNumberScreen
from voicecli.tui.keys import BINDINGS as KEYS
from voicecli.tui.widgets.decisions import DecisionsPanel
from voicecli.tui.widgets.gauges import GaugesPanel
from voicecli.tui.widgets.heading import HeadingPanel
from voicecli.tui.widgets.headroom import HeadroomPanel
from voicecli.tui.widgets.history import HistoryPanel
from voicecli.tui.widgets.panel import Panel, PlainApp, Tick
from voicecli.tui.widgets.transcript import TranscriptPanel
from voicecli.tui.widgets.waterfall import Turns, WaterfallPanel

_REDRAW_S = 0.1
Flip: TypeAlias = Literal["number", "loopback"]


class TalkApp(PlainApp[None]):
    """Shows a call that somebody else has started, and ends when it is over.

    `missing` names the environment variables without which there is no phone number.
    """

    CSS_PATH = "app.tcss"
    BINDINGS: ClassVar[list[BindingType]] = KEYS
    HORIZONTAL_BREAKPOINTS = [(0, "-narrow"), (120, "-wide")]  # noqa: RUF012 - Textual's
    VERTICAL_BREAKPOINTS = [(0, "-tiny"), (18, "-short"), (44, "-tall")]  # noqa: RUF012 - Textual's
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, call: LiveCall, *, light: bool = False, missing: Sequence[str] = ()) -> None:
        super().__init__()
        self.call = call
        self.flip: Flip | None = None
        """Where the user wants the agent to answer next; None: nowhere."""
        self._missing = missing
        self.theme = "textual-light" if light else "textual-dark"
        self._seen = 0
        self._asked_to_quit = False
        self._lines: Sequence[str] = line_names()
        self._turns = Turns()
        self._heading = HeadingPanel(call, id="heading")
        self._gauges = GaugesPanel(call.setting.profile.policy, id="gauges")
        self._transcript = TranscriptPanel(id="transcript")
        self._waterfall = WaterfallPanel(self._turns, id="waterfall")
        self._history = HistoryPanel(self._turns, id="history")
        self._decisions = DecisionsPanel(id="decisions")
        self._headroom = HeadroomPanel(lambda: self.call.health, id="headroom")

    def compose(self) -> ComposeResult:
        """Textual's: the panels, from top to bottom."""
        yield self._heading
        with Container(id="body"):
            with Container(id="talk"):
                yield self._transcript
                yield self._decisions
            with Container(id="instruments"):
                yield self._gauges
                yield self._waterfall
                yield self._history
        yield self._headroom
        typed = Input(placeholder="say it in writing; enter sends, escape closes", id="typed")
        typed.disabled = True
        yield typed
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Textual's: the screen is there."""
        for panel in self._panels():
            panel.border_title = getattr(panel, "BORDER_TITLE", None)
        self.set_interval(_REDRAW_S, self.feed)
        self.feed()
        if self.call.setting.text:
            self.action_type()

    def _panels(self) -> tuple[Panel, ...]:
        return (
            self._heading, self._gauges, self._transcript, self._waterfall,
            self._history, self._decisions, self._headroom,
        )  # fmt: skip

    def feed(self) -> None:
        """Give the panels what is new, all of it at once."""
        entries = self.call.entries
        fresh = entries[self._seen : len(entries)]
        self._seen += len(fresh)
        tick = Tick(fresh, self.call.now)
        self._turns.take(tick)
        if self.call.caller is not None:
            self._gauges.hear(self.call.caller.levels)
        for panel in self._panels():
            panel.take(tick)
        if self.call.stage is Stage.OVER:
            self.exit()

    # -- keys ---------------------------------------------------------------------------------

    def action_mute(self) -> None:
        """Mute or open the microphone."""
        if self.call.caller is not None:
            self.call.caller.muted = not self.call.caller.muted
            self._heading.push_to_talk = False

    def action_push_to_talk(self) -> None:
        """Deafen the microphone but for the space key, or leave it open again."""
        if self.call.caller is not None:
            self._heading.push_to_talk = not self._heading.push_to_talk
            self.call.caller.muted = self._heading.push_to_talk

    def action_talk(self) -> None:
        """Open or close the microphone in push-to-talk."""
        if self.call.caller is not None and self._heading.push_to_talk:
            self.call.caller.muted = not self.call.caller.muted

    def action_type(self) -> None:
        """Open the line to write in."""
        typed = self.query_one(Input)
        typed.disabled = False
        typed.add_class("-open")
        typed.focus()

    def on_input_changed(self, event: Input.Changed) -> None:
        """Textual's: a key was pressed in the line to write in."""
        if event.value and self.call.caller is not None:
            self.call.caller.typing()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Textual's: a line was written."""
        if event.value.strip() and self.call.caller is not None:
            self.call.caller.type_text(event.value)
        event.input.value = ""
        if not self.call.setting.text:
            self._close_input()

    def on_key(self, event: object) -> None:
        """Textual's: escape closes the line to write in."""
        if getattr(event, "key", "") == "escape":
            self._close_input()

    def _close_input(self) -> None:
        typed = self.query_one(Input)
        typed.remove_class("-open")
        typed.disabled = True
        self.set_focus(None)

    def action_interrupt(self) -> None:
        """Make the agent stop now."""
        if self.call.caller is not None:
            self.call.caller.interrupt()

    def action_next_line(self) -> None:
        """Carry on over the next phone line."""
        here = self._lines.index(self.call.line) if self.call.line in self._lines else -1
        self._use_line(self._lines[(here + 1) % len(self._lines)])

    def action_line(self, number: int) -> None:
        """Carry on over a phone line by its number."""
        if number <= len(self._lines):
            self._use_line(self._lines[number - 1])

    def _use_line(self, name: str) -> None:
        try:
            self.call.change_line(name)
        except VoicecliError as error:
            self.notify(str(error), severity="error")
        else:
            self.notify(f"Line: {name}", timeout=2)

    def action_bookmark(self) -> None:
        """Note the present moment."""
        self.notify(f"Bookmark {self.call.bookmark()} saved.", timeout=2)

    def action_pause_log(self) -> None:
        """Stop the decision log, or let it go on."""
        self._decisions.toggle()

    def action_devices(self) -> None:
        """Choose a microphone or a loudspeaker."""
        try:
            found = [("input", device) for device in list_devices("input")]
            found += [("output", device) for device in list_devices("output")]
        except SoundCardError as error:
            self.notify(str(error), severity="error")
            return

        def choose(chosen: tuple[str, str] | None) -> None:
            if chosen is not None:
                self.call.choose_device(*chosen)

        self.push_screen(DeviceScreen(found, self.call.device_names), choose)

    def action_help(self) -> None:
        """Show what the keys do."""
        self.push_screen(HelpScreen(self._lines))

    def action_flip(self) -> None:
        """End the call here, and answer the phone number; explain what is missing for that."""

        def decide(without_number: bool | None) -> None:
            if without_number:
                self.flip = "loopback"
                self.action_hang_up()

        if self._missing:
            self.push_screen(NoNumberScreen(self._missing), decide)
        else:
            self.flip = "number"
            self.action_hang_up()

    def action_hang_up(self) -> None:
        """End the call; the screen closes when it is over, or at once when asked again."""
        if self._asked_to_quit:
            self.exit()
        self._asked_to_quit = True
        self.call.hang_up()
