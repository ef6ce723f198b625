"""What lies between a codec's two ends: packets, network, jitter buffer, playout."""

from __future__ import annotations

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from math import ceil, isnan
from typing import NamedTuple

import numpy as np

from telephony_sim.codecs import Decoder, Payload, Pcm
from telephony_sim.degradations import PacketDegradation
from telephony_sim.jitter_buffers import JitterBuffer
from telephony_sim.network import Network
from telephony_sim.playout import TICK_MS, Arrival, Playout, PlayoutCounters
from telephony_sim.rtp import Packetizer, RtpPacket, Unwrapper

REMEMBERED = 500  # lost packets, to tell at playout whether a gap is loss or lateness


class LineOutput(NamedTuple):
    """The 20 ms that the far end plays during one tick.

    pcm: shape (160,), int16, 8 kHz, to be read only. ingress_ms: one-way delay of these samples
    from capture to playout, jitter buffer and decoder included, the 20 ms that any frame takes to
    fill not. lost: the packet due now never arrives, though redundancy may repair it. concealed:
    some of these samples are invented.
    """

    pcm: Pcm
    ingress_ms: float
    lost: bool
    concealed: bool


@dataclass(frozen=True, slots=True)
class PacketCounters:
    """Packets since the call began: sent, lost by the network, and what playout counted."""

    sent: int
    lost: int
    playout: PlayoutCounters


class Transport:
    """RTP packets through a network into a jitter buffer and a decoder."""

    def __init__(
        self,
        stages: Sequence[PacketDegradation],
        buffer: JitterBuffer,
        decoder: Decoder,
        rng: np.random.Generator,
        *,
        record: bool,
    ) -> None:
        self.network = Network(stages, record=record)
        self._packetizer = Packetizer(rng)
        self._playout = Playout(
            buffer,
            decoder,
            Unwrapper(self._packetizer.first_sequence, 16),
            Unwrapper(self._packetizer.first_timestamp, 32),
        )
        self._decoder = decoder
        self._under_way: dict[int, list[Arrival]] = {}  # by the tick in which they arrive
        self._lost: deque[int] = deque(maxlen=REMEMBERED)
        self._sent = self._lost_count = 0

    @property
    def counters(self) -> PacketCounters:
        """What happened so far."""
        return PacketCounters(self._sent, self._lost_count, self._playout.counters)

    def exchange(self, payload: Payload) -> LineOutput:
        """Send a packet now, and get what is played for the next 20 ms."""
        tick = self._sent
        self._sent += 1
        packet = self._packetizer.pack(payload)
        delay_ms, lost, copy_ms = self.network.send()
        if lost:
            self._lost.append(tick)
            self._lost_count += 1
        else:
            self._post(tick, delay_ms, packet)
            if not isnan(copy_ms):
                self._post(tick, copy_ms, packet)
        arrivals = self._under_way.pop(tick, None) or []
        if len(arrivals) > 1:
            arrivals.sort(key=lambda arrival: arrival.at_ms)
        playout = self._playout
        pcm = playout.tick(arrivals)
        return LineOutput(
            pcm,
            (playout.delay + self._decoder.delay) / 8,
            playout.missing and playout.due in self._lost,
            playout.invented,
        )

    def _post(self, tick: int, delay_ms: float, packet: RtpPacket) -> None:
        arrival = Arrival(tick * TICK_MS + delay_ms, packet)
        self._under_way.setdefault(tick + ceil(delay_ms / TICK_MS), []).append(arrival)
