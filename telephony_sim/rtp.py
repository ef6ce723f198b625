"""What we use of RTP (RFC 3550): sequence numbers, timestamps, and their wrapping."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np

from telephony_sim.codecs import Payload

SAMPLES = 160  # RTP time stamps of G.711 and of our Opus leg count 8 kHz samples


class RtpPacket(NamedTuple):
    """sequence: modulo 2^16, timestamp: modulo 2^32, payload: 20 ms of audio."""

    sequence: int
    timestamp: int
    payload: Payload


class Packetizer:
    """Numbers packets from a place that chance chooses, as RFC 3550 section 5.1 demands."""

    def __init__(self, rng: np.random.Generator) -> None:
        self.first_sequence = int(rng.integers(1 << 16))
        self.first_timestamp = int(rng.integers(1 << 32))
        self._sent = 0

    def pack(self, payload: Payload) -> RtpPacket:
        """The next packet."""
        number = self._sent
        self._sent += 1
        return RtpPacket(
            (self.first_sequence + number) & 0xFFFF,
            (self.first_timestamp + number * SAMPLES) & 0xFFFFFFFF,
            payload,
        )


class Unwrapper:
    """Turns numbers that wrap around into numbers that count up from `first` (as 0).

    A number is taken to be the one nearest to the highest seen (RFC 3550 appendix A.1), so that
    order survives a wrap, and packets from before it are still recognised as old.
    """

    def __init__(self, first: int, bits: int) -> None:
        self._first = first
        self._modulus = 1 << bits
        self._highest = 0

    def extend(self, value: int) -> int:
        """The unwrapped number; negative for what was sent before the first."""
        half = self._modulus >> 1
        ahead = (value - self._first - self._highest + half) % self._modulus - half
        number = self._highest + ahead
        self._highest = max(self._highest, number)
        return number
