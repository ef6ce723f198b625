"""Sends a whole recording through a phone line."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

from telephony_sim.errors import SignalError
from telephony_sim.line import FRAME, RATE, Line
from telephony_sim.resample import resample
from telephony_sim.spec import Direction, LineSpec
from telephony_sim.transport import PacketCounters

Pcm = npt.NDArray[np.int16]


@dataclass(frozen=True, slots=True)
class Trace:
    """What happened, frame by frame (20 ms each, n of them).

    ingress_ms, lost, concealed: as in LineOutput, shape (n,). packet_delay_ms: network delay of
    each packet sent, NaN where it was lost, shape (n,), empty for a line without packets. drawn:
    what chance decided for each packet, by "position name" in the chain. counters: totals.
    """

    ingress_ms: npt.NDArray[np.float64]
    lost: npt.NDArray[np.bool_]
    concealed: npt.NDArray[np.bool_]
    packet_delay_ms: npt.NDArray[np.float64]
    drawn: dict[str, npt.NDArray[np.float64]]
    counters: PacketCounters | None


@dataclass(frozen=True, slots=True)
class FileResult:
    """sent: the recording as the line took it; pcm: what came out. Both (160·n,), int16, 8 kHz."""

    sent: Pcm
    pcm: Pcm
    trace: Trace


def process_file(
    spec: LineSpec,
    pcm: npt.NDArray[Any],
    rate: int,
    *,
    seed: int = 0,
    direction: Direction = "uplink",
    far: Pcm | None = None,
    drain_ms: float = 0,
) -> FileResult:
    """Send a recording through one direction of a line.

    pcm: shape (n,), int16, or floating point within ±1; rate in Hz. far: as sent, for echo, at
    8 kHz, cut or filled with silence to the same length. drain_ms: silence sent behind it, so that
    what is delayed still comes out. Raises SignalError for what no line can carry.
    """
    sent = telephone_samples(pcm, rate)
    sent = np.pad(sent, (0, -len(sent) % FRAME + FRAME * round(drain_ms / 20)))
    if far is not None:
        far = np.pad(far[: len(sent)], (0, max(len(sent) - len(far), 0)))
    line = Line(spec, seed=seed, direction=direction, record=True)
    outputs = line.process_frames(sent, far)
    frames, ingress_ms, lost, concealed = zip(*outputs, strict=True)
    delay_ms, drawn = _packets(line, len(outputs))
    trace = Trace(
        np.array(ingress_ms), np.array(lost), np.array(concealed), delay_ms, drawn, line.counters
    )
    return FileResult(sent, np.concatenate(frames), trace)


def telephone_samples(pcm: npt.NDArray[Any], rate: int) -> Pcm:
    """A recording as int16 at 8 kHz, shape (n,); SignalError names what is wrong with it."""
    if pcm.ndim != 1:
        raise SignalError(
            f"a line carries one channel, not an array of shape {pcm.shape}: split it"
        )
    if not 1000 <= rate <= 384_000:
        raise SignalError(f"the rate is {rate} Hz; it must be between 1000 and 384000 Hz")
    if not len(pcm):
        raise SignalError("the recording is empty; a line needs at least one sample")
    if pcm.dtype == np.int16:
        return resample(pcm, rate, RATE)
    if not np.issubdtype(pcm.dtype, np.floating):
        raise SignalError(f"the samples are {pcm.dtype}; they must be int16 or floating point")
    if not np.isfinite(pcm).all():
        first = int(np.argmin(np.isfinite(pcm)))
        raise SignalError(
            f"sample {first} is {pcm[first]}; samples must be finite, within -1 and 1"
        )
    resampled = resample(pcm.astype(np.float64), rate, RATE)
    return np.clip(np.rint(resampled * 32768), -32768, 32767).astype(np.int16)


def _packets(
    line: Line, count: int
) -> tuple[npt.NDArray[np.float64], dict[str, npt.NDArray[np.float64]]]:
    """Network delay of each packet and what chance decided, from the line's record."""
    if line.transport is None:
        return np.zeros(0), {}
    history = line.transport.network.history
    delays = [np.where(transit.lost, np.nan, transit.delay_ms) for transit, _ in history]
    drawn = {
        f"{position} {name}": np.concatenate([values[position] for _, values in history])[:count]
        for position, name in enumerate(line.packet_stages)
    }
    return np.concatenate(delays)[:count], drawn
