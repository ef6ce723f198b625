"""G.711 µ-law as a codec of a line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from telephony_sim import g711
from telephony_sim.codecs import Pcm


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """µ-law (North America, Japan, Twilio) has nothing to set."""


class Ulaw:
    """G.711 µ-law at 64 kbit/s, as its decoder will hear it."""

    def encode(self, pcm: Pcm) -> Pcm:
        """Samples after companding, in rows of 160: shape (n, 160) for n frames of int16."""
        return g711.ulaw_heard(pcm).reshape(-1, 160)

    def decoder(self) -> None:
        """Nothing is left to decode: see `Payload`."""


def build(_settings: Settings, _rng: np.random.Generator) -> Ulaw:
    """A µ-law codec; it draws nothing."""
    return Ulaw()
