"""The far end stays in step with the microphone, whatever the card's callbacks and stamps do."""

import numpy as np
import pytest

from voicecli.transports.ring import Ring
from voicecli.transports.sound_card_far_end import FarEnd

RATE = 8000
LATENCY = 400  # samples (50 ms) from a sample being handed to the card to its echo being captured


class Call:
    """A card at 8000 Hz that plays the numbers 1, 2, 3 … and a microphone that counts along."""

    def __init__(self) -> None:
        self.ring = Ring(RATE)
        self.far = FarEnd(self.ring, RATE)
        self.played = self.heard = 0
        self.rng = np.random.default_rng(1)
        self.shift = 0

    def tick(self, *, ready: int = 160, wavering: float = 0.0, handed: int = 160) -> np.ndarray:
        """20 ms; `ready` samples of the microphone are there, `handed` more went to the card."""
        self.ring.write(np.arange(self.played + 1, self.played + handed + 1, dtype=np.float32))
        self.played += handed
        self.heard += ready
        audible = self.heard - LATENCY + self.shift + self.rng.normal(0, wavering)
        return self.far.frame(self.heard, ready, audible)

    def lag(self, frame: np.ndarray) -> int:
        """By how many samples the far end's last one is ahead of what is captured."""
        return round(float(frame[-1])) - (self.heard - LATENCY)


def test_the_far_end_comes_before_its_echo_and_keeps_its_place():
    call = Call()
    for _ in range(10):
        call.tick()
    lags = {call.lag(call.tick()) for _ in range(500)}
    [lag] = lags
    assert 0 < lag <= 320
    assert call.far.delay == pytest.approx(lag / RATE)
    assert call.far.steady


def test_time_stamps_that_waver_do_not_move_it():
    call = Call()
    for _ in range(100):
        call.tick(wavering=16)  # 2 ms
    lags = {call.lag(call.tick(wavering=16)) for _ in range(1000)}
    assert max(lags) - min(lags) <= 8


def test_what_the_microphone_misses_the_far_end_misses_too():
    call = Call()
    for _ in range(100):
        call.tick()
    before = call.lag(call.tick())
    short = call.tick(ready=100)
    assert not short[100:].any()
    assert call.lag(call.tick()) == before


def test_a_late_callback_of_the_loudspeaker_does_not_shift_what_follows():
    call = Call()
    for _ in range(100):
        call.tick()
    before = call.lag(call.tick())
    call.tick(handed=0)
    call.tick(handed=320)
    assert call.lag(call.tick()) == before


def test_crystals_that_drift_apart_are_followed_sample_by_sample():
    call = Call()
    lags = []
    for number in range(6000):  # two minutes at 100 ppm
        call.shift = round(number * 160 * 100e-6)
        lags.append(call.lag(call.tick(wavering=8)) - call.shift)
    assert max(lags[100:]) - min(lags[100:]) <= 32  # 4 ms
    assert max(abs(np.diff(lags))) <= 2


def test_a_jump_is_followed_within_a_second_and_not_called_steady():
    call = Call()
    for _ in range(100):
        call.tick()
    call.shift = -240  # the card lost 30 ms
    steady = []
    for _ in range(100):
        call.tick()
        steady.append(call.far.steady)
    assert call.lag(call.tick()) == call.shift + round(call.far.delay * RATE)
    assert not steady[0]
    assert steady[-1]


def test_before_the_first_stamp_and_beyond_what_was_played_there_is_silence():
    call = Call()
    assert not call.far.frame(160, 160, None).any()
    call.tick()
    assert not call.far.frame(10**6, 160, None).any()
