"""Keeps a sound card's clock and the call's in step.

The card calls in blocks and by its own crystal, the call ticks every 20 ms by the computer's. Each
direction keeps a small cushion of samples between the two. What the cushion always holds too much
is delay without use and is dropped; where it ran dry, it grows. Both happen in silence if possible.
"""

import numpy as np

from pipelines.runtime.resampling import LiveResampler
from voicecli.transports.base import FRAME_SAMPLES, RATE
from voicecli.transports.ring import Mono, Ring

_CUSHION = _SLACK = 40  # samples (5 ms) of a microphone: more than both is dropped, to the cushion
_WINDOW = 50  # frames: what is spare for a whole second is spare
_TOO_LATE = 480  # samples (60 ms): not worth waiting for silence any more
_QUIET = 0.003  # peak: -50 dB of full scale


class Incoming:
    """Frames of 20 ms at 8000 Hz out of a microphone's ring at `rate` Hz."""

    def __init__(self, ring: Ring, rate: int) -> None:
        self._ring = ring
        self._rate = rate
        self._scratch = np.zeros(rate, np.float32)
        self.restart()

    def restart(self) -> None:
        """Forget what has gathered: the next frame is of the present."""
        self._ring.skip(self._ring.filled)
        self._origin = self._ring.read
        self._resampler = LiveResampler(self._rate, RATE)
        self._waiting: Mono = np.zeros(0, np.float32)
        self._least = _SLACK
        self._age = 0
        self.taken = 0
        """Samples given or dropped so far, at 8000 Hz."""
        self.ready = 0
        """How many samples of the last frame were there; the others are silence."""

    @property
    def position(self) -> float:
        """The sample of the ring after the last one given, counted as `Ring.written` is."""
        return self._origin + self.taken * self._rate / RATE

    def frame(self) -> Mono:
        """The next 20 ms, shape (160,); silence stands for what is not there yet."""
        count = self._ring.read_into(self._scratch)
        fresh = self._resampler.process(self._scratch[:count].copy())
        self._waiting = np.concatenate((self._waiting, fresh))
        frame = np.zeros(FRAME_SAMPLES, np.float32)
        self.ready = min(FRAME_SAMPLES, len(self._waiting))
        frame[: self.ready] = self._waiting[: self.ready]
        self._drop(self.ready)
        self._trim(frame)
        return frame

    def _drop(self, samples: int) -> None:
        self._waiting = self._waiting[samples:]
        self.taken += samples

    def _trim(self, frame: Mono) -> None:
        self._least = min(self._least, len(self._waiting)) if self._age else len(self._waiting)
        self._age += 1
        if self._age < _WINDOW:
            return
        too_much = self._least - _CUSHION
        if too_much > _SLACK and (_quiet(frame) or too_much > _TOO_LATE):
            self._drop(too_much)
            self._age = 0
        elif too_much <= _SLACK:
            self._age = 0


class Outgoing:
    """Puts frames of 20 ms at 8000 Hz into a ring at `rate` Hz.

    `cushion` is what the ring should hold when a frame is put in, in samples at the ring's rate;
    it grows by 10 ms with each underrun, to 80 ms at most.
    """

    def __init__(self, ring: Ring, rate: int, cushion: int) -> None:
        self._ring = ring
        self._rate = rate
        self._resampler = LiveResampler(RATE, rate)
        self._cushion = cushion
        self._most = rate * 80 // 1000
        self._frames = 0
        self._offset = ring.written  # ring samples before the first frame, and what slipped since
        self._least = 0
        self._age = 0
        self._slip = 0
        self._underruns = 0
        self.lost = 0
        """Frames for which the ring had no room."""
        self._pad(cushion + rate * 30 // 1000)  # a card is at its hungriest when a call begins

    def put(self, frame: Mono, underruns: int) -> float:
        """Queue `frame`, shape (160,); where its first sample is, counted as `Ring.written` is.

        `underruns` is how many the card has had so far.
        """
        if underruns > self._underruns:
            self._underruns = underruns
            self._cushion = min(self._most, self._cushion + self._rate // 100)
            self._pad(max(0, self._cushion - self._ring.filled))
        self._watch(self._ring.filled)
        position = self._frames * FRAME_SAMPLES * self._rate / RATE + self._offset
        samples = self._resampler.process(frame)
        kept = samples[self._slip_now(frame, len(samples)) :]
        self._offset -= len(samples) - len(kept)
        written = self._ring.write(kept)
        self._offset -= len(kept) - written
        self.lost += written < len(kept)
        self._frames += 1
        return position

    def _watch(self, level: int) -> None:
        """Once a second, see what the ring has always held too much."""
        self._least = min(self._least, level) if self._age else level
        self._age += 1
        if self._age == _WINDOW:
            self._age = 0
            too_much = self._least - self._cushion
            self._slip = too_much if too_much > self._rate // 200 else 0

    def _slip_now(self, frame: Mono, samples: int) -> int:
        """How many of a frame's samples to leave out; a long delay is not borne until silence."""
        if not _quiet(frame) and self._slip < self._rate * _TOO_LATE // RATE:
            return 0
        slip = min(self._slip, samples)
        if slip:
            self._slip -= slip
            self._age = 0  # what was seen before is no longer true
        return slip

    def _pad(self, samples: int) -> None:
        self._offset += self._ring.write(np.zeros(samples, np.float32))


def _quiet(frame: Mono) -> bool:
    return float(np.abs(frame).max()) < _QUIET
