"""The companding laws of ITU-T G.711, µ-law and A-law.

A code is one octet as it travels on the wire: even bits inverted for A-law, all bits inverted for
µ-law. PCM is 16-bit, left-justified: the 14 bits of µ-law and the 13 bits of A-law sit at the top.
Everything is a table look-up: 65,536 entries to encode, 256 to decode.

Source: ITU-T G.711 (11/1988) tables 1a-2b, with the rounding of the reference implementation in
ITU-T G.191 (one's complement magnitude, so that the positive and negative halves mirror exactly).
docs/benchmarks/phone-line.md lists where sox, ffmpeg and audioop decide otherwise.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

Pcm = npt.NDArray[np.int16]
Codes = npt.NDArray[np.uint8]

_ALL_PCM = np.arange(65536, dtype=np.uint16).view(np.int16).astype(np.int32)
_ALL_CODES = np.arange(256, dtype=np.int32)


def _segment(magnitude: npt.NDArray[np.int32], first_bit: int) -> npt.NDArray[np.int32]:
    """Index of the highest set bit above `first_bit`, 0 where there is none: the chord."""
    chords = 1 << np.arange(first_bit + 1, 16)
    return np.searchsorted(chords, magnitude, side="right").astype(np.int32)


def _ulaw_encoder() -> Codes:
    biased = np.minimum((np.where(_ALL_PCM < 0, ~_ALL_PCM, _ALL_PCM) >> 2) + 33, 0x1FFF)
    segment = _segment(biased, 5)
    code = (segment << 4) | ((biased >> (segment + 1)) & 0x0F) | np.where(_ALL_PCM < 0, 0x80, 0)
    return (code ^ 0xFF).astype(np.uint8)


def _ulaw_decoder() -> Pcm:
    code = _ALL_CODES ^ 0xFF
    magnitude = ((((code & 0x0F) << 1) + 33) << ((code >> 4) & 7)) - 33
    return (np.where(code & 0x80, -magnitude, magnitude) << 2).astype(np.int16)


def _alaw_encoder() -> Codes:
    magnitude = np.where(_ALL_PCM < 0, ~_ALL_PCM, _ALL_PCM) >> 4
    segment = _segment(magnitude, 3)
    # Chords 0 and 1 share one step size; from chord 1 on the leading bit is implied.
    step = magnitude >> np.maximum(segment - 1, 0)
    code = (segment << 4) | (step & 0x0F) | np.where(_ALL_PCM < 0, 0, 0x80)
    return (code ^ 0x55).astype(np.uint8)


def _alaw_decoder() -> Pcm:
    code = _ALL_CODES ^ 0x55
    segment = (code >> 4) & 7
    step = (code & 0x0F) + np.where(segment > 0, 16, 0)
    magnitude = ((step << 4) + 8) << np.maximum(segment - 1, 0)
    return np.where(code & 0x80, magnitude, -magnitude).astype(np.int16)


_ULAW_ENCODE, _ULAW_DECODE = _ulaw_encoder(), _ulaw_decoder()
_ALAW_ENCODE, _ALAW_DECODE = _alaw_encoder(), _alaw_decoder()
# What a listener gets for each sample sent: both directions in one look-up.
_ULAW_HEARD, _ALAW_HEARD = _ULAW_DECODE[_ULAW_ENCODE], _ALAW_DECODE[_ALAW_ENCODE]


def _index(pcm: Pcm) -> npt.NDArray[np.uint16]:
    if pcm.dtype != np.int16:
        raise TypeError(f"G.711 takes int16 samples, not {pcm.dtype}")
    return pcm.view(np.uint16)


def _octets(codes: Codes) -> Codes:
    if codes.dtype != np.uint8:
        raise TypeError(f"G.711 codes are uint8, not {codes.dtype}")
    return codes


def ulaw_encode(pcm: Pcm) -> Codes:
    """µ-law codes (same shape, uint8) of linear samples (any shape, int16); TypeError otherwise."""
    return _ULAW_ENCODE[_index(pcm)]


def ulaw_decode(codes: Codes) -> Pcm:
    """Linear samples (same shape, int16, at most ±32,124) of µ-law codes (uint8)."""
    return _ULAW_DECODE[_octets(codes)]


def alaw_encode(pcm: Pcm) -> Codes:
    """A-law codes (same shape, uint8) of linear samples (any shape, int16); TypeError otherwise."""
    return _ALAW_ENCODE[_index(pcm)]


def alaw_decode(codes: Codes) -> Pcm:
    """Linear samples (same shape, int16, at most ±32,256) of A-law codes (uint8)."""
    return _ALAW_DECODE[_octets(codes)]


def ulaw_heard(pcm: Pcm) -> Pcm:
    """What `ulaw_decode(ulaw_encode(pcm))` gives, in one look-up: a µ-law line without loss."""
    return _ULAW_HEARD[_index(pcm)]


def alaw_heard(pcm: Pcm) -> Pcm:
    """What `alaw_decode(alaw_encode(pcm))` gives, in one look-up: an A-law line without loss."""
    return _ALAW_HEARD[_index(pcm)]
