"""The part of the C interface of libopus that we call.

A minimal ctypes binding, because FFmpeg (and PyAV over it) cannot ask libopus to decode a lost
packet from the redundancy in the one that follows. The library is the one inside PyAV's wheel,
else the system's. Source of names and numbers: opus_defines.h of libopus 1.x; RFC 6716.
"""

from __future__ import annotations

import ctypes
import ctypes.util
import importlib.util
from ctypes import c_int, c_int32, c_void_p
from functools import cache
from pathlib import Path

import numpy as np
import numpy.typing as npt

from telephony_sim.errors import LineError

Pcm = npt.NDArray[np.int16]

RATE, FRAME = 8000, 160
_VOIP = 2048
_SET_BITRATE, _SET_COMPLEXITY, _SET_INBAND_FEC, _SET_PACKET_LOSS = 4002, 4010, 4012, 4014
_GET_LOOKAHEAD = 4027
_LARGEST = 1275  # octets in the largest 20 ms packet


def _candidates() -> list[str]:
    spec = importlib.util.find_spec("av")
    found: list[str] = []
    if spec and spec.origin:
        package = Path(spec.origin).parent
        found += map(str, sorted(package.parent.glob("av.libs/libopus[-.]*")))
        found += map(str, sorted(package.glob(".dylibs/libopus.*")))
    system = ctypes.util.find_library("opus")
    return [*found, system] if system else found


@cache
def _library() -> ctypes.CDLL:
    for name in _candidates():
        try:
            library = ctypes.CDLL(name)
        except OSError:
            continue
        # The control calls are variadic: only their fixed arguments may be declared.
        for end in ("encoder", "decoder"):
            getattr(library, f"opus_{end}_ctl").argtypes = [c_void_p, c_int]
            getattr(library, f"opus_{end}_destroy").argtypes = [c_void_p]
            getattr(library, f"opus_{end}_create").restype = c_void_p
        library.opus_encode.argtypes = [c_void_p, c_void_p, c_int, c_void_p, c_int32]
        library.opus_decode.argtypes = [c_void_p, c_void_p, c_int32, c_void_p, c_int, c_int]
        return library
    raise LineError("the codec opus needs libopus; it comes with the package av or the system")


def _create(end: str, *arguments: int) -> c_void_p:
    status = c_int()
    state = getattr(_library(), f"opus_{end}_create")(*arguments, ctypes.byref(status))
    if status.value or not state:
        raise LineError(f"libopus refused to make an {end} (error {status.value})")
    return c_void_p(state)


class Encoder:
    """A mono 8 kHz encoder for speech, 20 ms packets."""

    def __init__(
        self, *, bitrate_bps: int, fec: bool, expected_loss_percent: int, complexity: int
    ) -> None:
        self._state = _create("encoder", RATE, 1, _VOIP)
        for request, value in (
            (_SET_BITRATE, bitrate_bps),
            (_SET_COMPLEXITY, complexity),
            (_SET_INBAND_FEC, int(fec)),
            (_SET_PACKET_LOSS, expected_loss_percent),
        ):
            _library().opus_encoder_ctl(self._state, request, c_int32(value))
        self._packet = ctypes.create_string_buffer(_LARGEST)
        delay = c_int32()
        _library().opus_encoder_ctl(self._state, _GET_LOOKAHEAD, ctypes.byref(delay))
        self.lookahead = delay.value
        """Samples at 8 kHz by which what is decoded lags behind what was encoded."""

    def encode(self, frame: Pcm) -> bytes:
        """The packet of 160 contiguous samples; LineError if libopus fails."""
        size = _library().opus_encode(self._state, frame.ctypes.data, FRAME, self._packet, _LARGEST)
        if size < 0:
            raise LineError(f"libopus could not encode a frame (error {size})")
        return self._packet.raw[:size]

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            _library().opus_encoder_destroy(self._state)


class Decoder:
    """A mono 8 kHz decoder."""

    def __init__(self) -> None:
        self._state = _create("decoder", RATE, 1)

    def decode(self, packet: bytes | None, *, fec: bool = False) -> Pcm:
        """160 samples of a packet; of the one before it with `fec`; invented for None."""
        pcm = np.empty(FRAME, np.int16)
        size = _library().opus_decode(
            self._state, packet, len(packet or b""), pcm.ctypes.data, FRAME, int(fec)
        )
        if size != FRAME:
            raise LineError(f"libopus could not decode a packet (error {size})")
        return pcm

    def __del__(self) -> None:
        if hasattr(self, "_state"):
            _library().opus_decoder_destroy(self._state)
