"""Estimates a network's parameters from its packets, as a line that can be simulated."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from telephony_sim.arrivals import PACKET_MS, Arrivals
from telephony_sim.measure import burst_lengths

Signal = npt.NDArray[np.float64]

LEAST_SKEW_PPM = 10.0  # less than that a short trace cannot tell from chance
LEAST_SKEW_PACKETS = 1500  # half a minute
SPIKE_MS = 60.0  # a rise of three packets at once is a stall, not queueing
BURSTY = 1.15  # times the mean burst that independent loss would give


@dataclass(frozen=True, slots=True)
class NetworkFit:
    """Parameters of the degradations that make a network like the one observed.

    loss: share of packets. mean_burst_packets: 1 / (1 - loss) if independent. delay_ms: of the
    fastest packet, None if the trace cannot tell. jitter_mean_ms, jitter_shape: gamma queueing
    delay. spikes_per_minute, spike_height_ms: stalls. skew_ppm: clocks. duplication: share.
    """

    packets: int
    loss: float
    mean_burst_packets: float
    delay_ms: float | None
    jitter_mean_ms: float
    jitter_shape: float
    spikes_per_minute: float
    spike_height_ms: float
    skew_ppm: float
    duplication: float


def fit(arrivals: Arrivals) -> NetworkFit:
    """Estimate a network: loss and bursts by counting, gamma jitter by the method of moments."""
    delay = arrivals.relative_delay_ms
    lost = np.isnan(delay)
    loss = float(np.mean(lost))
    bursts = burst_lengths(lost)
    skew_ppm = _skew_ppm(delay)
    delay = delay - skew_ppm * 1e-6 * PACKET_MS * np.arange(len(delay))
    delay -= np.nanmin(delay)
    came = delay[~lost]
    in_spike, heights = _spikes(came)
    calm = came[~in_spike] if np.any(~in_spike) else came
    mean, variance = float(np.mean(calm)), float(np.var(calm))
    minutes = len(delay) * PACKET_MS / 60_000
    return NetworkFit(
        packets=len(delay),
        loss=loss,
        mean_burst_packets=float(np.mean(bursts)) if len(bursts) else 1.0,
        delay_ms=arrivals.fastest_ms,
        jitter_mean_ms=mean,
        jitter_shape=float(np.clip(mean**2 / variance, 0.1, 100)) if variance else 100.0,
        spikes_per_minute=len(heights) / minutes,
        spike_height_ms=float(np.mean(heights)) if heights else 0.0,
        skew_ppm=skew_ppm,
        duplication=arrivals.duplicates / max(len(came), 1),
    )


def _skew_ppm(delay: Signal) -> float:
    """Slope of the fastest packets of each second: queues only ever add to it."""
    if len(delay) < LEAST_SKEW_PACKETS:
        return 0.0
    seconds = delay[: len(delay) // 50 * 50].reshape(-1, 50)
    seconds: Signal = np.where(np.isnan(seconds), np.inf, seconds)
    fastest: Signal = seconds.min(axis=1)
    places: Signal = 50.0 * np.arange(len(fastest)) + seconds.argmin(axis=1)
    usable = np.isfinite(fastest)
    times: Signal = places[usable] - float(np.mean(places[usable]))
    slope_ms = float(np.vdot(times, fastest[usable]) / np.vdot(times, times))
    ppm = slope_ms / PACKET_MS * 1e6
    return ppm if abs(ppm) >= LEAST_SKEW_PPM else 0.0


def _spikes(delay: Signal) -> tuple[npt.NDArray[np.bool_], list[float]]:
    """Which packets came in a stall, and the height of each: a sudden rise until it has drained."""
    usual = float(np.median(delay))
    inside = np.zeros(len(delay), np.bool_)
    heights: list[float] = []
    before, stalled = usual, False
    for index, value in enumerate(delay.tolist()):
        if value - before > SPIKE_MS:
            heights.append(value - usual)
            stalled = True
        elif stalled and value <= usual + PACKET_MS:
            stalled = False
        inside[index] = stalled
        before = value
    return inside, heights


def line_toml(found: NetworkFit, source: str) -> str:
    """A line with this network in both directions, as TOML; `source` is named in its comment."""
    stages: list[tuple[str, dict[str, float]]] = [("delay", {"delay_ms": found.delay_ms or 0.0})]
    if found.jitter_mean_ms > 0:
        stages.append(
            ("gamma_jitter", {"mean_ms": found.jitter_mean_ms, "shape": found.jitter_shape})
        )
    if found.spikes_per_minute:
        spikes = {"per_minute": found.spikes_per_minute, "height_ms": found.spike_height_ms}
        stages.append(("jitter_spikes", spikes))
    if found.skew_ppm:
        stages.append(("clock_skew", {"ppm": found.skew_ppm}))
    if found.duplication:
        stages.append(("duplication", {"probability": found.duplication}))
    if found.mean_burst_packets > BURSTY / (1 - min(found.loss, 0.9)):
        bursts = {"probability": found.loss, "mean_burst_packets": found.mean_burst_packets}
        stages.append(("burst_loss", bursts))
    elif found.loss:
        stages.append(("random_loss", {"probability": found.loss}))
    lines = [f"# Fitted by `voicecli line --fit` to {found.packets} packets of {source}."]
    if found.delay_ms is None:
        lines.append("# The trace cannot tell the one-way delay: set delay_ms if you know it.")
    lines.append(f'description = "fitted to {found.packets} packets"')
    for direction in ("uplink", "downlink"):
        lines += ["", f"[{direction}.codec]", 'use = "ulaw"']
        for name, keys in stages:
            lines += ["", f"[[{direction}.chain]]", f'use = "{name}"']
            lines += [f"{key} = {round(value, 4)}" for key, value in keys.items()]
    return "\n".join(lines) + "\n"
