"""Changes when what goes into a line or comes out of it does."""

from __future__ import annotations

from typing import NamedTuple, cast
from zlib import crc32

import numpy as np
import numpy.typing as npt

from telephony_sim.codecs import Encoder
from telephony_sim.degradations import SignalDegradation
from telephony_sim.errors import LineError, SignalError
from telephony_sim.spec import DIRECTIONS, Direction, LineSpec, load_line

__all__ = ["FRAME", "RATE", "Line", "LineOutput", "LineSpec", "load_line"]

Pcm = npt.NDArray[np.int16]

RATE = 8000
FRAME = 160  # samples: 20 ms, what one RTP packet of G.711 carries by default (RFC 3551)
_INT16 = np.dtype(np.int16)
_SILENCE = np.zeros(FRAME, np.int16)


class LineOutput(NamedTuple):
    """The 20 ms that the far end plays during one tick.

    pcm: shape (160,), int16, 8 kHz. ingress_ms: one-way delay of these samples from their capture
    to their playout, jitter buffer included; the 20 ms that any frame takes to fill are not.
    lost: the packet due now never arrives. concealed: some of these samples are invented.
    """

    pcm: Pcm
    ingress_ms: float
    lost: bool
    concealed: bool


class Line:
    """One direction of a phone line during one call.

    The same spec, seed and direction reproduce the call bit for bit. Raises LineError for a
    direction that does not exist and SignalError for another rate than 8000 Hz: whoever has
    another rate resamples at the edge.
    """

    def __init__(
        self, spec: LineSpec, *, seed: int = 0, direction: Direction = "uplink", rate: int = RATE
    ) -> None:
        if direction not in DIRECTIONS:
            raise LineError(f"a line has no direction {direction!r}; it has: uplink, downlink")
        if rate != RATE:
            raise SignalError(f"a line carries {RATE} Hz, not {rate} Hz: resample before it")
        path = spec.uplink if direction == "uplink" else spec.downlink
        rngs = (
            # Each part draws from a stream of its own, so that adding one leaves the rest alone.
            np.random.default_rng([seed, crc32(f"{direction} {number} {part.name}".encode())])
            for number, part in enumerate((path.codec, *path.chain))
        )
        self._codec = cast("Encoder", path.codec.build(next(rngs)))
        self._signal: list[SignalDegradation] = [
            part.build(rng) for part, rng in zip(path.chain, rngs, strict=True)
        ]

    def process(self, frame: Pcm, far: Pcm | None = None) -> LineOutput:
        """Send 20 ms and get the 20 ms that the far end plays meanwhile.

        frame: shape (160,), int16, 8 kHz. far: the same, what is heard at the sending end at this
        time (the other direction's output), for lines with echo. Raises SignalError for another
        shape or type.
        """
        check_frame(frame)
        if self._signal:
            frame = self._degrade(frame, far)
        return LineOutput(cast("Pcm", self._codec.encode(frame)[0]), 0.0, False, False)

    def _degrade(self, frame: Pcm, far: Pcm | None) -> Pcm:
        pcm = frame.astype(np.float64)
        heard = (_SILENCE if far is None else far).astype(np.float64)
        for stage in self._signal:
            pcm = stage.process(pcm, heard)
        return np.clip(np.rint(pcm), -32768, 32767).astype(np.int16)


def check_frame(frame: Pcm) -> None:
    """Raise SignalError unless `frame` is 160 int16 samples."""
    if frame.shape != (FRAME,) or frame.dtype != _INT16:
        raise SignalError(
            f"a line takes 20 ms at a time: 160 int16 samples, mono, not {frame.dtype}{frame.shape}"
        )
