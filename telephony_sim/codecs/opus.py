"""Opus (RFC 6716) as a codec of a line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim import libopus
from telephony_sim.codecs import Payload, Pcm
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The Opus leg of a WebRTC call that ends in the telephone network (RFC 6716, RFC 7587).

    fec: each packet carries a coarse copy of the one before (in-band FEC, LBRR), so that a single
    loss can be repaired once the next packet is here; the encoder spends bits on it according to
    expected_loss_percent. complexity: 0 (fast) to 10.
    """

    bitrate_bps: Annotated[int, Range(6_000, 128_000)] = 24_000
    fec: bool = True
    expected_loss_percent: Annotated[int, Range(0, 100)] = 10
    complexity: Annotated[int, Range(0, 10)] = 9

    __post_init__ = check


class Opus:
    """Narrowband Opus: its audio is 8 kHz at either end here, as it will be beyond the gateway."""

    def __init__(self, settings: Settings) -> None:
        self._encoder = libopus.Encoder(
            bitrate_bps=settings.bitrate_bps,
            fec=settings.fec,
            expected_loss_percent=settings.expected_loss_percent,
            complexity=settings.complexity,
        )
        self._fec = settings.fec

    def encode(self, pcm: Pcm) -> list[bytes]:
        """One Opus packet for each 160 samples."""
        frames = np.ascontiguousarray(pcm).reshape(-1, 160)
        return [self._encoder.encode(frame) for frame in frames]

    def decoder(self) -> OpusDecoder:
        """A decoder that repairs from redundancy if there is any, else conceals as libopus does."""
        return OpusDecoder(self._encoder.lookahead, fec=self._fec)


class OpusDecoder:
    """Decodes, repairs or conceals, packet by packet."""

    def __init__(self, lookahead: int, *, fec: bool) -> None:
        self.delay = lookahead
        self.repaired = False
        self._fec = fec
        self._decoder = libopus.Decoder()

    def good(self, payload: Payload) -> Pcm:
        """The packet's samples."""
        return self._decoder.decode(_octets(payload))

    def lost(self, following: Payload | None) -> Pcm:
        """Samples from the next packet's redundancy, else from libopus's own concealment."""
        self.repaired = self._fec and following is not None
        if self.repaired and following is not None:
            return self._decoder.decode(_octets(following), fec=True)
        return self._decoder.decode(None)


def _octets(payload: Payload) -> bytes:
    if not isinstance(payload, bytes):
        raise TypeError("Opus decodes bytes, not samples")
    return payload


def build(settings: Settings, _rng: np.random.Generator) -> Opus:
    """An Opus codec; it draws nothing. LineError where libopus is not installed."""
    return Opus(settings)
