"""Plays silence for a lost packet: the baseline."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from telephony_sim.codecs import Payload, Pcm, samples


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Silence has nothing to set."""


class ZeroFill:
    """Silence in place of a lost packet."""

    delay = 0
    repaired = False

    def good(self, payload: Payload) -> Pcm:
        """The packet as it came."""
        return samples(payload)

    def lost(self, following: Payload | None) -> Pcm:  # noqa: ARG002 - Decoder's contract
        """160 zeros."""
        return np.zeros(160, np.int16)


def build(_settings: Settings, _rng: np.random.Generator) -> ZeroFill:
    """Silence; it draws nothing."""
    return ZeroFill()
