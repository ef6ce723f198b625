"""When a growing utterance is transcribed anew, and where it is cut when it gets long."""

import numpy as np

from pipelines.engines.protocols import Pcm
from pipelines.turn_taking.time import SECOND, Nanos

BREATHING_SPACE = 1.5
"""A decode may start only after this many times the last one's duration of new audio: at most two
thirds of a core go into partials, however slow the machine."""
SPLIT_SEARCH_S = 3.0
SPLIT_FRAME_S = 0.02


class DecodeSchedule:
    """Says when a hypothesis is due: after a step of new audio, a longer one if decodes are slow.

    So a recogniser that is slower than its step makes hypotheses less often instead of late, and
    never owes more than one.
    """

    def __init__(self, first: int, step: int, sample_rate: int) -> None:
        """`first` samples before the first hypothesis, `step` between two, at least."""
        self._first, self._step, self._sample_rate = first, step, sample_rate
        self.restart()

    def restart(self) -> None:
        """A new utterance begins."""
        self._next = self._first

    def due(self, length: int) -> bool:
        """Whether `length` samples of the window are enough for the next hypothesis."""
        return length >= self._next

    def decoded(self, length: int, cost: Nanos) -> None:
        """Note that a window of `length` samples was transcribed and took `cost`."""
        breath = int(cost / SECOND * BREATHING_SPACE * self._sample_rate)
        self._next = length + max(self._step, breath)

    def cut(self, samples: int) -> None:
        """The window lost its first `samples`."""
        self._next = max(0, self._next - samples)


def quietest_moment(window: Pcm, sample_rate: int) -> int:
    """The sample, in the last 3 s of `window`, at which its quietest 20 ms begin.

    There an utterance that has become too long is cut: the least likely place for a word to be.
    """
    frame = int(SPLIT_FRAME_S * sample_rate)
    search = min(len(window), int(SPLIT_SEARCH_S * sample_rate)) // frame * frame
    frames = window[len(window) - search :].reshape(-1, frame)
    return len(window) - search + int(np.square(frames).sum(axis=1).argmin()) * frame
