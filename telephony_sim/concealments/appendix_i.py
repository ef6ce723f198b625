"""Packet loss concealment after ITU-T G.711 Appendix I.

ITU-T G.711 Appendix I (09/1999), "A high quality low-complexity algorithm for packet loss
concealment with G.711": written from its text, figures kept, in 10 ms steps at 8 kHz.
"""

from __future__ import annotations

from dataclasses import dataclass
from math import ceil
from typing import Annotated

import numpy as np
import numpy.typing as npt

from telephony_sim.codecs import Payload, Pcm, samples
from telephony_sim.settings import Range, check

STEP = 80  # samples in 10 ms, the unit the algorithm works in
MIN_PITCH, MAX_PITCH = 40, 120  # samples: 200 Hz to 66 Hz
CORRELATED = 160  # the last 20 ms are compared with what came before
MAX_OVERLAP = MAX_PITCH // 4  # 3.75 ms: what the output lags behind, so that its tail can be bent
HISTORY = 3 * MAX_PITCH + MAX_OVERLAP
OVERLAP_PER_STEP = 32  # 4 ms more overlap at recovery for each 10 ms invented
MIN_POWER = 250.0  # keeps the normalised correlation of near-silence from being all noise

Signal = npt.NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """fade_per_10_ms: by how much invented speech is faded after the first 10 ms.

    The standard's 0.2 is silent after 60 ms; less is our variation for lines with longer gaps.
    """

    fade_per_10_ms: Annotated[float, Range(0.02, 1)] = 0.2

    __post_init__ = check


def pitch_period(history: Signal) -> int:
    """The lag, 40 to 120 samples, at which the last 20 ms of `history` resemble what came before.

    history: shape (n,), n >= 280. Normalised cross-correlation, first on every other sample and
    every other lag, then at full resolution around the best (Appendix I, I.2.1).
    """
    window = history[-CORRELATED - MAX_PITCH :]
    coarse = window[::2]
    target = coarse[-CORRELATED // 2 :]
    lags = (MAX_PITCH - MIN_PITCH) // 2 + 1  # longest lag first
    products = np.correlate(coarse[: lags + len(target) - 1], target, "valid")
    running = np.concatenate(([0.0], np.cumsum(np.square(coarse))))
    powers = (running[len(target) :] - running[: -len(target)])[:lags]
    best = MAX_PITCH - 2 * int(np.argmax(products / np.sqrt(np.maximum(powers, MIN_POWER))))
    target = window[-CORRELATED:]
    found, highest = best, -np.inf
    for lag in range(min(best + 1, MAX_PITCH), max(best - 1, MIN_PITCH) - 1, -1):
        past = window[MAX_PITCH - lag : MAX_PITCH - lag + CORRELATED]
        score = float(past @ target) / max(float(past @ past), MIN_POWER) ** 0.5
        if score > highest:
            found, highest = lag, score
    return found


def _fade_over(old: Signal, new: Signal) -> Signal:
    """Overlap-add with triangular windows: `old` fades out while `new` fades in."""
    rise = np.arange(1, len(old) + 1) / len(old)
    return (1 - rise) * old + rise * new


class AppendixI:
    """Repeats the last pitch period, then the last two, then three, ever softer, until silence."""

    delay = MAX_OVERLAP
    repaired = False

    def __init__(self, settings: Settings) -> None:
        self._fade = settings.fade_per_10_ms
        self._silent_after = 1 + ceil(round(1 / self._fade, 6))  # steps
        self._history: Pcm = np.zeros(HISTORY, np.int16)
        self._steps = 0  # of 10 ms, invented since the last good packet
        self._source: Signal = np.zeros(HISTORY)  # what invention draws on, frozen at the loss
        self._pitch = MAX_PITCH
        self._periods = 1
        self._tail: Signal = np.zeros(0)
        self._cycle: Signal = np.zeros(0)
        self._offset = 0

    def good(self, payload: Payload) -> Pcm:
        """The packet, 3.75 ms late; its start is overlapped with the end of what was invented."""
        frame = samples(payload)
        if self._steps:
            frame = frame.copy()
            overlap = min(self._pitch // 4 + (self._steps - 1) * OVERLAP_PER_STEP, STEP)
            gain = max(1 - (self._steps - 1) * self._fade, 0.0)
            blend = _fade_over(self._take(overlap) * gain, frame[:overlap].astype(np.float64))
            frame[:overlap] = _rounded(blend)
            self._steps = 0
        return self._play(frame)

    def lost(self, following: Payload | None) -> Pcm:  # noqa: ARG002 - Decoder's contract
        """Two steps of 10 ms of invented speech."""
        return np.concatenate((self._invent(), self._invent()))

    def _invent(self) -> Pcm:
        if self._steps == 0:
            self._begin()
            speech = self._take(STEP)
        elif self._steps >= self._silent_after:
            speech = np.zeros(STEP)
        else:
            speech = self._lengthen() if self._steps <= 2 else self._take(STEP)
            start = 1 - (self._steps - 1) * self._fade
            fading = start - np.arange(STEP) * (self._fade / STEP)
            speech = speech * np.maximum(fading, 0.0)
        self._steps += 1
        return self._play(_rounded(speech))

    def _begin(self) -> None:
        self._source = self._history.astype(np.float64)
        self._pitch = pitch_period(self._source)
        self._tail = self._source[-(self._pitch // 4) :].copy()
        self._offset = 0
        self._use_periods(1)
        # The bent tail is still to be played: that is what the delay is for.
        self._history = self._history.copy()
        self._history[-len(self._tail) :] = _rounded(self._cycle[-len(self._tail) :])

    def _use_periods(self, periods: int) -> None:
        """Repeat the last `periods` pitch periods from now on, end bent to meet the start."""
        self._periods = periods
        start = HISTORY - periods * self._pitch
        quarter = len(self._tail)
        self._cycle = self._source[start:].copy()
        self._cycle[-quarter:] = _fade_over(self._tail, self._source[start - quarter : start])

    def _lengthen(self) -> Signal:
        """10 ms from one more period, overlapped with the end of the shorter repetition."""
        offset = self._offset
        ending = self._take(len(self._tail))
        # The same place within a period, now in the first of the periods repeated.
        self._offset = offset % self._pitch
        self._use_periods(self._periods + 1)
        speech = self._take(STEP)
        speech[: len(ending)] = _fade_over(ending, speech[: len(ending)])
        return speech

    def _take(self, count: int) -> Signal:
        """The next samples of the repetition."""
        index = (self._offset + np.arange(count)) % len(self._cycle)
        self._offset = (self._offset + count) % len(self._cycle)
        return self._cycle[index]

    def _play(self, frame: Pcm) -> Pcm:
        """Remember a frame and give what is due now, 3.75 ms earlier."""
        joined = np.concatenate((self._history[-HISTORY + len(frame) :], frame))
        self._history = joined
        return joined[HISTORY - len(frame) - MAX_OVERLAP : HISTORY - MAX_OVERLAP]


def _rounded(speech: Signal) -> Pcm:
    return np.clip(np.rint(speech), -32768, 32767).astype(np.int16)


def build(settings: Settings, _rng: np.random.Generator) -> AppendixI:
    """Concealment with an empty history; it draws nothing."""
    return AppendixI(settings)
