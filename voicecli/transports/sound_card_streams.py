"""The two callbacks that a sound card calls for audio.

They run on PortAudio's own thread, so they neither allocate, wait nor log: samples go through a
`Ring`, moments through `Stamps`, and what went wrong is a counter. Counters and stamps are read by
the call at its next tick.
"""

from typing import Any

import numpy as np

from voicecli.transports.ring import Ring, Stamps
from voicecli.transports.sound_card_devices import Device, SoundCardError, portaudio

LATENCY_S = 0.03
"""What the card's own buffers are asked to hold."""
_MOST_CHANNELS = 2  # of an interface with 32, a caller uses the first


class _Stream:
    """What both directions share: the stream's life and its clock."""

    def __init__(self, device: Device) -> None:
        self.device = device
        self.rate = device.rate
        self.callbacks = 0
        """How often the card has called; stands still when it is gone."""
        self.stamps = Stamps()
        self.ring = Ring(device.rate)
        self._scratch = np.zeros(device.rate, np.float32)
        self._stream: Any = None

    @property
    def now(self) -> float:
        """The present moment on the card's clock, in seconds."""
        return float(self._stream.time)

    @property
    def latency(self) -> float:
        """What PortAudio says the card's buffers hold, in seconds."""
        return float(self._stream.latency)

    def close(self) -> None:
        """Give the card back; a card that is gone already is no error."""
        sound = portaudio()
        try:
            self._stream.abort()
            self._stream.close()
        except sound.PortAudioError:
            pass

    def _open(self, kind: str) -> None:
        sound = portaudio()
        few = min(self.device.channels, _MOST_CHANNELS)
        problem: Exception | None = None
        for channels in dict.fromkeys((few, self.device.channels)):
            try:
                self._stream = getattr(sound, kind)(
                    device=self.device.index, channels=channels, samplerate=self.rate,
                    dtype="float32", latency=LATENCY_S, callback=self._callback,
                )  # fmt: skip
                self._stream.start()
            except (sound.PortAudioError, ValueError) as error:
                problem = error
            else:
                return
        raise SoundCardError(
            f"{self.device.name} cannot be opened ({problem}); close other programs that use it, "
            "or choose another device with --input and --output (see --list-devices)."
        )

    def _callback(self, data: Any, frames: int, time: Any, status: Any) -> None:
        raise NotImplementedError


class InputStream(_Stream):
    """A microphone: mono float32 at its native rate appears in `ring`.

    Raises SoundCardError if it cannot be opened.
    """

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.live = False
        """Whether anybody reads the ring."""
        self.overruns = 0
        """Callbacks in which samples were lost, by the card or because the ring was full."""
        self._open("InputStream")

    def _callback(self, data: Any, frames: int, time: Any, status: Any) -> None:
        mono = self._scratch[:frames]
        np.mean(data, axis=1, out=mono)
        captured = time.inputBufferAdcTime or time.currentTime - self.latency
        self.stamps.put(self.ring.written, captured)
        if self.live and (self.ring.write(mono) < frames or status.input_overflow):
            self.overruns += 1
        self.callbacks += 1


class OutputStream(_Stream):
    """A loudspeaker: plays what is in `ring`, and repeats in `played` what was played.

    Raises SoundCardError if it cannot be opened.
    """

    def __init__(self, device: Device) -> None:
        super().__init__(device)
        self.played = Ring(device.rate)
        """Every sample handed to the card, silence for want of samples included."""
        self.played_at = Stamps()
        """When samples of `played` are heard."""
        self.live = False
        """Whether want of samples counts as an underrun."""
        self.underruns = 0
        """Callbacks that had to play silence for want of samples."""
        self._open("OutputStream")

    def _callback(self, data: Any, frames: int, time: Any, status: Any) -> None:
        mono = self._scratch[:frames]
        heard = time.outputBufferDacTime or time.currentTime + self.latency
        self.stamps.put(self.ring.read, heard)
        self.played_at.put(self.played.written, heard)
        ready = self.ring.read_into(mono)
        mono[ready:] = 0
        if self.live and (ready < frames or status.output_underflow):
            self.underruns += 1
        data[:] = mono[:, np.newaxis]
        self.played.write(mono)
        self.callbacks += 1
