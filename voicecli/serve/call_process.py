"""What runs in the process of one call: engines, core and recording; changes with a call's course.

The process is started and warmed up before there is a call, takes one at a time, and ends when the
server's end of the socket does. It is where inference happens: the server itself runs no model.
"""

import asyncio
import base64
import os
import signal
import socket
from collections.abc import Callable
from contextlib import suppress

from pipelines.runtime.clock import MonotonicClock
from pipelines.runtime.engines import Engines
from pipelines.runtime.realtime import run_realtime
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.engines import build_engines
from voicecli.errors import VoicecliError
from voicecli.profile import Profile
from voicecli.recording.recorder import CallRecorder
from voicecli.serve.keep import record_call
from voicecli.serve.progress import ProgressFold
from voicecli.serve.redact import redact
from voicecli.serve.settings import Recording
from voicecli.serve.tap import JournalTap
from voicecli.serve.warm import warm_up
from voicecli.serve.wire import Begin, HangUp, Journal, Link, Message, Over, Ready, Unfit, Watch
from voicecli.transports.capture import Capture
from voicecli.transports.twilio_call import TwilioCall
from voicecli.transports.twilio_messages import Clear, Dtmf, Mark, Media

_REPORT_EVERY: Nanos = SECOND


def main(end: socket.socket, profile: Profile, recording: Recording) -> None:
    """Serve calls over the socket until its other end is closed."""
    os.umask(0o077)  # recordings are nobody else's business
    for number in (signal.SIGINT, signal.SIGTERM):  # meant for the server, which then tells us
        signal.signal(number, signal.SIG_IGN)
    asyncio.run(_CallProcess(profile, recording).serve(end))


class _CallProcess:
    def __init__(self, profile: Profile, recording: Recording) -> None:
        self._profile = profile
        self._recording = recording
        self._clock = MonotonicClock()
        self._call: TwilioCall | None = None
        self._task: asyncio.Task[None] | None = None
        self._tap: JournalTap | None = None
        self._link: Link

    async def serve(self, end: socket.socket) -> None:
        self._link = await Link.over(end)
        try:
            engines = build_engines(self._profile)
            apology = warm_up(engines, self._profile.policy.agent)
        except VoicecliError as error:
            self._link.send(Unfit(str(error), error.exit_code))
            await asyncio.sleep(0.1)  # the loop writes it
            return
        self._link.send(Ready(base64.b64encode(apology).decode()))
        while (message := await self._link.receive()) is not None:
            self._take(message, engines)
        await self._finish()

    def _take(self, message: Message, engines: Engines) -> None:
        match message:
            case Begin():
                self._clock = MonotonicClock()
                capture = Capture() if self._recording.folder is not None else None
                self._call = TwilioCall(self._link.send, capture)
                self._task = asyncio.create_task(self._run(message, self._call, capture, engines))
                self._task.add_done_callback(_die_of_failure)
            case Watch(on) if self._tap is not None:
                self._tap.watched = on
            case HangUp(cause) if self._call is not None:
                self._call.hang_up(cause)
            case Media() | Mark() | Clear() | Dtmf() if self._call is not None:
                if not isinstance(message, Clear):
                    self._call.take(message, self._clock.now())
            case _:
                pass

    async def _run(
        self, begin: Begin, call: TwilioCall, capture: Capture | None, engines: Engines
    ) -> None:
        """One call from start to end."""
        fold, problems = ProgressFold(), list[str]()
        recorder = self._recorder(begin, capture, problems.append)
        alter = redact if self._recording.redact else None
        self._tap = tap = JournalTap(alter) if begin.watchable else None

        def record(entry: Entry) -> None:
            fold.record(entry)
            if tap is not None:
                tap.record(entry)
            if recorder is not None:
                recorder.record(entry)

        def tick(due: Nanos) -> None:
            fold.frame(self._clock.now() - due)
            if fold.changed or due % _REPORT_EVERY == 0:
                self._report(fold, call)
            self._show(tap)

        policy = self._profile.policy
        session = await run_realtime(policy, engines, call, record, tick, clock=self._clock)
        self._call = None
        self._report(fold, call, session.underruns)
        self._show(tap)
        self._link.send(Over(call.hangup_cause if call.finished else "the agent hung up"))
        if recorder is not None:
            await asyncio.to_thread(recorder.close)
        self._link.send(Ready(problem=" ".join(problems)))

    def _recorder(
        self, begin: Begin, capture: Capture | None, notify: Callable[[str], None]
    ) -> CallRecorder | None:
        kept = self._recording
        if kept.folder is None or capture is None:
            return None
        return record_call(
            kept.folder / begin.name, begin.call_sid, capture, self._profile, notify,
            redacted=kept.redact,
        )  # fmt: skip

    def _show(self, tap: JournalTap | None) -> None:
        if tap is not None and (lines := tap.take()):
            self._link.send(Journal(lines))

    def _report(self, fold: ProgressFold, call: TwilioCall, underruns: int = 0) -> None:
        dropped = call.counters.dropped + self._link.dropped
        progress = fold.take(dropped=dropped, missing=call.counters.missing, underruns=underruns)
        self._link.send(progress)

    async def _finish(self) -> None:
        """The server is gone: end the call properly all the same."""
        if self._task is not None and not self._task.done():
            if self._call is not None:
                self._call.hang_up("the server ended")
            with suppress(Exception):
                await self._task


def _die_of_failure(task: "asyncio.Task[None]") -> None:
    """A call that broke down takes its process along: the server apologises and starts another."""
    if not task.cancelled() and (error := task.exception()) is not None:
        asyncio.get_running_loop().call_exception_handler(
            {"message": "the call broke down", "exception": error}
        )
        os._exit(1)
