"""The screen of a call that the user makes from here.

All of it is measured by ear: the far end may be anybody's agent.
"""

from typing import ClassVar

import numpy as np
from rich.text import Text
from textual import work
from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.widgets import Footer, Static

from pipelines.runtime.clock import MonotonicClock
from pipelines.turn_taking.time import SECOND
from voicecli.dial.handset import Handset, HandsetCall
from voicecli.dial.measure import Measured, measure_unscripted
from voicecli.foreign import one_line
from voicecli.report.screen import Console, clock
from voicecli.tui.terminal import is_terminal, native_messages_in, stopping_on_signals
from voicecli.tui.widgets.call_quality import AnswersPanel, FaultsPanel, LevelsPanel
from voicecli.tui.widgets.panel import PlainApp

_REDRAW_S = 0.1
_MEASURE_EVERY_S = 1.0
_SHARE = 10
"""Measuring takes longer as the call does: it may take this part of the time at most."""
_KEYPAD = {**{digit: digit for digit in "0123456789"}, "asterisk": "*", "number_sign": "#"}


class PhoneApp(PlainApp[None]):
    """Shows a call that somebody else has started, and ends when it is over."""

    CSS_PATH = "phone.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("q", "hang_up", "hang up"),
        Binding("m", "mute", "mute"),
        *(
            Binding(key, f"press('{digit}')", "keypad", key_display="0-9 * #", show=digit == "0")
            for key, digit in _KEYPAD.items()
        ),
        Binding("ctrl+c", "hang_up", "", show=False, priority=True),
    ]
    ENABLE_COMMAND_PALETTE = False

    def __init__(self, call: HandsetCall, *, light: bool = False) -> None:
        super().__init__()
        self.call = call
        self.theme = "textual-light" if light else "textual-dark"
        self._pressed = ""
        self._heading = Static("", id="heading", markup=False)
        self._levels = LevelsPanel(id="levels")
        self._answers = AnswersPanel(id="answers")
        self._faults = FaultsPanel(id="faults")

    def compose(self) -> ComposeResult:
        """Textual's: the panels, from top to bottom."""
        yield from (self._heading, self._levels, self._answers, self._faults)
        yield Footer(show_command_palette=False)

    def on_mount(self) -> None:
        """Textual's: the screen is there."""
        for panel in (self._levels, self._answers, self._faults):
            panel.border_title = panel.BORDER_TITLE
        self.set_interval(_REDRAW_S, self.feed)
        self.set_timer(_MEASURE_EVERY_S, self.measure)

    def feed(self) -> None:
        """Show how loud it is and how late; close when the call is over."""
        self._heading.update(self._title())
        if self.call.user is not None:
            self._levels.hear(self.call.user.levels)
        if self.call.over:
            self.exit()

    @work(thread=True, exclusive=True)
    def measure(self) -> None:
        """Listen to the call so far; on a thread, because that may take a while."""
        stopwatch = MonotonicClock()
        measured = measure_unscripted(np.array(self.call.stereo()))
        self.call_from_thread(self._show, measured, stopwatch.now() / SECOND)

    def _show(self, measured: Measured, took_s: float) -> None:
        self.set_timer(max(_MEASURE_EVERY_S, _SHARE * took_s), self.measure)
        self._answers.show(measured)
        self._faults.show(measured, self.call.course, self.call.card)

    def _title(self) -> Text:
        call = self.call
        line = Text(no_wrap=True, overflow="ellipsis").append(" voicecli ", "bold reverse")
        live = call.user is not None and call.course.now > 0
        line.append(" ● live " if live else " dialling… ", "bold green" if live else "bold yellow")
        line.append(clock(call.course.now))
        if call.user is not None and call.user.muted:
            line.append("  ").append(" MUTED ", "bold reverse red")
        for name, value in (("to", call.handset.url), ("line", call.handset.line)):
            line.append(f"  {name} ", "dim").append(one_line(value), "bold")
        if self._pressed:
            line.append("  pressed ", "dim").append(self._pressed[-12:], "bold")
        return line

    # -- keys ---------------------------------------------------------------------------------

    def action_mute(self) -> None:
        """Mute or open the microphone."""
        if self.call.user is not None:
            self.call.user.muted = not self.call.user.muted

    def action_press(self, digit: str) -> None:
        """Press a key of the phone."""
        if self.call.user is not None:
            self.call.user.press(digit)
            self._pressed += digit

    def action_hang_up(self) -> None:
        """End the call."""
        self.call.hang_up()


def hold(handset: Handset) -> HandsetCall:
    """Call from this computer's microphone until somebody hangs up; the call is over then.

    Without a terminal there is no screen, and SIGTERM, Ctrl-C or the longest duration end it.
    """
    notices: list[str] = []
    app: PhoneApp | None = None

    def notify(notice: str) -> None:
        notices.append(notice)
        if app is not None and app.is_running:
            app.call_from_thread(app.notify, notice, timeout=8)

    call = HandsetCall(handset, notify)
    if is_terminal():
        app = PhoneApp(call)
        with native_messages_in("dial.log"), stopping_on_signals(call.hang_up):
            call.start()
            app.run()
        call.hang_up()
        call.join()
    else:
        with stopping_on_signals(call.hang_up, "SIGINT"):
            call.start()
            while not call.join(_REDRAW_S):
                pass
    console = Console(stderr=True)
    for notice in notices:
        console.print(one_line(notice), style="dim")
    return call
