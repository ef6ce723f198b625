"""The user's own microphone and loudspeaker as the phone.

The call runs on a thread of its own, beside a screen if there is one.
"""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.runtime.transport import Received
from pipelines.turn_taking.time import Nanos
from voicecli.dial.phone import Course, Dialled, dial
from voicecli.errors import VoicecliError
from voicecli.lines import open_line
from voicecli.talk.devices import Devices, open_devices
from voicecli.transports.base import FRAME, Frame
from voicecli.transports.echo_cancellation import Processing, echo_guard
from voicecli.transports.microphone import MicrophoneCaller
from voicecli.transports.sound_card import CardCounters


@dataclass(frozen=True, slots=True)
class Handset:
    """What is spoken into and heard from, and over which line."""

    url: str
    source: str | None = None
    """The microphone by number or name, or a file; None: the default."""
    sink: str | None = None
    """The loudspeaker, or a WAV file to write; None: the default."""
    line: str = "clean"
    seed: int = 0
    secret: str | None = None
    max_s: float = 600.0
    carrier: str = "twilio"


class _Holder:
    """A `Caller` who holds the handset."""

    def __init__(self, user: MicrophoneCaller, devices: Devices) -> None:
        self._user = user
        self._card = devices.card

    @property
    def finished(self) -> bool:
        return self._user.finished

    def send(self, frame: Frame | None, now: Nanos, /) -> None:
        # What the far buffer gives out for the 20 ms before the tick is played after it.
        self._user.send(frame, now + FRAME)

    def receive(self, now: Nanos, /) -> Received:
        if self._card is not None:  # the call begins: what gathered until now is old
            self._card.go_live()
            self._card = None
        return self._user.receive(now)


class HandsetCall:
    """One call, from opening the devices to its end.

    `course`, `user`, `over` and the methods may be used from any thread; `notify` is called on
    others.
    """

    def __init__(self, handset: Handset, notify: Callable[[str], None]) -> None:
        self.handset = handset
        self.course = Course()
        self.user: MicrophoneCaller | None = None
        """Once there is a call."""
        self.over = False
        self.result: Dialled | None = None
        self.error: Exception | None = None
        """What kept the call from being made, or broke it."""
        self._devices: Devices | None = None
        self._notify = notify
        self._hung_up = threading.Event()
        self._thread = threading.Thread(target=self._run, name="handset", daemon=True)

    def start(self) -> None:
        """Open the devices and dial."""
        self._thread.start()

    def hang_up(self) -> None:
        """End the call soon; it is over when `join` says so."""
        self._hung_up.set()
        if self.user is not None:
            self.user.hang_up()

    def join(self, seconds: float | None = None) -> bool:
        """Wait until the call is over; whether it is."""
        self._thread.join(seconds)
        return not self._thread.is_alive()

    @property
    def card(self) -> CardCounters:
        """What went wrong between the sound card and the call so far."""
        card = self._devices.card if self._devices is not None else None
        return card.counters if card is not None else CardCounters()

    def stereo(self) -> npt.NDArray[np.int16]:
        """The call so far: shape (samples, 2), int16, 8000 Hz; caller left, agent right."""
        return np.zeros((0, 2), np.int16) if self.user is None else self.user.stereo()

    def _run(self) -> None:
        try:
            legs = open_line(self.handset.line, self.handset.seed)
            devices = self._devices = open_devices(self.handset, self._notify)
            guard, notice = echo_guard(Processing())
            if notice:
                self._notify(notice)
            user = MicrophoneCaller(devices.source, devices.sink, guard, legs)
            devices.wait(self._hung_up)
            if not self._hung_up.is_set():
                self.user = user
                self.result = asyncio.run(self._dial(_Holder(user, devices)))
        except VoicecliError as error:
            self.error = error
        except Exception as error:  # noqa: BLE001 - shown when the screen is gone, never over it
            self.error = error
        finally:
            self._close()
            self.over = True

    async def _dial(self, holder: _Holder) -> Dialled:
        wanted = self.handset
        return await dial(
            wanted.url, holder, secret=wanted.secret, max_s=wanted.max_s,
            course=self.course, carrier=wanted.carrier,
        )  # fmt: skip

    def _close(self) -> None:
        try:
            if self._devices is not None:
                self._devices.close()
        except VoicecliError as error:
            self.error = self.error or error
