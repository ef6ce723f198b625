"""Decides what is played each 20 ms, given what has arrived."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from telephony_sim.codecs import Decoder, Payload, Pcm
from telephony_sim.jitter_buffers import JitterBuffer
from telephony_sim.rtp import SAMPLES, RtpPacket, Unwrapper

FRAME = 160
TICK_MS = 20.0
REMEMBERED = 500  # missed packets, so that a late one is told from a duplicate
RESYNC_AFTER = 50  # late packets in a row, one second: not a stall, the path or clock has moved


class Arrival(NamedTuple):
    """A packet at the receiver; at_ms is when it came, on the clock of the ticks."""

    at_ms: float
    packet: RtpPacket


@dataclass(slots=True)
class PlayoutCounters:
    """What became of packets and samples at the receiver since the call began."""

    late: int = 0
    duplicates: int = 0
    reordered: int = 0
    discarded: int = 0
    invented_frames: int = 0
    repaired_frames: int = 0
    shortened_samples: int = 0
    lengthened_samples: int = 0
    resyncs: int = 0


class Playout:
    """A jitter buffer and a decoder under a clock that ticks every 20 ms.

    After each tick `delay` is the samples from the sending of what is played to its playout, and
    `missing` whether the tick needed a packet that had not arrived (`due` is its number), and
    `invented` whether nothing but concealment could stand in for it.
    """

    def __init__(
        self, buffer: JitterBuffer, decoder: Decoder, sequences: Unwrapper, timestamps: Unwrapper
    ) -> None:
        self._buffer = buffer
        self._decoder = decoder
        self._sequences = sequences
        self._timestamps = timestamps
        self._packets: dict[int, Payload] = {}
        self._missed: deque[int] = deque(maxlen=REMEMBERED)
        self._next = -1  # the packet to decode next; -1 until playout begins
        self._highest = -1
        self._begin_ms = np.inf
        self._waited = 0  # frames invented without moving on to the next packet
        self._late_in_a_row = 0
        self._ready: Pcm = np.zeros(0, np.int16)
        self._tick = -1
        self.delay = 0
        self.invented = False
        self.missing = False
        self.due = 0
        self.counters = PlayoutCounters()

    def tick(self, arrivals: list[Arrival]) -> Pcm:
        """What is played for the next 20 ms, shape (160,); `arrivals` since the tick before."""
        self._tick += 1
        self.invented = self.missing = False
        for arrival in arrivals:
            self._receive(arrival)
        if self._next < 0 and not self._begin():
            self.delay = self._tick * FRAME
            return np.zeros(FRAME, np.int16)
        ready = self._ready
        while len(ready) < FRAME:
            frame = self._pull(len(ready))
            ready = np.concatenate((ready, frame)) if len(ready) else frame
        self._ready = ready[FRAME:]
        return ready[:FRAME]

    def _receive(self, arrival: Arrival) -> None:
        at_ms, packet = arrival
        number = self._sequences.extend(packet.sequence)
        sent_ms = self._timestamps.extend(packet.timestamp) / SAMPLES * TICK_MS
        if number in self._packets or (number < self._next and number not in self._missed):
            self.counters.duplicates += 1
            return
        self._buffer.arrived(at_ms - sent_ms)
        if number < self._highest:
            self.counters.reordered += 1
        self._highest = max(self._highest, number)
        if number < self._next:
            self._receive_late(number, packet.payload)
        else:
            self._late_in_a_row = 0
            self._packets[number] = packet.payload
        if self._next < 0:
            self._begin_ms = min(self._begin_ms, at_ms + self._buffer.start_ms)

    def _receive_late(self, number: int, payload: Payload) -> None:
        self.counters.late += 1
        self._missed.remove(number)
        self._late_in_a_row += 1
        if self._late_in_a_row >= RESYNC_AFTER and not self._packets:
            self.counters.resyncs += 1
            self._late_in_a_row = 0
            back = self._next - number + round(self._buffer.start_ms / TICK_MS)
            self.delay += back * FRAME
            self._next -= back
            self._packets[number] = payload

    def _begin(self) -> bool:
        now_ms = self._tick * TICK_MS
        if not self._packets or now_ms < self._begin_ms:
            return False
        self._next = min(self._packets)
        self._missed.extend(range(self._next))
        self.delay = (self._tick - self._next) * FRAME
        return True

    def _pull(self, ahead: int) -> Pcm:
        """Decode or invent one more frame; `ahead` samples still stand before it."""
        packets = self._packets
        while len(packets) > 1 and self._buffer.overfull(self.delay / 8):
            self._skip(packets)
        payload = packets.pop(self._next, None)
        while payload is None and packets and self._waited:
            # Playout waited, and now it shows that this one is lost: it has been stood in for.
            self._waited -= 1
            self._miss(-FRAME)
            payload = packets.pop(self._next, None)
        if payload is not None:
            self._waited = 0
            self._next += 1
            frame = self._decoder.good(payload)
        else:
            self.due = self._next + self._waited
            frame = self._stand_in(packets)
        shaped = self._buffer.shape(frame, (self.delay - ahead) / 8)
        change = len(shaped) - FRAME
        if change:
            self.delay += change
            if change < 0:
                self.counters.shortened_samples -= change
            else:
                self.counters.lengthened_samples += change
        return shaped

    def _stand_in(self, packets: dict[int, Payload]) -> Pcm:
        if packets or not self._buffer.waits or self._buffer.overfull(self.delay / 8 + TICK_MS):
            self._miss(0)
            frame = self._decoder.lost(packets.get(self._next))
        else:
            self._waited += 1
            self.delay += FRAME
            frame = self._decoder.lost(None)
        self.missing = True
        if self._decoder.repaired:
            self.counters.repaired_frames += 1
        else:
            self.invented = True
            self.counters.invented_frames += 1
        return frame

    def _skip(self, packets: dict[int, Payload]) -> None:
        """Throw the oldest packet away: more has piled up than may be held."""
        if packets.pop(self._next, None) is not None:
            self.counters.discarded += 1
        self._waited = max(self._waited - 1, 0)
        self._miss(-FRAME)

    def _miss(self, change: int) -> None:
        """Go on to the next packet without this one."""
        self._missed.append(self._next)
        self._next += 1
        self.delay += change
