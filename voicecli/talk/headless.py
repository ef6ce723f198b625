"""A live call without a screen, for scripts."""

import signal
import threading
from types import FrameType

from voicecli.errors import StorageError
from voicecli.foreign import one_line
from voicecli.recording.journal import JournalHeader
from voicecli.report.call_report import build_call_report
from voicecli.report.screen import Console
from voicecli.report.summary import Summary
from voicecli.report.waterfall import CallWaterfall
from voicecli.signals import on_hangup
from voicecli.talk.live_call import LiveCall
from voicecli.talk.setting import TalkSetting
from voicecli.transports.base import RATE


def talk_headless(setting: TalkSetting) -> None:
    """Talk until the agent hangs up, the time is over, or a signal comes; a second one ends it now.

    Raises:
        VoicecliError: devices, engines or files cannot be used.
        SystemExit: with 130 after a second signal.
    """
    console = Console()

    def notify(notice: str) -> None:
        console.print(one_line(notice), style="yellow", soft_wrap=True)

    call = LiveCall(setting, notify)
    asked = threading.Event()

    def stop(_number: int, _frame: FrameType | None) -> None:
        if asked.is_set():
            raise SystemExit(130)
        asked.set()
        call.hang_up()

    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, stop)
    on_hangup(call.hang_up)
    call.start()
    while not call.join(0.1):
        pass
    finish(call, console)


def finish(call: LiveCall, console: Console) -> None:
    """Show a call that is over, and say how to replay it.

    Raises:
        VoicecliError: what ended the call.
        SystemExit: the recording is not complete, which the call has said already.
    """
    if call.entries:
        header = JournalHeader(call.setting.profile.name, RATE, {"line": call.setting.line})
        report = build_call_report("call", header, call.entries, call.stereo())
        console.print(CallWaterfall(report), "", Summary([report]))
    if call.recording is not None:
        console.print("\nreplay it: ", end="")
        console.print(one_line(f"voicecli replay '{call.recording}'"), style="bold", soft_wrap=True)
    if call.error is not None:
        raise call.error
    if not call.recorded:
        raise SystemExit(StorageError.exit_code)
