"""The caller's audio, addressed by media time: a ring buffer."""

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.time import SECOND, Nanos

Samples = npt.NDArray[np.int16]


class Timeline:
    """Keeps the last `seconds` of a mono int16 track at `rate` Hz.

    Asking for audio that is not there yet, or no longer, gives as much as there is.
    """

    def __init__(self, rate: int, seconds: float = 120.0) -> None:
        self.rate = rate
        self._ring = np.zeros(round(rate * seconds), np.int16)
        self._written = 0

    @property
    def end(self) -> Nanos:
        """Media time at which the track ends so far."""
        return self.time_of(self._written)

    def time_of(self, sample: int) -> Nanos:
        """The media time of a sample's left edge."""
        return sample * SECOND // self.rate

    def index_of(self, at: Nanos) -> int:
        """The sample at a media time."""
        return (at * self.rate + SECOND // 2) // SECOND

    def write(self, pcm: Samples) -> None:
        """Append samples; the oldest fall out."""
        size = len(self._ring)
        pcm = pcm[-size:]
        at = self._written % size
        head = min(len(pcm), size - at)
        self._ring[at : at + head] = pcm[:head]
        self._ring[: len(pcm) - head] = pcm[head:]
        self._written += len(pcm)

    def read(self, start: Nanos, end: Nanos) -> Samples:
        """A copy of the samples from media time `start` to `end`."""
        size = len(self._ring)
        first = max(self.index_of(start), self._written - size, 0)
        last = min(self.index_of(end), self._written)
        if last <= first:
            return np.zeros(0, np.int16)
        left, right = first % size, last % size
        if left < right:
            return self._ring[left:right].copy()
        return np.concatenate((self._ring[left:], self._ring[:right]))


def to_float(pcm: Samples) -> npt.NDArray[np.float32]:
    """int16 samples as float32 in [-1, 1)."""
    return pcm.astype(np.float32) / 32768.0


def to_int16(pcm: npt.NDArray[np.float32]) -> Samples:
    """float32 samples as int16, clipped."""
    return np.rint(np.clip(pcm * 32768.0, -32768, 32767)).astype(np.int16)
