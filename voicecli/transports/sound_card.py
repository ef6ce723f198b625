"""A microphone and a loudspeaker as one pair.

All methods but the two callbacks' run on the call's thread; devices are opened again on a thread of
their own, because that takes a good part of a second.
"""

import threading
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

import numpy as np

from voicecli.transports.base import FRAME_SAMPLES
from voicecli.transports.echo_cancellation import Played
from voicecli.transports.ring import Mono
from voicecli.transports.sound_card_clock_drift import Incoming, Outgoing
from voicecli.transports.sound_card_devices import (
    Device,
    Direction,
    SoundCardError,
    find_device,
    portaudio,
)
from voicecli.transports.sound_card_far_end import FarEnd
from voicecli.transports.sound_card_streams import InputStream, OutputStream

_DEAD_AFTER = 100  # frames (2 s) without a callback: the device is gone
_CUSHION_MS = 30
_RETRY_S = 1.0
_SILENCE = np.zeros(FRAME_SAMPLES, np.float32)


@dataclass(frozen=True, slots=True)
class CardCounters:
    """What went wrong between the card and the call so far."""

    underruns: int = 0
    """Times the loudspeaker had nothing to play."""
    overruns: int = 0
    """Times samples of the microphone were lost."""
    reopened: int = 0
    """Times a device disappeared and another was opened."""


class _Streams:
    """Both directions of one pair of open devices; None for one that a file replaces."""

    def __init__(self, source: Device | None, sink: Device | None) -> None:
        self.input = InputStream(source) if source else None
        try:
            self.output = OutputStream(sink) if sink else None
        except SoundCardError:
            self.close()
            raise
        self.incoming = Incoming(self.input.ring, self.input.rate) if self.input else None
        self.outgoing: Outgoing | None = None
        self.far = FarEnd(self.output.played, self.output.rate) if self.output else None
        self._calls = -1
        self._frozen = 0

    def go_live(self) -> None:
        """The call begins: what gathered until now is old."""
        for feed in (self.incoming, self.far):
            if feed is not None:
                feed.restart()
        if self.input:
            self.input.live = True
        if self.output:
            cushion = self.output.rate * _CUSHION_MS // 1000
            self.outgoing = Outgoing(self.output.ring, self.output.rate, cushion)
            self.output.live = True

    @property
    def running(self) -> bool:
        """Whether every card has begun to call."""
        return all(stream.callbacks > 1 for stream in (self.input, self.output) if stream)

    def dead(self) -> bool:
        """Whether a card has stopped calling; to be asked once a frame."""
        calls = [stream.callbacks for stream in (self.input, self.output) if stream]
        slowest = min(calls, default=0)
        self._frozen = self._frozen + 1 if slowest == self._calls else 0
        self._calls = slowest
        return bool(calls) and self._frozen >= _DEAD_AFTER

    def close(self) -> None:
        for stream in (self.input, getattr(self, "output", None)):
            if stream is not None:
                stream.close()


class SoundCard:
    """The caller's microphone and loudspeaker.

    Args:
        source: what the user calls the microphone; None: the default; "" for none at all.
        sink: the same of the loudspeaker.
        notify: told in a sentence when a device disappears or another takes its place; called on
            other threads.

    Raises SoundCardError if one cannot be opened.
    """

    def __init__(self, source: str | None, sink: str | None, notify: Callable[[str], None]) -> None:
        self._wanted: dict[Direction, str | None] = {"input": source, "output": sink}
        self._notify = notify
        self._streams: _Streams | None = self._open()
        self._closing = threading.Event()
        self._age = self._delay = 0.0
        self._live = False
        self._change = False
        self._past = CardCounters()

    # -- on the call's thread -----------------------------------------------------------------

    def go_live(self) -> None:
        """The call begins now."""
        self._live = True
        if self._streams is not None:
            self._streams.go_live()

    def listen(self) -> tuple[Mono, float]:
        """The next 20 ms of the microphone, shape (160,), 8000 Hz; how old its end is, seconds."""
        self._look_after_devices()
        streams = self._streams
        if streams is None or streams.input is None or streams.incoming is None:
            return _SILENCE, self._age
        frame = streams.incoming.frame()
        captured = streams.input.stamps.time_of(streams.incoming.position, streams.input.rate)
        if captured is not None:
            self._age = max(0.0, streams.input.now - captured)
        return frame, self._age

    def say(self, frame: Mono) -> float:
        """Queue 20 ms, shape (160,), 8000 Hz; how soon its beginning is heard, in seconds."""
        if self._wanted["input"] == "":  # then nobody listens
            self._look_after_devices()
        streams = self._streams
        if streams is None or streams.output is None or streams.outgoing is None:
            return self._delay
        position = streams.outgoing.put(frame, streams.output.underruns)
        heard = streams.output.stamps.time_of(position, streams.output.rate)
        if heard is not None:
            self._delay = max(0.0, heard - streams.output.now)
        return self._delay

    def played(self) -> Played:
        """What the loudspeaker played, for the frame last listened to."""
        streams = self._streams
        if streams is None or streams.incoming is None or not (streams.output and streams.far):
            return Played(_SILENCE)
        output, near, far = streams.output, streams.incoming, streams.far
        heard = output.played_at.sample_at(output.now - self._age, output.rate)
        frame = far.frame(near.taken, near.ready, heard)
        return Played(frame, far.delay, far.steady, far.handed)

    @property
    def running(self) -> bool:
        """Whether sound flows; a card may take a second or two after it was opened."""
        return self._streams is not None and self._streams.running

    @property
    def counters(self) -> CardCounters:
        """What went wrong so far, over all devices of the call."""
        return _sum(self._past, self._streams)

    @property
    def queued_ms(self) -> tuple[float, float]:
        """Milliseconds of sound that wait between card and call: heard, and to be played."""
        streams = self._streams
        heard = played = 0.0
        if streams is not None and streams.input:
            heard = 1000 * streams.input.ring.filled / streams.input.rate
        if streams is not None and streams.output:
            played = 1000 * streams.output.ring.filled / streams.output.rate
        return heard, played

    @property
    def names(self) -> tuple[str, str]:
        """The devices in use, microphone and loudspeaker; empty where there is none."""
        streams = self._streams
        if streams is None:
            return "", ""
        heard, spoken = streams.input, streams.output
        return heard.device.name if heard else "", spoken.device.name if spoken else ""

    def choose(self, direction: Direction, name: str | None) -> None:
        """Change to another device in the midst of the call; None: the system's default."""
        self._wanted[direction] = name
        self._change = True

    def close(self) -> None:
        """Give the devices back."""
        self._closing.set()
        if self._streams is not None:
            self._streams.close()

    # -- when a device disappears -------------------------------------------------------------

    def _look_after_devices(self) -> None:
        """Once a frame: are they alive, and are they the ones that are wanted?"""
        streams = self._streams
        if streams is None:
            return
        if self._change:
            self._change = False
            self._reopen(streams)
        elif streams.dead():
            self._notify("A sound device has stopped or was unplugged; looking for another.")
            self._wanted = {key: "" if name == "" else None for key, name in self._wanted.items()}
            self._reopen(streams)

    def _reopen(self, streams: _Streams) -> None:
        past = _sum(self._past, streams)
        self._past = replace(past, reopened=past.reopened + 1)
        self._streams = None
        threading.Thread(target=self._look, args=(streams,), name="sound card", daemon=True).start()

    def _look(self, old: _Streams) -> None:
        """On a thread of its own: open what there is, as soon as there is something."""
        old.close()
        told = ""
        while not self._closing.is_set():
            try:
                _scan_again()
                streams = self._open()
            except SoundCardError as error:
                if str(error) != told:
                    told = str(error)
                    self._notify(told)
                self._closing.wait(_RETRY_S)
                continue
            if self._live:
                streams.go_live()
            self._streams = streams
            names = " and ".join(name for name in self.names if name)
            self._notify(f"Now using {names}.")
            return

    def _open(self) -> _Streams:
        def find(direction: Direction) -> Device | None:
            wanted = self._wanted[direction]
            return None if wanted == "" else find_device(direction, wanted)

        return _Streams(find("input"), find("output"))


def _scan_again() -> None:
    """PortAudio knows only the devices of the moment at which it was started."""
    sound: Any = portaudio()
    sound._terminate()
    sound._initialize()


def _sum(past: CardCounters, streams: _Streams | None) -> CardCounters:
    if streams is None:
        return past
    lost = streams.outgoing.lost if streams.outgoing else 0
    return CardCounters(
        past.underruns + (streams.output.underruns if streams.output else 0),
        past.overruns + lost + (streams.input.overruns if streams.input else 0),
        past.reopened,
    )
