"""Decides from the agent's frames when the caller hears it speak."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from pipelines.turn_taking.time import MILLISECOND, Nanos
from voicecli.transports.base import FRAME, Frame

FINISHED_AFTER: Nanos = 500 * MILLISECOND
"""Silence after which the agent has finished: longer than its gaps between clauses."""
_AUDIBLE_RMS = 33.0  # -60 dB of full scale: below speech, above a codec's idle noise


@dataclass(slots=True)
class AgentSpeechDetector:
    """What the caller has heard of the agent so far.

    `speaking` bridges gaps shorter than FINISHED_AFTER; `started` and `ended` are the media times
    at which the present or last stretch of speech began and its last audible frame ended, or None
    before the agent's first word.
    """

    speaking: bool = False
    started: Nanos | None = None
    ended: Nanos | None = None
    _on_the_way: deque[Nanos] = field(default_factory=deque[Nanos])

    def hand_over(self, frame: Frame | None, at: Nanos) -> None:
        """Note a frame, shape (160,), whose first sample is at the ear at `at`."""
        if frame is not None and _audible(frame):
            self._on_the_way.append(at)

    def listen(self, now: Nanos) -> bool:
        """Hear everything up to `now`; true if the agent has started to speak since last asked."""
        began = False
        while self._on_the_way and self._on_the_way[0] <= now:
            at = self._on_the_way.popleft()
            if self.ended is None or at - self.ended >= FINISHED_AFTER:
                self.started, began = at, True
            self.ended = at + FRAME
        self.speaking = self.ended is not None and now - self.ended < FINISHED_AFTER
        return began


def _audible(frame: Frame) -> bool:
    samples = frame.astype(np.float64)
    return float(samples @ samples) > _AUDIBLE_RMS**2 * len(frame)
