"""The caller at this computer, as a `Transport`.

Between the microphone and the agent lie the echo canceller, the mute key and the phone line; on the
way back the line and the loudspeaker. The sound card's clock says when the caller spoke and when
the agent is heard, so delays and "heard" are those of the ear.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.runtime.transport import Received
from pipelines.turn_taking.events import (
    CallerTyped,
    CallerTyping,
    DtmfReceived,
    Event,
    InterruptRequested,
)
from pipelines.turn_taking.time import SECOND, Nanos, from_ms
from voicecli.transports.base import FRAME, FRAME_SAMPLES, RATE, Frame, Leg
from voicecli.transports.capture import Capture
from voicecli.transports.echo_cancellation import EchoGuard
from voicecli.transports.microphone_files import Sink, Source
from voicecli.transports.ring import Mono

_SILENCE: Frame = np.zeros(FRAME_SAMPLES, np.int16)
_STEP: Nanos = from_ms(15)
"""A sound card's time stamps waver by less than this; more is a jump."""


@dataclass(frozen=True, slots=True)
class Levels:
    """Peaks of the last frame, 0 to 1: what the agent gets, and what the caller hears."""

    caller: float = 0.0
    agent: float = 0.0


class MicrophoneCaller:
    """A live call on an input and an output device; see `pipelines.runtime.transport.Transport`.

    The methods named in the Transport run on the call's thread; `muted`, `line`, `typing`,
    `type_text`, `interrupt`, `press` and `hang_up` may be used from any.

    Args:
        source: the microphone, or a file.
        sink: the loudspeaker, or a file.
        guard: against the agent hearing itself.
        legs: the line to the agent and back.
    """

    def __init__(self, source: Source, sink: Sink, guard: EchoGuard, legs: tuple[Leg, Leg]) -> None:
        self.rate = RATE
        self.capture = Capture()
        self.muted = False
        """Whether the agent gets silence from the microphone."""
        self.levels = Levels()
        self._source, self._sink, self._guard = source, sink, guard
        self._legs = legs
        self._events: deque[Callable[[Nanos], Event]] = deque()
        self._ended = False
        self._frames = 0
        self._spoken = _Track()
        self._heard = _Track()
        self._egress: Nanos = 0
        self._received: Frame = _SILENCE

    # -- what the caller does besides speaking ------------------------------------------------

    def type_text(self, text: str) -> None:
        """The caller writes instead of speaking."""
        self._events.append(lambda at: CallerTyped(at, text))

    def typing(self) -> None:
        """The caller is writing; in the events once a frame at most."""
        if CallerTyping not in self._events:
            self._events.append(CallerTyping)

    def press(self, digit: str) -> None:
        """The caller presses a key of the phone."""
        self._events.append(lambda at: DtmfReceived(at, digit))

    def interrupt(self) -> None:
        """The agent shall stop."""
        self._events.append(InterruptRequested)

    def hang_up(self) -> None:
        """The call is over."""
        self._ended = True

    def change_line(self, legs: tuple[Leg, Leg]) -> None:
        """From the next frame on the call goes over another line, to the agent and back."""
        self._legs = legs

    # -- the Transport ------------------------------------------------------------------------

    @property
    def egress(self) -> Nanos:
        """Delay of the last frame sent, from handing it over to the caller's ear."""
        return self._egress

    @property
    def finished(self) -> bool:
        """Whether the caller has hung up."""
        return self._ended

    def receive(self, now: Nanos) -> Received:
        """The 20 ms that reach the agent by `now`."""
        self._frames += 1
        media_end = self._frames * FRAME
        near, age = self._source.listen()
        cleaned = self._guard.process(near, self._sink.played())
        spoken = _to_int16(cleaned)
        if self.muted:
            spoken = _SILENCE
        start = self._spoken.place(now - round(age * SECOND) - FRAME)
        self.capture.caller(spoken, max(0, start))
        uplink, _ = self._legs
        carried = uplink.process(spoken, self.capture.heard(max(0, start), FRAME_SAMPLES))
        self._received = carried.pcm
        device = max(0, media_end - FRAME - start)
        events = tuple(self._events.popleft()(now) for _ in range(len(self._events)))
        self.levels = Levels(_peak(spoken), self.levels.agent)
        return Received(carried.pcm, device + from_ms(carried.ingress_ms), events)

    def send(self, frame: Frame | None, now: Nanos) -> None:
        """Put the agent's frame of the tick at `now` on the line; None is silence."""
        _, downlink = self._legs
        carried = downlink.process(_SILENCE if frame is None else frame, self._received)
        delay = self._sink.say((carried.pcm / 32768).astype(np.float32))
        at_ear = self._heard.place(now + round(delay * SECOND))
        self._egress = max(0, at_ear - now) + from_ms(carried.ingress_ms)
        self.capture.agent(carried.pcm, at_ear)
        self.levels = Levels(self.levels.caller, _peak(carried.pcm))

    def stereo(self) -> npt.NDArray[np.int16]:
        """The call so far as the caller said and heard it.

        Shape (samples, 2), int16, 8000 Hz: caller left, agent right.
        """
        return self.capture.stereo()


class _Track:
    """Where the frames of one direction lie in time: one after the other, unless they jump."""

    def __init__(self) -> None:
        self._next: Nanos | None = None

    def place(self, start: Nanos) -> Nanos:
        """When a frame that seems to start at `start` does."""
        if self._next is None or abs(start - self._next) > _STEP:
            self._next = start
        placed = self._next
        # A frame in a hundred makes up for what is left: slow drift, unseen in the waveform.
        self._next = placed + FRAME + (start - placed) // 100
        return placed


def _to_int16(frame: Mono) -> Frame:
    return np.rint(np.clip(frame * 32768, -32768, 32767)).astype(np.int16)


def _peak(frame: Frame) -> float:
    return float(np.abs(frame.astype(np.int32)).max()) / 32768
