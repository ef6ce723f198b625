"""Runs the screen around a call, and leaves the terminal as it was; changes with how."""

import os
import signal
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from rich.console import Console

from voicecli.errors import UsageError
from voicecli.models.home import home
from voicecli.talk.headless import finish
from voicecli.talk.live_call import LiveCall
from voicecli.talk.setting import TalkSetting
from voicecli.tui.app import TalkApp

_END_S = 3.0


def talk_on_screen(setting: TalkSetting, *, light: bool = False) -> None:
    """Talk until somebody hangs up; then keep the call and print how to replay it.

    Raises:
        UsageError: this is no terminal.
        VoicecliError: devices, engines or files cannot be used.
    """
    if not (sys.stdin.isatty() and sys.stdout.isatty()):
        raise UsageError("talk needs a terminal for its screen; use --headless without one.")
    early: list[str] = []
    app: TalkApp | None = None

    def notify(notice: str) -> None:
        early.append(notice)
        if app is not None and app.is_running:
            app.call_from_thread(app.notify, notice, timeout=8)

    call = LiveCall(setting, notify)
    app = TalkApp(call, light=light)
    with _native_messages_elsewhere(), _hang_up_on_signals(call):
        call.start()
        app.run()
    call.hang_up()
    call.join(_END_S)
    console = Console(highlight=False)
    for notice in early:
        console.print(notice, style="dim")
    finish(call, console)


@contextmanager
def _hang_up_on_signals(call: LiveCall) -> Iterator[None]:
    """A closed terminal or a polite kill ends the call, and so the screen."""
    before = {}
    for name in ("SIGHUP", "SIGTERM"):
        if hasattr(signal, name):  # there is no SIGHUP on Windows
            number = getattr(signal, name)
            before[number] = signal.signal(number, lambda *_: call.hang_up())
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def _native_messages_elsewhere() -> Iterator[None]:
    """What C libraries (ALSA, llama.cpp) write to standard error goes to a file, not the screen.

    Textual itself draws through `sys.__stderr__`, which is given a copy of the terminal.
    """
    home().mkdir(parents=True, exist_ok=True)
    terminal, kept = os.dup(2), sys.__stderr__
    screen = os.fdopen(os.dup(2), "w", encoding="utf-8")
    with (home() / "talk.log").open("w") as log:
        os.dup2(log.fileno(), 2)
        sys.__stderr__ = screen  # type: ignore[misc]
        try:
            yield
        finally:
            sys.__stderr__ = kept  # type: ignore[misc]
            os.dup2(terminal, 2)
            os.close(terminal)
            screen.close()
