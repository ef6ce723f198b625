"""Passes samples between a sound card's callback and the call.

One thread writes, one reads. Each side moves only its own counter, and moves it after the samples
are in place, so neither ever waits for the other. Nothing is allocated after construction but the
views that numpy makes of the buffer.
"""

import numpy as np
import numpy.typing as npt

Mono = npt.NDArray[np.float32]
"""Mono audio, shape (samples,), float32 in [-1, 1]."""


class Ring:
    """A lock-free single-producer, single-consumer queue of `capacity` samples.

    Raises ValueError if it could hold nothing.
    """

    def __init__(self, capacity: int) -> None:
        if capacity < 1:
            raise ValueError("a ring holds at least one sample")
        self._buffer = np.zeros(capacity, np.float32)
        self._capacity = capacity
        self.written = 0
        """Samples ever written; moved by the writer only."""
        self.read = 0
        """Samples ever read or skipped; moved by the reader only."""

    @property
    def filled(self) -> int:
        """Samples that wait to be read."""
        return self.written - self.read

    def write(self, block: Mono) -> int:
        """Append `block`, shape (n,); how many of its first samples there was room for."""
        size = min(len(block), self._capacity - self.filled)
        at = self.written % self._capacity
        head = min(size, self._capacity - at)
        self._buffer[at : at + head] = block[:head]
        self._buffer[: size - head] = block[head:size]
        self.written += size
        return size

    def read_into(self, out: Mono) -> int:
        """Fill the first samples of `out`, shape (n,); how many there were."""
        size = min(len(out), self.filled)
        at = self.read % self._capacity
        head = min(size, self._capacity - at)
        out[:head] = self._buffer[at : at + head]
        out[head:size] = self._buffer[: size - head]
        self.read += size
        return size

    def skip(self, samples: int) -> int:
        """Forget the oldest samples; how many there were. For the reader only."""
        size = min(samples, self.filled)
        self.read += size
        return size


class Stamps:
    """Which sample passed the sound card when: the last `slots` of them, lock-free like the ring.

    The writer fills a slot before it moves the counter; the reader takes the last one, which the
    writer comes back to only `slots` callbacks later.
    """

    def __init__(self, slots: int = 64) -> None:
        self._samples = np.zeros(slots, np.int64)
        self._seconds = np.zeros(slots, np.float64)
        self._slots = slots
        self.count = 0
        """Stamps ever put; moved by the writer only."""

    def put(self, sample: int, seconds: float) -> None:
        """Sample number `sample` passes the card at `seconds` of its stream's clock."""
        slot = self.count % self._slots
        self._samples[slot] = sample
        self._seconds[slot] = seconds
        self.count += 1

    def time_of(self, sample: float, rate: int) -> float | None:
        """When a sample passes the card, in seconds of its clock; None before the first stamp."""
        if not self.count:
            return None
        slot = (self.count - 1) % self._slots
        return float(self._seconds[slot]) + (sample - float(self._samples[slot])) / rate

    def sample_at(self, seconds: float, rate: int) -> float | None:
        """Which sample passes the card at that time of its clock; None before the first stamp."""
        if not self.count:
            return None
        slot = (self.count - 1) % self._slots
        return float(self._samples[slot]) + (seconds - float(self._seconds[slot])) * rate
