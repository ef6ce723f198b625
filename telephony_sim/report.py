"""The figures that describe one passage through a phone line."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telephony_sim import measure
from telephony_sim.file import FileResult, Trace
from telephony_sim.spec import Direction, LineSpec

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class LineReport:
    """Figures of one recording on one line; shares are 0 to 1, levels dB relative to overload.

    loss_asked: by the line's settings; loss: of this call's packets. late: share of packets that
    came too late to be played. burst_mean, burst_max: packets lost in a row. jitter_ms: RFC 3550.
    hold_ms: jitter buffer's delay, p50 and p95; ingress_ms: from capture to playout, p50 and p95.
    concealed, repaired: share of 20 ms frames invented, or restored from redundancy. stretched_ms:
    taken out and put in. bandwidth_hz: 99 % of the energy. speech_dbov, noise_dbov: active speech
    and pauses; snr_db their distance.
    """

    line: str
    duration_s: float
    loss_asked: float
    loss: float
    late: float
    burst_mean: float
    burst_max: int
    jitter_ms: float
    hold_ms: tuple[float, float]
    ingress_ms: tuple[float, float]
    concealed: float
    repaired: float
    stretched_ms: tuple[float, float]
    bandwidth_hz: float
    speech_dbov: float
    noise_dbov: float

    @property
    def snr_db(self) -> float:
        """Active speech over what is heard in its pauses."""
        return self.speech_dbov - self.noise_dbov


def report(spec: LineSpec, result: FileResult, direction: Direction = "uplink") -> LineReport:
    """The figures of what `process_file` gave."""
    trace = result.trace
    counters = trace.counters
    lost = np.isnan(trace.packet_delay_ms)
    bursts = measure.burst_lengths(lost)
    playout = counters.playout if counters else None
    frames = len(trace.ingress_ms)
    # What was only sent to drain the line would count as the quietest pause there is.
    end = len(np.trim_zeros(result.sent, "b"))
    heard = result.pcm[:end]
    return LineReport(
        line=spec.name,
        duration_s=end / 8000,
        loss_asked=expected_loss(spec, direction),
        loss=float(np.mean(lost)) if len(lost) else 0.0,
        late=playout.late / frames if playout else 0.0,
        burst_mean=float(np.mean(bursts)) if len(bursts) else 0.0,
        burst_max=int(np.max(bursts)) if len(bursts) else 0,
        jitter_ms=measure.interarrival_jitter_ms(trace.packet_delay_ms),
        hold_ms=_percentiles(hold_ms(trace)),
        ingress_ms=_percentiles(trace.ingress_ms),
        concealed=float(np.mean(trace.concealed)),
        repaired=playout.repaired_frames / frames if playout else 0.0,
        stretched_ms=(
            (playout.shortened_samples / 8, playout.lengthened_samples / 8) if playout else (0, 0)
        ),
        bandwidth_hz=measure.bandwidth_hz(heard),
        speech_dbov=measure.active_level_dbov(heard),
        noise_dbov=measure.noise_floor_dbov(heard),
    )


def expected_loss(spec: LineSpec, direction: Direction) -> float:
    """Share of packets that a line's settings say it loses, its parts taken as independent."""
    kept = 1.0
    for part in (spec.uplink if direction == "uplink" else spec.downlink).chain:
        kept *= 1 - float(getattr(part.settings, "expected_loss", 0.0))
    return 1 - kept


def hold_ms(trace: Trace) -> Signal:
    """How long each packet that was played had waited at the receiver, decoder's delay included."""
    if not len(trace.packet_delay_ms):
        return np.zeros(1)
    ticks = np.arange(len(trace.ingress_ms))
    packet = np.rint(ticks - trace.ingress_ms / 20).astype(np.int64)
    played = (packet >= 0) & ~trace.concealed
    held = trace.ingress_ms[played] - trace.packet_delay_ms[packet[played]]
    held = held[~np.isnan(held)]
    return held if len(held) else np.zeros(1)


def _percentiles(values: Signal) -> tuple[float, float]:
    middle, high = np.percentile(values, [50, 95]).tolist()
    return middle, high
