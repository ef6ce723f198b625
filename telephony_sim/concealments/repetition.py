"""Repeats the last packet for a lost one."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.codecs import Payload, Pcm, samples
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """fade_db: how much softer each further repetition is; the first is as loud as the packet."""

    fade_db: Annotated[float, Range(0, 60)] = 6

    __post_init__ = check


class Repetition:
    """The last good packet again, fading while nothing else comes."""

    delay = 0
    repaired = False

    def __init__(self, settings: Settings) -> None:
        self._fade = 10 ** (-settings.fade_db / 20)
        self._gain = 1.0
        self._last: Pcm = np.zeros(160, np.int16)

    def good(self, payload: Payload) -> Pcm:
        """The packet as it came."""
        self._gain = 1.0
        self._last = samples(payload)
        return self._last

    def lost(self, following: Payload | None) -> Pcm:  # noqa: ARG002 - Decoder's contract
        """The packet before."""
        repeated = np.rint(self._last * self._gain).astype(np.int16)
        self._gain *= self._fade
        return repeated


def build(settings: Settings, _rng: np.random.Generator) -> Repetition:
    """Repetition of silence until something comes; it draws nothing."""
    return Repetition(settings)
