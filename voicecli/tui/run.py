"""Runs the screen around a call, and leaves the terminal as it was."""

from voicecli.errors import UsageError
from voicecli.foreign import one_line
from voicecli.report.screen import Console
from voicecli.talk.headless import finish
from voicecli.talk.live_call import LiveCall
from voicecli.talk.setting import TalkSetting
from voicecli.tui.app import Flip, TalkApp
from voicecli.tui.flip import Phone, plan_without_number
from voicecli.tui.terminal import is_terminal, native_messages_in, stopping_on_signals

_END_S = 3.0


def talk_on_screen(
    setting: TalkSetting, *, light: bool = False, phone: Phone | None = None, on_phone: bool = False
) -> None:
    """Talk until somebody hangs up; then keep the call and print how to replay it.

    The user may put the same agent on the phone number and come back, as often as they like.

    Args:
        setting: the agent, and what the user speaks into.
        light: whether the terminal is light.
        phone: the number.
        on_phone: begin there.

    Raises:
        UsageError: this is no terminal.
        VoicecliError: devices, engines, files or the number cannot be used.
    """
    if not is_terminal():
        raise UsageError("talk needs a terminal for its screen; use --headless without one.")
    phone = phone or Phone()
    flip: Flip | None = "number" if on_phone else _talk(setting, phone, light=light)
    while flip is not None:
        from voicecli.tui.board_run import serve_on_screen  # noqa: PLC0415 - slow to load

        plan = phone.plan(setting) if flip == "number" else plan_without_number(setting)
        if not serve_on_screen(plan, setting.profile, back=True, light=light):
            return
        flip = _talk(setting, phone, light=light)


def _talk(setting: TalkSetting, phone: Phone, *, light: bool) -> Flip | None:
    """One call here; where the agent shall answer after it."""
    early: list[str] = []
    app: TalkApp | None = None

    def notify(notice: str) -> None:
        early.append(notice)
        if app is not None and app.is_running:
            app.call_from_thread(app.notify, notice, timeout=8)

    call = LiveCall(setting, notify)
    app = TalkApp(call, light=light, missing=phone.missing)
    with native_messages_in("talk.log"), stopping_on_signals(call.hang_up):
        call.start()
        app.run()
    call.hang_up()
    call.join(_END_S)
    console = Console()
    for notice in early:
        console.print(one_line(notice), style="dim")
    finish(call, console)
    return app.flip
