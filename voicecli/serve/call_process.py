"""What runs in the process of one call: engines, core and recording.

The process is started and warmed up before there is a call, takes one at a time, and ends when the
server's end of the socket does. It is where inference happens: the server itself runs no model.
"""

import base64
import ctypes
import gc
import os
import select
import signal
import socket
import sys
import threading
from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import replace

from pipelines.runtime.clock import MonotonicClock, machine_time
from pipelines.runtime.engines import Engines
from pipelines.runtime.realtime import run_alone
from pipelines.runtime.transport import Received
from pipelines.turn_taking.events import Event, JobId, ToolFailed
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.carriers.leg import AudioIn, Dtmf, LegTraits, MarkPlayed
from voicecli.engines import build_engines
from voicecli.errors import VoicecliError
from voicecli.profile import Profile
from voicecli.recording.recorder import CallRecorder
from voicecli.redaction.journal import Redactor
from voicecli.serve.ipc import (
    BEAT,
    Alive,
    Begin,
    HangUp,
    Journal,
    Link,
    LoadFailed,
    NotTransferred,
    Over,
    Ready,
    Transfer,
    Watch,
)
from voicecli.serve.journal_stream import JournalStream
from voicecli.serve.progress import ProgressFold
from voicecli.serve.record import record_call
from voicecli.serve.settings import Recording
from voicecli.serve.warm import warm_up
from voicecli.transports.capture import Capture
from voicecli.transports.leg_call import LegCall

_FINISHING_MOST: Nanos = 60 * SECOND
"""For engines and recording to finish after a call; what takes longer has hung."""
_PATIENCE_S = 0.5
_ARENA_MAX = -8
"""M_ARENA_MAX of glibc's malloc.h."""
_NICENESS = 5
"""Behind the server, which carries the audio of all calls."""


def main(
    end: socket.socket, profile: Profile, recording: Recording, secrets: Mapping[str, str]
) -> None:
    """Serve calls over the socket until its other end is closed; `secrets` are variables."""
    os.environ.update(secrets)
    os.umask(0o077)  # recordings are nobody else's business
    os.nice(_NICENESS)
    for name in ("SIGINT", "SIGTERM", "SIGHUP"):  # meant for the server, which then tells us
        if hasattr(signal, name):
            signal.signal(getattr(signal, name), signal.SIG_IGN)
    _keep_few_heaps()
    _CallProcess(profile, recording).serve(end)


class _CallProcess:
    def __init__(self, profile: Profile, recording: Recording) -> None:
        self._profile = profile
        self._recording = recording
        self._link: Link

    def serve(self, end: socket.socket) -> None:
        self._link = Link(end)
        try:
            engines = warm_up(build_engines(self._profile), self._profile.policy)
        except VoicecliError as error:
            self._link.send(LoadFailed(str(error), error.exit_code))
            return
        # What is loaded by now stays: no collection need look at it again, or copy its pages.
        gc.collect()
        gc.freeze()
        self._link.send(Ready(base64.b64encode(engines.apology).decode()))
        while (begin := self._next_call()) is not None:
            ready = self._run(begin, engines)
            gc.collect()  # a call's objects point at each other: they go now, not in a later call
            _give_memory_back()
            self._link.send(ready)

    def _next_call(self) -> Begin | None:
        """Wait for one; None when the server is gone."""
        while not self._link.closed:
            for message, _ in self._link.receive():
                if isinstance(message, Begin):
                    return message  # what follows it stays in the link
            if not select.select([self._link], [], [], BEAT / SECOND)[0]:
                self._link.send(Alive())
        return None

    def _run(self, begin: Begin, engines: Engines) -> Ready:
        """One call from start to end; if it breaks down, so does the process."""
        clock = MonotonicClock()
        capture = Capture() if self._recording.folder is not None else None
        call = _LinkedCall(self._link, clock, capture, begin.traits)
        fold, problems, reported = ProgressFold(), list[str](), clock.now()
        recorder = self._recorder(begin, capture, problems.append)
        tap = call.tap = self._stream() if begin.watchable else None

        def record(entry: Entry) -> None:
            fold.record(entry)
            if tap is not None:
                tap.record(entry)
            if recorder is not None:
                recorder.record(entry)

        def tick(due: Nanos) -> None:
            nonlocal reported
            now = clock.now()
            fold.frame(now - due)
            if fold.changed or now - reported >= BEAT:
                self._report(fold, call)
                reported = now
            self._show(tap)

        policy, beat = self._profile.policy, self._finishing()
        session = run_alone(policy, engines, call, record, tick, clock=clock, waiting=beat)
        self._report(fold, call, session.underruns)
        self._show(tap)
        self._link.send(Over(call.hangup_cause if call.finished else "the agent hung up"))
        if recorder is not None:
            closing = threading.Thread(target=recorder.close, name="closing", daemon=True)
            closing.start()
            while closing.is_alive():  # a disk may be slow
                closing.join(_PATIENCE_S)
                beat()
        return Ready(problem=" ".join(problems))

    def _finishing(self) -> Callable[[], None]:
        """Says that the process lives, for as long as finishing may take from the first time on."""
        ends: Nanos | None = None

        def beat() -> None:
            nonlocal ends
            now = machine_time()
            ends = now + _FINISHING_MOST if ends is None else ends
            if now < ends:
                self._link.send(Alive())

        return beat

    def _recorder(
        self, begin: Begin, capture: Capture | None, notify: Callable[[str], None]
    ) -> CallRecorder | None:
        kept = self._recording
        if kept.folder is None or capture is None:
            return None
        return record_call(
            kept.folder / begin.name, begin.call_id, capture, self._profile, notify,
            redacted=kept.redact, partials=kept.partials, redact_audio=kept.redact_audio,
        )  # fmt: skip

    def _stream(self) -> JournalStream:
        kept = self._recording
        return JournalStream(Redactor(partials=kept.partials) if kept.redact else None)

    def _show(self, tap: JournalStream | None) -> None:
        if tap is not None and (lines := tap.take()):
            self._link.send(Journal(lines))

    def _report(self, fold: ProgressFold, call: LegCall, underruns: int = 0) -> None:
        dropped = call.counters.dropped + self._link.dropped
        progress = fold.take(dropped=dropped, missing=call.counters.missing, underruns=underruns)
        self._link.send(progress)


def _keep_few_heaps() -> None:
    """Let all threads share two heaps, where glibc would give each of a call's its own.

    Each call has threads of its own: sooner or later every heap would have served the engine that
    needs most, and stay as large as that.
    """
    _glibc("mallopt", _ARENA_MAX, 2)


def _give_memory_back() -> None:
    """What a call has freed goes to the system."""
    _glibc("malloc_trim", 0)


def _glibc(function: str, *numbers: int) -> None:
    """Call it where the C library has it; others have neither."""
    if sys.platform == "linux":
        with suppress(AttributeError):
            getattr(ctypes.CDLL(None), function)(*numbers)


class _LinkedCall(LegCall):
    """A call that looks once a tick for what has come, so that nothing else wakes the process."""

    def __init__(
        self, link: Link, clock: MonotonicClock, capture: Capture | None, traits: LegTraits
    ) -> None:
        super().__init__(link.send, capture, traits)
        self.tap: JournalStream | None = None
        """Told when somebody begins or ends to watch the call."""
        self._link = link
        self._clock = clock

    def transfer(self, job: JobId, number: str) -> None:
        """Have the server put the caller through."""
        self._link.send(Transfer(job, number))

    def receive(self, now: Nanos) -> Received:
        """The caller's next 20 ms, which the server may have had for a while."""
        failed: list[Event] = []
        for message, sent in self._link.receive():
            match message:
                case Watch(on) if self.tap is not None:
                    self.tap.watched = on
                case HangUp(cause):
                    self.hang_up(cause)
                case NotTransferred(job, problem):
                    failed.append(ToolFailed(now, job, problem))
                case AudioIn() | MarkPlayed() | Dtmf():
                    self.take(message, self._clock.at(sent))
                case _:
                    pass
        self._link.flush()
        if self._link.closed:
            self.hang_up("the server ended")
        received = super().receive(now)
        return replace(received, events=(*failed, *received.events)) if failed else received
