"""A call on a carrier's leg as the shells see it.

Sans-I/O like every transport: messages are given to `take` with the moment they came, and handed to
`emit` as they arise. The shell's tick paces the agent's voice: one frame every 20 ms, after a head
start at the beginning of each stretch.
"""

import itertools
from collections import deque
from collections.abc import Callable
from typing import Final

import numpy as np

from pipelines.runtime.transport import Received
from pipelines.turn_taking.events import DtmfReceived, Event, JobId, MarkReached
from pipelines.turn_taking.time import Nanos
from voicecli.carriers.leg import (
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    FromCaller,
    LegEnded,
    LegTraits,
    Mark,
    MarkPlayed,
)
from voicecli.transports.arrivals import Arrivals, Heard
from voicecli.transports.base import FRAME, RATE, Frame
from voicecli.transports.capture import Capture

MAX_EVENTS: Final = 64
"""Keys and marks that may come within one tick."""
AHEAD: Final = 2
"""Frames of the agent's that the far end has before their time: one may be 40 ms late unheard."""
_NOTHING: Frame = np.zeros(0, np.int16)


class LegCall:
    """One call: an `EchoingTransport`.

    Args:
        emit: sends a message to the caller's end.
        capture: keeps both voices, if given.
        traits: how audio is carried, at 8000 Hz, and what the caller's end can do. One that says
            nothing of marks is taken to have played audio when its time has passed.
    """

    def __init__(
        self,
        emit: Callable[[AudioOut | Mark | Clear], None],
        capture: Capture | None = None,
        traits: LegTraits = LegTraits(),  # noqa: B008 - frozen
    ) -> None:
        self.rate = RATE
        self._traits = traits
        self._arrivals = Arrivals(traits)
        self.counters = self._arrivals.counters
        self.hangup_cause = "the caller hung up"
        self.finished = False
        self._emit = emit
        self._capture = capture
        self._ingress: Nanos | None = None
        self._ticks = 0
        self._inbox: deque[Dtmf | MarkPlayed] = deque(maxlen=MAX_EVENTS)
        self._marks: dict[str, tuple[JobId, Nanos]] = {}
        self._unsaid: deque[tuple[int, JobId]] = deque()
        """Marks that nobody will speak of: the tick at which each is heard."""
        self._numbers = itertools.count(1)
        self._round_trip: Nanos = 0
        self._now: Nanos = 0
        self._far_frames = 0

    @property
    def egress(self) -> Nanos:
        """Delay to the caller's ear: half of the shortest round trip that an echoed mark took, and
        what the far end has to play before.
        """
        return self._round_trip // 2 + self.unheard

    @property
    def hungry(self) -> bool:
        """Whether the far end has fewer frames ahead of time than it should."""
        return self._far_frames <= AHEAD

    @property
    def unheard(self) -> Nanos:
        """What the far end has been sent and not yet played."""
        return self._far_frames * FRAME

    def take(self, message: FromCaller, at: Nanos) -> None:
        """A message from the caller's end came `at` this moment of the call."""
        match message:
            case AudioIn():
                self._arrivals.take(message, at)
            case MarkPlayed(name):
                if name in self._marks:
                    self._measure(at - self._marks[name][1])
                    self._inbox.append(message)
            case Dtmf():
                self._inbox.append(message)
            case LegEnded():
                self.hang_up("the caller hung up")
            case _:
                pass

    def hang_up(self, cause: str) -> None:
        """End the call at the next tick; the first cause counts."""
        if not self.finished:
            self.finished, self.hangup_cause = True, cause

    def receive(self, now: Nanos) -> Received:
        """What is heard of the caller in these 20 ms, and what they pressed."""
        self._now = now
        self._ticks += 1
        self._far_frames = max(0, self._far_frames - 1)
        events = self._events(now)
        heard = self._arrivals.tick(now)
        ingress: Nanos = 0
        for each in heard:
            if each.delay is not None:
                ingress = each.delay + self._round_trip // 2
                self._keep_caller(each, ingress)
        pcm = np.concatenate([each.frame for each in heard]) if heard else _NOTHING
        return Received(pcm, ingress, events)

    def send(self, frame: Frame | None, now: Nanos) -> None:  # noqa: ARG002 - the protocol
        """Pass the agent's frame on; silence needs no message, the far end makes its own."""
        if frame is not None:
            self._emit(AudioOut(self._traits.encode(frame)))
            if self._capture is not None:
                self._capture.agent(frame, self._ticks * FRAME + self.egress)
            self._far_frames += 1

    def mark(self, job: JobId) -> None:
        """Ask for an echo when the clause was heard."""
        if not self._traits.marks:
            self._unsaid.append((self._ticks + self._far_frames, job))
            return
        name = f"clause-{next(self._numbers)}"
        self._marks[name] = (job, self._now + self.unheard)
        self._emit(Mark(name))

    def clear(self) -> None:
        """Empty the far buffer; that it echoes the marks in it does not mean they were heard."""
        self._marks.clear()
        self._unsaid.clear()
        if self._traits.clears:
            self._far_frames = 0
        self._emit(Clear())

    def _keep_caller(self, heard: Heard, ingress: Nanos) -> None:
        """Frames lie end to end in the recording: the first one's delay goes for all."""
        if self._ingress is None:
            self._ingress = ingress
        if self._capture is not None:
            self._capture.caller(heard.frame, max(0, heard.at - self._ingress))

    def _events(self, now: Nanos) -> tuple[Event, ...]:
        events: list[Event] = []
        for message in self._inbox:
            if isinstance(message, Dtmf):
                events.append(DtmfReceived(now, message.digit))
            elif (known := self._marks.pop(message.name, None)) is not None:
                events.append(MarkReached(now, known[0]))
        self._inbox.clear()
        while self._unsaid and self._unsaid[0][0] <= self._ticks:
            events.append(MarkReached(now, self._unsaid.popleft()[1]))
        return tuple(events)

    def _measure(self, took: Nanos) -> None:
        took = max(0, took)
        self._round_trip = min(self._round_trip, took) if self._round_trip else took
