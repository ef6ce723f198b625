"""Changes the sample rate of a live stream with little delay.

soxr's own streams gather up to 115 ms before they give anything: fine for files, not for a
conversation. Here soxr resamples a short window around each chunk, so a stream is late by the
reach of the filter only.
"""

from math import gcd

import numpy as np
import soxr

from pipelines.engines.protocols import Pcm

REACH_MS = 4
"""Audio on either side of a sample that its value depends on: half the length of soxr's filter."""


class LiveResampler:
    """Resamples chunks of any length from `source` to `target` Hz, sample for sample in step.

    Output sample k is input time k / target, whatever the chunks; it is given once `REACH_MS` of
    input after it are there.
    """

    def __init__(self, source: int, target: int) -> None:
        self._source, self._target = source, target
        self._unit = source // gcd(source, target)  # inputs after which both grids meet again
        self._reach = (
            max(2, -(-min(source, target) * REACH_MS // 1000)) * source // min(source, target)
        )
        self._base = 0  # input sample at which the window begins: a multiple of the unit
        self._window: Pcm = np.zeros(0, np.float32)
        self.given = 0
        """Output samples given so far."""

    def process(self, chunk: Pcm) -> Pcm:
        """Take `chunk`, shape (n,), at the source's rate; what can be given, shape (m,)."""
        if self._source == self._target:
            self.given += len(chunk)
            return chunk
        self._window = np.concatenate((self._window, chunk))
        ready = (self._base + len(self._window) - self._reach) * self._target // self._source
        if ready <= self.given:
            return np.zeros(0, np.float32)
        resampled = soxr.resample(self._window, self._source, self._target, quality="MQ")
        origin = self._base * self._target // self._source
        output = resampled[self.given - origin : ready - origin].astype(np.float32, copy=False)
        self.given += len(output)
        self._forget()
        return output

    def finish(self) -> Pcm:
        """The rest, as if silence followed; shape (m,)."""
        if self._source == self._target:
            return np.zeros(0, np.float32)
        total = (self._base + len(self._window)) * self._target // self._source
        rest = self.process(np.zeros(2 * self._reach, np.float32))
        return rest[: max(0, total - (self.given - len(rest)))]

    def _forget(self) -> None:
        """Keep only what coming samples depend on."""
        needed = self.given * self._source // self._target - self._reach
        base = max(0, needed // self._unit * self._unit)
        self._window = self._window[base - self._base :]
        self._base = base
