"""A sound card in a room, sample by sample on a virtual clock: PortAudio for the code under test.

The loudspeaker's callback plays into a room whose echo, with noise and the human's voice, is what
the microphone's callback captures. Callbacks are late and in blocks, time stamps waver, the two
crystals differ, the loudspeaker distorts: everything that an echo canceller has to live with,
the same in each run.
"""

import sys
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import SimpleNamespace
from typing import Any

import numpy as np

from pipelines.runtime.engines import Engines
from pipelines.runtime.resampling import LiveResampler
from pipelines.runtime.timeline import to_float
from pipelines.runtime.transport import Received
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import SECOND, Nanos
from tests.voicecli.responsive_human import ResponsiveHuman
from voicecli.profile import Profile
from voicecli.transports.base import Frame
from voicecli.transports.echo_cancellation import EchoGuard
from voicecli.transports.file_caller import PlainLeg
from voicecli.transports.microphone import MicrophoneCaller
from voicecli.transports.sound_card import SoundCard

RATE = 16_000
_TAPS = 2400  # 150 ms


@dataclass(frozen=True)
class Room:
    """What lies between loudspeaker and microphone, and how well the card keeps time."""

    loop_db: float = -15.0
    """Level of the echo against what the agent says."""
    noise_db: float = -65.0
    """Noise at the microphone, of full scale."""
    drive: float = 0.0
    """Distortion of the loudspeaker: tanh(drive x) / drive; 0: none."""
    drift_ppm: float = 0.0
    """How much faster the microphone's crystal is."""
    block_ms: float = 10.0
    buffer_ms: float = 30.0
    """What the card holds in front of the loudspeaker and behind the microphone, each."""
    late_ms: float = 8.0
    """Callbacks come up to this much late."""
    stamp_ms: float = 1.0
    """Time stamps waver by this much, standard deviation."""
    move_every_s: float = 0.0
    """Every so often the way from loudspeaker to microphone becomes 15 ms longer or shorter."""
    lost_every_s: float = 0.0
    """Every so often the card loses 40 ms of the microphone, as when the computer is too busy."""
    seed: int = 3


@dataclass
class SimulatedCard:
    """Both devices, driven by `advance`. `human` gives 20 ms at 8000 Hz of what the human says."""

    room: Room
    human: Callable[[Nanos], Frame]
    voice: list[np.ndarray] = field(default_factory=list)
    """What the microphone captured of the human alone, at 16,000 Hz."""

    def __post_init__(self) -> None:
        room = self.room
        self._rng = np.random.default_rng(room.seed)
        self._block = round(RATE * room.block_ms / 1000)
        self._taps = _impulse_response(self._rng, 10 ** (room.loop_db / 20))
        self._air = np.zeros(_TAPS + RATE, np.float64)  # what the loudspeaker played lately
        self._air_end = 0  # samples it has played
        self._voice = LiveResampler(8000, RATE)
        self._spoken = np.zeros(0, np.float32)
        self.now = -0.3  # a card runs before the call begins
        self._spoken_until: Nanos = round(self.now * SECOND)
        self._outputs: list[_Stream] = []
        self._inputs: list[_Stream] = []
        self._next_out = self._next_in = self.now
        self._captured = 0

    # -- the room -----------------------------------------------------------------------------

    def advance(self, seconds: float) -> None:
        """Let time pass until then, with the callbacks that are due."""
        period = self._block / RATE
        while min(self._next_out, self._next_in) <= seconds:
            if self._next_out <= self._next_in:
                self.now = max(self.now, self._next_out)
                self._play()
                self._next_out += period
            else:
                self.now = max(self.now, self._next_in)
                self._record()
                self._next_in += period / (1 + self.room.drift_ppm * 1e-6)
        self.now = max(self.now, seconds)

    def _play(self) -> None:
        data = np.zeros((self._block, 1), np.float32)
        for stream in self._outputs:
            heard = self._next_out + self.room.buffer_ms / 1000
            stream.call(data, self._stamped(heard), self.now)
        played = data[:, 0].astype(np.float64)
        if self.room.drive:
            played = np.tanh(self.room.drive * played) / self.room.drive
        self._air = np.concatenate((self._air[self._block :], played))

    def _record(self) -> None:
        # The loudspeaker's block that is now handed over is heard `buffer_ms` later; what is now
        # handed over by the microphone was captured as much earlier.
        path = round(2 * self.room.buffer_ms / 1000 * RATE) + self._moved()
        end = len(self._air) - path
        heard = self._air[end - self._block - _TAPS + 1 : end]
        echo = np.convolve(heard, self._taps, "valid")
        noise = self._rng.normal(0, 10 ** (self.room.noise_db / 20), self._block)
        voice = self._human()
        self.voice.append(voice)
        if self._is_lost():
            return
        block = (echo + noise + voice).astype(np.float32)
        for stream in self._inputs:
            captured = self._next_in - self.room.buffer_ms / 1000 - self._block / RATE
            stream.call(block[:, np.newaxis], self._stamped(captured), self.now)

    def _moved(self) -> int:
        every = self.room.move_every_s
        return round(0.015 * RATE) * (int(self.now / every) % 2) if every and self.now > 0 else 0

    def _is_lost(self) -> bool:
        every = self.room.lost_every_s
        return bool(every) and self.now > 0 and self.now % every < 0.04

    def _human(self) -> np.ndarray:
        while len(self._spoken) < self._block:
            frame = self.human(self._spoken_until)
            self._spoken_until += 20_000_000
            self._spoken = np.concatenate((self._spoken, self._voice.process(to_float(frame))))
        block, self._spoken = self._spoken[: self._block], self._spoken[self._block :]
        return block

    def _stamped(self, seconds: float) -> float:
        return seconds + self._rng.normal(0, self.room.stamp_ms / 1000)

    # -- PortAudio, as far as it is used --------------------------------------------------------

    def library(self) -> Any:
        """A stand-in for the module `sounddevice`."""
        about = {
            "name": "room", "hostapi": 0, "max_input_channels": 1, "max_output_channels": 1,
            "default_samplerate": RATE,
        }  # fmt: skip
        return SimpleNamespace(
            PortAudioError=OSError,
            default=SimpleNamespace(device=(0, 0)),
            query_hostapis=lambda: [{"name": "simulation"}],
            query_devices=lambda: [about],
            InputStream=lambda **given: self._open(self._inputs, given["callback"]),
            OutputStream=lambda **given: self._open(self._outputs, given["callback"]),
        )

    def _open(self, streams: list["_Stream"], callback: Callable[..., None]) -> "_Stream":
        streams.append(_Stream(self, callback))
        return streams[-1]


@dataclass
class _Stream:
    card: SimulatedCard
    callback: Callable[..., None]
    latency: float = 0.03

    @property
    def time(self) -> float:
        return self.card.now

    def call(self, data: np.ndarray, stamp: float, now: float) -> None:
        moment = SimpleNamespace(
            inputBufferAdcTime=stamp, outputBufferDacTime=stamp, currentTime=now
        )
        status = SimpleNamespace(input_overflow=False, output_underflow=False)
        self.callback(data, len(data), moment, status)

    def start(self) -> None:
        pass

    abort = close = start


class InRoom:
    """A call on a simulated card, as a Transport: lets time pass in the room before each tick."""

    def __init__(
        self, caller: MicrophoneCaller, card: SimulatedCard, human: ResponsiveHuman
    ) -> None:
        self.rate = caller.rate
        self._caller, self._card, self._human = caller, card, human
        self._late = np.random.default_rng(card.room.seed)

    @property
    def egress(self) -> Nanos:
        return self._caller.egress

    @property
    def finished(self) -> bool:
        return self._caller.finished

    def receive(self, now: Nanos) -> Received:
        # A late callback is a tick that comes before it: the ring is emptier or fuller than usual.
        early = self._late.uniform(0, self._card.room.late_ms / 1000)
        self._card.advance(now / SECOND - early)
        return self._caller.receive(now)

    def send(self, frame: Frame | None, now: Nanos) -> None:
        self._caller.send(frame, now)
        self._human.hear(frame, now + self._caller.egress)


@contextmanager
def simulated(card: SimulatedCard) -> Iterator[None]:
    """PortAudio is this card."""
    before = sys.modules.get("sounddevice")
    sys.modules["sounddevice"] = card.library()
    try:
        yield
    finally:
        if before is None:
            del sys.modules["sounddevice"]
        else:
            sys.modules["sounddevice"] = before


def _impulse_response(rng: np.random.Generator, gain: float) -> np.ndarray:
    """A small room: the direct sound and a tail that is 60 dB down after 300 ms."""
    times = np.arange(_TAPS) / RATE
    taps = rng.normal(0, 1, _TAPS) * 10 ** (-3 * times / 0.3)
    taps[:16] = 0  # 30 cm
    taps[16] = 8
    return gain * taps / np.sqrt(np.sum(taps**2))


def talk_in_room(
    room: Room,
    human: ResponsiveHuman,
    profile: Profile,
    engines: Engines,
    guard: EchoGuard,
    seconds: float,
) -> tuple[list[Entry], MicrophoneCaller]:
    """A live call of so many seconds on the virtual clock; its journal and its transport."""
    card = SimulatedCard(room, human.say)
    entries: list[Entry] = []
    with simulated(card):
        pair = SoundCard(None, None, print)
        caller = MicrophoneCaller(pair, pair, guard, (PlainLeg(), PlainLeg()))
        card.advance(-0.05)
        pair.go_live()
        call = InRoom(caller, card, human)

        def hang_up(now: Nanos) -> None:
            if now >= seconds * SECOND:
                caller.hang_up()

        run_virtual(profile.policy, engines, call, entries.append, hang_up)
    return entries, caller
