"""Keeps the agent from hearing itself over the caller's loudspeaker.

WebRTC's AEC3 in the `livekit` library needs no server: it is given what is played and what the
microphone hears, ten milliseconds at a time, and takes the one out of the other. What it leaves is
30 to 60 dB weaker than the echo, and yet a VAD, which cares little for loudness, may hear a voice
in it; `ResidueGate` silences that.
"""

from collections import deque
from dataclasses import dataclass
from statistics import median
from typing import Final, Protocol

import numpy as np

from voicecli.transports.base import FRAME_SAMPLES, RATE
from voicecli.transports.ring import Mono

_TEN_MS: Final = RATE // 100
_AUDIBLE: Final = 0.003  # peak: -50 dB of full scale
_ROOM_FRAMES: Final = 15  # 300 ms: a room has fallen silent by then
_RESIDUE: Final = 0.1  # -10 dB; see `ResidueGate` for where that lies
_SMOOTHING: Final = 1 / 3  # of frame powers: over 60 ms
_OPEN_FRAMES: Final = 3  # 60 ms: a voice has gaps
_PROOF_FRAMES: Final = 50  # a second of the agent's voice ...
_PROOF_LEAST: Final = 10  # ... of which so much must be known
_ECHO_FRAMES: Final = 10  # 200 ms: an echo is from what was played so lately
_LOUDER: Final = 4.0  # 6 dB: an echo's level wavers


@dataclass(frozen=True, slots=True)
class Processing:
    """What is done to the microphone's sound."""

    echo_cancellation: bool = True
    half_duplex: bool = False
    """Deafen the microphone while the agent is heard: no echo, but no interruptions either."""
    noise_suppression: bool = True
    auto_gain: bool = False
    high_pass: bool = True


@dataclass(frozen=True, slots=True)
class Played:
    """20 ms of what the caller's loudspeaker played."""

    frame: Mono
    """Shape (160,), 8000 Hz."""
    delay: float = 0.0
    """How much later its echo is in the microphone's frames, in seconds, without the room's own."""
    steady: bool = True
    """Whether that delay has been the same for a while."""
    handed: float = 0.0
    """Peak of what the loudspeaker was handed meanwhile, to be played some time later.

    When a stream begins, `frame` may be half a second late; this never is.
    """

    @property
    def audible(self) -> bool:
        """Whether the frame can be heard."""
        return float(np.abs(self.frame).max()) > _AUDIBLE


class EchoGuard(Protocol):
    """Takes what is played out of what the microphone hears."""

    def process(self, near: Mono, played: Played) -> Mono:
        """The caller alone, shape (160,).

        Args:
            near: what the microphone heard, shape (160,), 8000 Hz.
            played: what the loudspeaker was given meanwhile.
        """
        ...


def echo_guard(settings: Processing) -> tuple[EchoGuard, str]:
    """The guard for these settings, and a sentence if it is not the one asked for."""
    chosen: EchoGuard = Untouched()
    notice = ""
    wants_library = (
        settings.echo_cancellation or settings.noise_suppression or settings.auto_gain
    ) or settings.high_pass
    if wants_library:
        try:
            chosen = WebRtcProcessing(settings)
        except (ImportError, OSError, RuntimeError) as error:
            if settings.echo_cancellation:
                notice = (
                    f"The echo canceller cannot be loaded ({error}): the microphone is deaf "
                    "while the agent speaks."
                )
                return HalfDuplex(Untouched()), notice
    if settings.half_duplex:
        return HalfDuplex(chosen), notice
    if settings.echo_cancellation:
        return ResidueGate(chosen), notice
    return chosen, notice


class Untouched:
    """No processing: for headphones."""

    def process(self, near: Mono, played: Played) -> Mono:  # noqa: ARG002
        """`near` as it is."""
        return near


class WebRtcProcessing:
    """AEC3, noise suppression, gain control and high-pass filter, as the settings say.

    Raises ImportError or OSError if the library cannot be loaded, RuntimeError if it refuses.
    """

    def __init__(self, settings: Processing) -> None:
        from livekit import rtc  # noqa: PLC0415 - loads a library of 30 MB

        self._frame = rtc.AudioFrame
        self._cancels = settings.echo_cancellation
        self._module = rtc.AudioProcessingModule(
            echo_cancellation=settings.echo_cancellation,
            noise_suppression=settings.noise_suppression,
            high_pass_filter=settings.high_pass,
            auto_gain_control=settings.auto_gain,
        )

    def process(self, near: Mono, played: Played) -> Mono:
        """See `EchoGuard`."""
        cleaned = np.empty(FRAME_SAMPLES, np.float32)
        for start in range(0, FRAME_SAMPLES, _TEN_MS):
            part = slice(start, start + _TEN_MS)
            if self._cancels:
                self._module.process_reverse_stream(self._packed(played.frame[part]))
                self._module.set_stream_delay_ms(max(0, min(500, round(played.delay * 1000))))
            frame = self._packed(near[part])
            self._module.process_stream(frame)
            cleaned[part] = np.frombuffer(frame.data, np.int16) / np.float32(32768)
        return cleaned

    def _packed(self, samples: Mono):  # an rtc.AudioFrame, loaded late
        data = bytearray(np.clip(samples * 32768, -32768, 32767).astype(np.int16).tobytes())
        return self._frame(data, RATE, 1, len(samples))


class _Presence:
    """Whether the agent is heard in the room: while it plays, and for 300 ms after."""

    def __init__(self) -> None:
        self._left = 0

    def update(self, played: Played) -> bool:
        """Take the next frame played."""
        if played.audible or played.handed > _AUDIBLE:
            self._left = _ROOM_FRAMES + round(played.delay * 50)
        elif self._left:
            self._left -= 1
        return self._left > 0


class ResidueGate:
    """Silence in place of what the canceller leaves of the agent's own voice.

    While the agent is heard, a frame passes only if the canceller let through a tenth of its power
    or more. Of an echo it takes 13 dB or more in 99 frames of 100, from the first one on; of a
    caller who speaks over it at the same loudness, 1 to 2 dB (medians; docs/explanation/echo.md).

    That holds for a canceller that knows the room. Until it has proved that, and after every jump
    of the delay, a frame must also be louder than the echo usually is: a caller who is not is
    missed for a moment, as with `HalfDuplex`.
    """

    def __init__(self, inner: EchoGuard) -> None:
        self.inner = inner
        self._presence = _Presence()
        self._heard = self._left = 0.0  # powers, smoothed
        self._open = 0
        self._spoken = 0  # frames, since the agent began
        self._played: deque[float] = deque(maxlen=_ECHO_FRAMES)
        self._couplings: deque[float] = deque(maxlen=2 * _PROOF_FRAMES)
        self._taken_out: deque[bool] = deque(maxlen=_PROOF_FRAMES)

    def process(self, near: Mono, played: Played) -> Mono:
        """See `EchoGuard`."""
        cleaned = self.inner.process(near, played)
        self._heard += _SMOOTHING * (_power(near) - self._heard)
        self._left += _SMOOTHING * (_power(cleaned) - self._left)
        self._played.append(_power(played.frame))
        if not self._presence.update(played):
            self._spoken = 0
            self._open = _OPEN_FRAMES  # a caller who speaks already goes on doing so
            return cleaned
        taken_out = self._left < self._heard * _RESIDUE
        echo = max(self._played)
        if not played.steady:
            self._taken_out.clear()
        elif played.audible:
            self._spoken += 1
            if self._spoken > _ECHO_FRAMES:  # before that its echo may not have arrived
                self._couplings.append(self._heard / echo)
                self._taken_out.append(taken_out)
        if taken_out or not (self._proved() or self._heard > echo * self._usual_coupling()):
            self._open = max(0, self._open - 1)
        else:
            self._open = _OPEN_FRAMES
        return cleaned if self._open else np.zeros_like(cleaned)

    def _proved(self) -> bool:
        """Whether the canceller took out most of what it lately heard while the agent spoke."""
        return len(self._taken_out) >= _PROOF_LEAST and 2 * sum(self._taken_out) >= len(
            self._taken_out
        )

    def _usual_coupling(self) -> float:
        """Power at the microphone over power played, as echo alone hardly ever reaches it."""
        if len(self._couplings) < _PROOF_LEAST:
            return float("inf")
        return _LOUDER * median(self._couplings)


class HalfDuplex:
    """Silence from the microphone while the agent is heard: no echo, and no interruptions."""

    def __init__(self, inner: EchoGuard) -> None:
        self._inner = inner
        self._presence = _Presence()

    def process(self, near: Mono, played: Played) -> Mono:
        """See `EchoGuard`."""
        cleaned = self._inner.process(near, played)
        return np.zeros_like(cleaned) if self._presence.update(played) else cleaned


def _power(frame: Mono) -> float:
    return float(np.mean(np.square(frame)))
