"""Cuts the silence around synthesised speech as it streams.

Silence before the first sound would be heard, and measured, as latency of the agent.
"""

import numpy as np

from pipelines.engines.protocols import Pcm

AUDIBLE = 10.0 ** (-60 / 20)
"""Samples above this (-60 dBFS, below the steps of 8-bit telephone audio) are sound."""


class SilenceTrimmer:
    """One utterance, chunk by chunk: leading silence dropped, trailing silence made `tail` long."""

    def __init__(self, lead: int, tail: int) -> None:
        """Keep `lead` samples before the first sound and have exactly `tail` after the last."""
        self._lead = lead
        self._tail = tail
        self._started = False
        self._held = np.zeros(0, np.float32)
        """Silence that goes out only if sound follows it."""

    def feed(self, chunk: Pcm) -> Pcm:
        """What can go out now, of shape (n,), n >= 0."""
        audio = np.concatenate((self._held, chunk))
        loud = np.flatnonzero(np.abs(audio) > AUDIBLE)
        if len(loud) == 0:
            self._held = audio if self._started else audio[max(0, len(audio) - self._lead) :]
            return audio[:0]
        start = 0 if self._started else max(0, int(loud[0]) - self._lead)
        end = int(loud[-1]) + 1
        self._started = True
        self._held = audio[end:]
        return audio[start:end]

    def finish(self) -> Pcm:
        """The tail; empty if there was never any sound."""
        if not self._started:
            return np.zeros(0, np.float32)
        tail = np.zeros(self._tail, np.float32)
        kept = self._held[: self._tail]
        tail[: len(kept)] = kept
        return tail
