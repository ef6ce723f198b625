"""The agent's voice at the caller's end.

Sans-I/O, and exact to the sample: audio is heard when it comes, or after what came before it.
"""

from collections import deque
from typing import Final

import numpy as np

from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.carriers.leg import AudioOut, Clear, LegEnded, LegTraits, Mark, ToCaller
from voicecli.transports.base import FRAME_SAMPLES, RATE, Frame

GAP_MAX: Final[Nanos] = 100 * MILLISECOND
"""A longer silence between two pieces of audio is a pause of the agent's, not a fault."""
UNDERRUN: Final[Nanos] = 20 * MILLISECOND
"""A gap this long is heard: no jitter buffer on the way hides it."""


MOST_AHEAD: Final[Nanos] = 600 * SECOND
"""Of audio that waits to be heard; an agent that sends more floods us."""
MOST_MARKS: Final = 10_000
MOST_CLEARS: Final = 10_000
"""In all of a call: one a second for nearly three hours."""
MOST_PIECES: Final = 500_000
"""In all of a call: two hours and a half of them, were each 20 ms long."""


class FloodError(Exception):
    """The agent sends more than any caller could ever hear."""


class FarBuffer:
    """One call's; moments are nanoseconds since the call began."""

    def __init__(self) -> None:
        self.traits = LegTraits()
        """How audio comes."""
        self.gaps: list[Nanos] = []
        """Silences within speech, because audio came too late."""
        self.arrivals: list[Nanos] = []
        """When each piece of audio came."""
        self.lateness: list[Nanos] = []
        """How long each piece had been missed when it came: 0 while there was audio to play."""
        self.clears = 0
        self._pieces: deque[tuple[int, Frame]] = deque()
        self._end = 0  # the sample after the last one in the buffer
        self._marks: deque[tuple[int, Mark]] = deque()

    @property
    def underruns(self) -> int:
        """Gaps that are heard."""
        return sum(gap >= UNDERRUN for gap in self.gaps)

    def take(self, message: ToCaller, at: Nanos) -> None:
        """A message of the agent's came at this moment.

        Raises:
            FloodError: too much waits by now, or was sent in all.
        """
        now = _sample(at)
        ahead = (self._end - now) * SECOND // RATE
        many = len(self.arrivals) >= MOST_PIECES or len(self._marks) >= MOST_MARKS
        if not isinstance(message, Clear) and (ahead > MOST_AHEAD or many):
            raise FloodError("the agent sends more than can be heard: ten minutes wait")
        if self.clears >= MOST_CLEARS:
            raise FloodError(f"the agent has cleared its audio {MOST_CLEARS:,} times")
        match message:
            case AudioOut(payload):
                missed = at - self._end * SECOND // RATE if self._end else 0
                late = missed if 0 < missed <= GAP_MAX else 0
                if late:
                    self.gaps.append(late)
                self.lateness.append(late)
                self.arrivals.append(at)
                start = max(now, self._end)
                audio = self.traits.decode(payload)
                self._pieces.append((start, audio))
                self._end = start + len(audio)
            case Mark():
                self._marks.append((max(now, self._end), message))
            case Clear():
                self.clears += 1
                self._cut(now)
            case LegEnded():
                pass  # its connection says so, too

    def frame(self, start: Nanos) -> Frame:
        """What is heard in the 20 ms from `start` on; asked for in order, each once."""
        first = _sample(start)
        heard = np.zeros(FRAME_SAMPLES, np.int16)
        while self._pieces and self._pieces[0][0] < first + FRAME_SAMPLES:
            at, audio = self._pieces.popleft()
            skip = max(0, first - at)
            room = FRAME_SAMPLES - max(0, at - first)
            part = audio[skip : skip + room]
            heard[max(0, at - first) :][: len(part)] = part
            if len(audio) > skip + room:
                self._pieces.appendleft((at + skip + room, audio[skip + room :]))
                break
        return heard

    def echoes(self, now: Nanos) -> list[Mark]:
        """Marks whose audio has been heard since last asked."""
        due: list[Mark] = []
        while self._marks and self._marks[0][0] <= _sample(now):
            due.append(self._marks.popleft()[1])
        return due

    def _cut(self, now: int) -> None:
        """Forget what lies in the future; marks in it are echoed at once."""
        kept = [(at, audio[: max(0, now - at)]) for at, audio in self._pieces]
        self._pieces = deque((at, audio) for at, audio in kept if len(audio))
        self._end = min(self._end, now)
        self._marks = deque((min(at, now), mark) for at, mark in self._marks)


def _sample(at: Nanos) -> int:
    return at * RATE // SECOND
