"""A phone line: 20 ms frames in, what the far end hears of them out."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import groupby
from typing import Any, cast
from zlib import crc32

import numpy as np
import numpy.typing as npt

from telephony_sim.codecs import Codec, samples
from telephony_sim.degradations import PacketDegradation, SignalDegradation
from telephony_sim.errors import LineError, SignalError
from telephony_sim.spec import DIRECTIONS, Direction, LineSpec, Part, load_line
from telephony_sim.transport import LineOutput, PacketCounters, Transport

__all__ = ["FRAME", "RATE", "Line", "LineOutput", "LineSpec", "load_line"]

Pcm = npt.NDArray[np.int16]

RATE = 8000
FRAME = 160  # samples: 20 ms, what one RTP packet of G.711 carries by default (RFC 3551)
_INT16 = np.dtype(np.int16)


class Line:
    """One direction of a phone line during one call.

    The same spec, seed and direction reproduce the call bit for bit. With `record`, what chance
    decided for each packet is kept for the trace. Raises LineError for a direction that does not
    exist or a chain out of order, SignalError for another rate than 8000 Hz: whoever has another
    rate resamples before.
    """

    def __init__(
        self,
        spec: LineSpec,
        *,
        seed: int = 0,
        direction: Direction = "uplink",
        rate: int = RATE,
        record: bool = False,
    ) -> None:
        if direction not in DIRECTIONS:
            raise LineError(f"a line has no direction {direction!r}; it has: uplink, downlink")
        if rate != RATE:
            raise SignalError(f"a line carries {RATE} Hz, not {rate} Hz: resample before it")
        path = spec.uplink if direction == "uplink" else spec.downlink

        def rng(role: str) -> np.random.Generator:
            # Each part draws from a stream of its own, so that changing one leaves the rest alone.
            return np.random.default_rng([seed, crc32(f"{direction} {role}".encode())])

        def build(part: Part, role: str) -> Any:
            return part.build(rng(f"{role} {part.name}"))

        stages = [build(part, str(number)) for number, part in enumerate(path.chain)]
        self._before, packets, self._after = _split(stages, spec.name, direction)
        self._codec = cast("Codec", build(path.codec, "codec"))
        decoder = self._codec.decoder()
        self._transport: Transport | None = None
        if packets or decoder:
            self._transport = Transport(
                packets,
                build(path.jitter_buffer, "jitter buffer"),
                decoder or build(path.concealment, "concealment"),
                rng("rtp"),
                record=record,
            )
        self.packet_stages = tuple(
            part.name
            for part, stage in zip(path.chain, stages, strict=True)
            if isinstance(stage, PacketDegradation)
        )

    @property
    def counters(self) -> PacketCounters | None:
        """What happened to packets so far; None for a line that has no packets to lose."""
        return self._transport.counters if self._transport else None

    @property
    def transport(self) -> Transport | None:
        """The packet part of the line, for its record; None where there is none."""
        return self._transport

    def process(self, frame: Pcm, far: Pcm | None = None) -> LineOutput:
        """Send 20 ms and get the 20 ms that the far end plays meanwhile.

        frame: shape (160,), int16, 8 kHz. far: the same, what is heard at the sending end at this
        time (the other direction's output), for lines with echo. Raises SignalError for another
        shape or type.
        """
        if frame.shape != (FRAME,) or frame.dtype != _INT16:
            raise SignalError(
                f"a line takes 160 int16 samples (20 ms, mono), not {frame.dtype} {frame.shape}"
            )
        return self._process(frame, far)[0]

    def process_frames(self, pcm: Pcm, far: Pcm | None = None) -> list[LineOutput]:
        """What `process` gives frame by frame, bit for bit, only faster.

        pcm and far: shape (160·n,), int16, 8 kHz. Raises SignalError for another shape or type.
        """
        if pcm.ndim != 1 or len(pcm) % FRAME or pcm.dtype != _INT16:
            raise SignalError(
                f"a line takes whole frames of 160 int16 samples, not {pcm.dtype} {pcm.shape}"
            )
        return self._process(pcm, far)

    def _process(self, pcm: Pcm, far: Pcm | None) -> list[LineOutput]:
        if far is not None and far.shape != pcm.shape:
            raise SignalError(
                f"far has the shape {far.shape}; it must have that of pcm, {pcm.shape}"
            )
        if self._before:
            pcm = _degrade(self._before, pcm, far)
        payloads = self._codec.encode(pcm)
        if self._transport is None:
            return [LineOutput(samples(payload), 0.0, False, False) for payload in payloads]
        outputs = [self._transport.exchange(payload) for payload in payloads]
        if not self._after:
            return outputs
        played = _degrade(self._after, np.concatenate([output.pcm for output in outputs]), far)
        return [
            output._replace(pcm=frame)
            for output, frame in zip(outputs, played.reshape(-1, FRAME), strict=True)
        ]


def _split(
    stages: Sequence[object], line: str, direction: Direction
) -> tuple[list[SignalDegradation], list[PacketDegradation], list[SignalDegradation]]:
    """The audio before the packets, the packets, and the audio after them."""
    runs = [
        (packets, list(run))
        for packets, run in groupby(stages, lambda stage: isinstance(stage, PacketDegradation))
    ]
    if sum(packets for packets, _ in runs) > 1:
        raise LineError(
            f"{line} [{direction}]: degradations of packets must stand next to one another in the "
            "chain, because audio turns into packets and back only once"
        )
    position = next((index for index, (packets, _) in enumerate(runs) if packets), len(runs))
    before, packets, after = (
        [stage for _, run in part for stage in run]
        for part in (runs[:position], runs[position : position + 1], runs[position + 1 :])
    )
    return (
        cast("list[SignalDegradation]", before),
        cast("list[PacketDegradation]", packets),
        cast("list[SignalDegradation]", after),
    )


def _degrade(stages: list[SignalDegradation], pcm: Pcm, far: Pcm | None) -> Pcm:
    signal = pcm.astype(np.float64)
    heard = np.zeros(len(pcm)) if far is None else far.astype(np.float64)
    for stage in stages:
        signal = stage.process(signal, heard)
    return np.clip(np.rint(signal), -32768, 32767).astype(np.int16)
