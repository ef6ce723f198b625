"""What the loudspeaker played, in step with the microphone.

An echo canceller learns one delay and loses the room whenever it jumps. So the far end goes by
count: each sample of the microphone has a sample of the loudspeaker, and what is missing or dropped
of the one is of the other. The card's time stamps, which waver, say only where to begin and what
the two crystals have drifted since.
"""

from collections import deque
from statistics import median

import numpy as np

from pipelines.runtime.resampling import LiveResampler
from voicecli.transports.base import FRAME_SAMPLES, RATE
from voicecli.transports.ring import Mono, Ring

_KEPT = RATE  # samples: a second
_AHEAD = 320  # samples (40 ms) that the far end is given before its echo, where there is time
_RESERVE = 160  # samples (20 ms) by which a callback may be late and still not be missed
_WINDOW = 50  # frames: time stamps waver, their median over a second does not
_DRIFTED = 16  # samples (2 ms)
_JUMPED = 80  # samples (10 ms)
_SETTLED = 25  # frames (0.5 s) after a jump, in which the canceller has to find the room again
_SLIP_EVERY = 5  # frames: a sample every 100 ms makes up for 1250 ppm


class FarEnd:
    """Frames of 20 ms at 8000 Hz out of the ring of what a card at `rate` Hz has played."""

    def __init__(self, ring: Ring, rate: int) -> None:
        self._ring = ring
        self._rate = rate
        self._scratch = np.zeros(rate, np.float32)
        self.restart()

    def restart(self) -> None:
        """Forget what has gathered: the call begins."""
        self._ring.skip(self._ring.filled)
        self._origin = self._ring.read
        self._resampler = LiveResampler(self._rate, RATE)
        self._kept: Mono = np.zeros(0, np.float32)
        self._stamped: deque[float] = deque(maxlen=_WINDOW)
        self._offset: int | None = None
        self._ahead = 0
        self._frames = 0
        self.handed = 0.0
        """Peak of what the card took from the ring since the last frame."""
        self._since_jump = 0

    @property
    def delay(self) -> float:
        """From a frame being given to its echo at the microphone, without the room, in seconds."""
        return self._ahead / RATE

    @property
    def steady(self) -> bool:
        """Whether what is given has had its place for a while, and time stamps agree with it."""
        return self._since_jump > _SETTLED

    def frame(self, position: int, ready: int, heard: float | None) -> Mono:
        """The far end of a frame of the microphone, shape (160,).

        Args:
            position: samples of the microphone up to the frame's end, at 8000 Hz.
            ready: the first samples of the frame that were there; the others are silence.
            heard: the sample of the ring that was audible when the frame's last one was captured,
                counted as `Ring.written` is; None: not known.
        """
        self._gather()
        self._frames += 1
        if heard is not None:
            self._match((heard - self._origin) * RATE / self._rate - position, position)
        frame = np.zeros(FRAME_SAMPLES, np.float32)
        if self._offset is not None:
            end = position + self._offset
            frame[:ready] = self._between(end - ready, end)
        return frame

    def _gather(self) -> None:
        count = self._ring.read_into(self._scratch)
        self.handed = float(np.abs(self._scratch[:count]).max(initial=0.0))
        fresh = self._resampler.process(self._scratch[:count].copy())
        self._kept = np.concatenate((self._kept, fresh))[-_KEPT:]

    def _match(self, stamped: float, position: int) -> None:
        """Take the far end from where the time stamps say, unless that is but their wavering."""
        self._stamped.append(stamped)
        usual = median(self._stamped)
        self._since_jump = 0 if abs(stamped - usual) > _JUMPED else self._since_jump + 1
        if self._offset is None or abs(usual + self._ahead - self._offset) > _JUMPED:
            spare = self._resampler.given - position - round(usual)
            self._ahead = max(0, min(_AHEAD, spare - _RESERVE))
            self._offset = round(usual) + self._ahead
            self._since_jump = 0
            return
        error = usual + self._ahead - self._offset
        if abs(error) > _DRIFTED and self._frames % _SLIP_EVERY == 0:
            self._offset += 1 if error > 0 else -1

    def _between(self, start: int, end: int) -> Mono:
        """Samples of the far end, shape (end - start,); silence where there are none."""
        oldest = self._resampler.given - len(self._kept)
        piece = np.zeros(end - start, np.float32)
        first, last = max(start, oldest), min(end, self._resampler.given)
        if first < last:
            piece[first - start : last - start] = self._kept[first - oldest : last - oldest]
        return piece
