"""An echo, computed from its reflections."""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Signal = npt.NDArray[np.float64]


class EchoPath:
    """A sparse impulse response: reflections at `offsets` samples with `weights`.

    The weights are scaled so that their energy lies `return_loss_db` below the signal's. Sums of
    shifted copies, rather than a convolution, give the same bits however a call is cut.
    """

    def __init__(
        self, offsets: npt.NDArray[np.int_], weights: Signal, return_loss_db: float, *, near: bool
    ) -> None:
        scale = 10 ** (-return_loss_db / 20) / np.sqrt(np.sum(np.square(weights)))
        taps = zip(offsets.tolist(), (weights * scale).tolist(), strict=True)
        self._taps: list[tuple[int, float]] = list(taps)
        self._memory = np.zeros(max(int(offsets.max()), 1))
        self._near = near

    def process(self, pcm: Signal, far: Signal) -> Signal:
        """`pcm` with the echo of `far` (of `pcm` itself for a near echo); all of shape (n,)."""
        source = np.concatenate((self._memory, pcm if self._near else far))
        reach = len(self._memory)
        heard = pcm.copy()
        for offset, weight in self._taps:
            heard += weight * source[reach - offset : len(source) - offset]
        self._memory = source[-reach:]
        return heard
