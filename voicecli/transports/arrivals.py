"""The caller's audio as it arrives, late or too much of it: what of it is heard, and when.

Nobody listens to it as it comes: it belongs to the recogniser, who wants all of it and no gaps. So
while the network stalls, media time stands still, and what then comes at once is taken at once. Too
much is only what exceeds the time that has passed, whatever its timestamps say: that is bounded,
oldest dropped first.
"""

from collections import deque
from dataclasses import dataclass
from typing import Final

import numpy as np

from pipelines.turn_taking.time import MILLISECOND, Nanos
from voicecli.carriers.leg import AudioIn, LegTraits
from voicecli.transports.base import FRAME, FRAME_SAMPLES, Frame

MAX_WAITING: Final = 10
"""Frames beyond the time that has passed that may wait: 200 ms, then the oldest goes."""
CATCH_UP_TICKS: Final = 50
"""After a second in which a frame always waited, a quiet one is left out."""
MAX_LATE: Final = 125
"""Frames that are waited for, 2.5 s; then nothing will come for that time: it was silence."""
SENDS_SILENCE: Final = 75
"""So many quiet frames in a row show that the caller's end does not leave silence out, ..."""
MAX_LATE_SURE: Final = 625
"""... and that it stalls when nothing comes, for 12.5 s at most."""
MAX_LATE_AGAIN: Final = 10
"""One for which that was wrong is waited for no longer than this until it shows it anew."""
AT_ONCE: Final = 25
"""Late frames taken in one tick, lest it take longer than a tick to hear them."""
SETTLED: Final = 25
"""Ticks with frames after which those that are still missing are lost: silence takes their place in
the next quiet frame ..."""
_SURELY: Final = 50
_HARMLESS: Final = 5
"""... or, if there is none by then and they are more than these, anywhere."""
_QUIET: Final = 200  # peak of a frame that nobody misses: -44 dB of full scale
_SILENCE: Frame = np.zeros(FRAME_SAMPLES, np.int16)


@dataclass(slots=True)
class ArrivalCounters:
    """What went wrong on the way from the caller, in frames of 20 ms."""

    dropped: int = 0
    """Thrown away because they came faster than time passes."""
    missing: int = 0
    """That never came: silence took their place."""


@dataclass(frozen=True, slots=True)
class Heard:
    """20 ms of the caller, shape (160,), int16, at 8000 Hz."""

    frame: Frame
    at: Nanos
    """Media time of its first sample."""
    delay: Nanos | None
    """How long it had to wait, its lateness not included; None: it never came, this is silence."""


class Arrivals:
    """Sans-I/O; moments are nanoseconds since the call began, ticks are 20 ms."""

    def __init__(self, traits: LegTraits) -> None:
        self.counters = ArrivalCounters()
        self._decode = traits.decode
        self._waiting: deque[tuple[Frame, Nanos]] = deque()
        self._least_waiting = MAX_WAITING
        self._begun = False
        self._ticks = 0
        self._heard = 0
        """Frames given to be heard, with the silence for those that never came: media time."""
        self._due_ms: int | None = None
        """The timestamp that the next message has if nothing is lost; None: none is known."""
        self._max_late = MAX_LATE
        self._behind = 0
        """Frames by which media time was behind after the last tick."""
        self._silent_ticks = self._unsettled_ticks = self._quiet_frames = 0

    def take(self, message: AudioIn, at: Nanos) -> None:
        """Audio came at this moment: queue it, behind silence for what was lost before it."""
        frames = self._decode(message.payload).reshape(-1, FRAME_SAMPLES)
        passed = max(0, self._ticks - self._heard, at // FRAME - self._heard)
        due_ms, stamp = self._due_ms, message.at_ms
        self._due_ms = None if stamp is None else stamp + len(frames) * FRAME // MILLISECOND
        if stamp is not None and due_ms is not None and stamp > due_ms:
            room = max(0, passed - len(self._waiting))
            lost = min((stamp - due_ms) * MILLISECOND // FRAME, room)
            self._waiting.extend([(_SILENCE, at)] * lost)
            self.counters.missing += lost
        self._begun = True
        self._waiting.extend((frame, at) for frame in frames)
        while len(self._waiting) > MAX_WAITING + passed:
            self._waiting.popleft()
            self.counters.dropped += 1

    def tick(self, now: Nanos) -> list[Heard]:
        """What is heard in the 20 ms before `now`: one frame, none, or several that were late."""
        self._ticks += 1
        self._catch_up()
        heard = self._due(now)
        missing = self._never_to_come(heard)
        self.counters.missing += missing
        heard += [Heard(_SILENCE, self._advance(), None) for _ in range(missing)]
        return heard

    def _due(self, now: Nanos) -> list[Heard]:
        """This tick's frame, behind those whose time has passed without them."""
        heard: list[Heard] = []
        while self._waiting and self._heard < self._ticks and len(heard) < AT_ONCE:
            frame, came = self._waiting.popleft()
            at = self._advance()
            lateness = (self._ticks - self._heard) * FRAME
            heard.append(Heard(frame, at, max(0, now - lateness - came)))
            self._quiet_frames = self._quiet_frames + 1 if _is_quiet(frame) else 0
        if self._quiet_frames >= SENDS_SILENCE:
            self._max_late = MAX_LATE_SURE
        return heard

    def _never_to_come(self, heard: list[Heard]) -> int:
        """How many frames must be lost by now, so that silence is to take their place."""
        behind = self._ticks - self._heard
        if self._waiting or behind < self._behind:  # what is late still comes
            self._unsettled_ticks = 0
        self._behind = behind
        self._silent_ticks = 0 if heard else self._silent_ticks + 1
        if not behind or self._waiting:
            return 0
        if not self._begun:
            return behind
        if not heard:
            if self._silent_ticks <= self._max_late:
                return 0
            self._max_late = MAX_LATE_AGAIN
            return behind
        self._unsettled_ticks += 1
        quiet = self._unsettled_ticks > SETTLED and _is_quiet(heard[-1].frame)
        if quiet or (self._unsettled_ticks > _SURELY and behind > _HARMLESS):
            self._unsettled_ticks = 0
            return behind
        return 0

    def _advance(self) -> Nanos:
        """Another frame is heard: from which media time on."""
        self._heard += 1
        return (self._heard - 1) * FRAME

    def _catch_up(self) -> None:
        """A caller's end whose clock is fast fills the queue: take that back where nobody hears."""
        self._least_waiting = min(self._least_waiting, len(self._waiting))
        if self._ticks % CATCH_UP_TICKS:
            return
        spare, self._least_waiting = self._least_waiting > 1, MAX_WAITING
        if spare and len(self._waiting) > 1 and _is_quiet(self._waiting[0][0]):
            self._waiting.popleft()
            self.counters.dropped += 1


def _is_quiet(frame: Frame) -> bool:
    return bool(np.abs(frame).max() < _QUIET)
