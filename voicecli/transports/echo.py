"""Keeps the agent from hearing itself over the caller's loudspeaker; changes with how.

WebRTC's AEC3 in the `livekit` library needs no server: it is given what is played and what the
microphone hears, ten milliseconds at a time, and takes the one out of the other.
"""

from dataclasses import dataclass
from typing import Final, Protocol

import numpy as np

from voicecli.transports.base import FRAME_SAMPLES, RATE
from voicecli.transports.ring import Mono

_TEN_MS: Final = RATE // 100
_AUDIBLE: Final = 0.003  # peak: -50 dB of full scale
_ROOM_FRAMES: Final = 15  # 300 ms: a room has fallen silent by then
_LEARNING_FRAMES: Final = 60  # 1.2 s of sound, after which the canceller knows the room


@dataclass(frozen=True, slots=True)
class Processing:
    """What is done to the microphone's sound."""

    echo_cancellation: bool = True
    half_duplex: bool = False
    """Deafen the microphone while the agent is heard: no echo, but no interruptions either."""
    noise_suppression: bool = True
    auto_gain: bool = False
    high_pass: bool = True


class EchoGuard(Protocol):
    """Takes what is played out of what the microphone hears."""

    def process(self, near: Mono, far: Mono, delay_ms: float) -> Mono:
        """The caller alone, shape (160,).

        Args:
            near: what the microphone heard, shape (160,), 8000 Hz.
            far: what was given to the loudspeaker meanwhile, the same.
            delay_ms: from `far` being given to its echo in `near`, roughly.
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
        return HalfDuplex(chosen, until_heard=_LEARNING_FRAMES), notice
    return chosen, notice


class Untouched:
    """No processing: for headphones."""

    def process(self, near: Mono, far: Mono, delay_ms: float) -> Mono:  # noqa: ARG002
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

    def process(self, near: Mono, far: Mono, delay_ms: float) -> Mono:
        """See `EchoGuard`."""
        cleaned = np.empty(FRAME_SAMPLES, np.float32)
        for start in range(0, FRAME_SAMPLES, _TEN_MS):
            part = slice(start, start + _TEN_MS)
            if self._cancels:
                self._module.process_reverse_stream(self._packed(far[part]))
                self._module.set_stream_delay_ms(max(0, min(500, round(delay_ms))))
            frame = self._packed(near[part])
            self._module.process_stream(frame)
            cleaned[part] = np.frombuffer(frame.data, np.int16) / np.float32(32768)
        return cleaned

    def _packed(self, samples: Mono):  # an rtc.AudioFrame, loaded late
        data = bytearray(np.clip(samples * 32768, -32768, 32767).astype(np.int16).tobytes())
        return self._frame(data, RATE, 1, len(samples))


class HalfDuplex:
    """Silence from the microphone while the agent is heard and for 300 ms after.

    With `until_heard`, only until so many frames of the agent were audible: a canceller lets the
    first second of echo through, and the agent would take its own greeting for an interruption.
    """

    def __init__(self, inner: EchoGuard, until_heard: int | None = None) -> None:
        self._inner = inner
        self._left = until_heard
        self._deaf_frames = 0

    def process(self, near: Mono, far: Mono, delay_ms: float) -> Mono:
        """See `EchoGuard`."""
        cleaned = self._inner.process(near, far, delay_ms)
        if self._left == 0:
            return cleaned
        if float(np.abs(far).max()) > _AUDIBLE:
            if self._left is not None:
                self._left -= 1
            self._deaf_frames = _ROOM_FRAMES + round(delay_ms / 20)
        elif self._deaf_frames:
            self._deaf_frames -= 1
        return np.zeros(FRAME_SAMPLES, np.float32) if self._deaf_frames else cleaned
