"""The agent must not hear itself over the caller's loudspeaker."""

import numpy as np
import pytest

from voicecli.recording.audio_file import read_call_audio
from voicecli.replaying.source import SHIPPED
from voicecli.transports.echo_cancellation import (
    HalfDuplex,
    Played,
    Processing,
    Untouched,
    echo_guard,
)

SPEECH = read_call_audio(SHIPPED / "plain_turns" / "caller.flac").caller / np.float32(32768)
AGENT = np.tile(SPEECH[np.convolve(np.abs(SPEECH), np.ones(800) / 800, "same") > 5e-3], 9)[:96_000]


def room(far: np.ndarray) -> np.ndarray:
    """What a microphone hears of a loudspeaker 60 ms of buffers and a living room away."""
    rng = np.random.default_rng(3)
    taps = rng.normal(0, 0.05, 1200) * np.exp(-np.arange(1200) / 200)
    return np.convolve(np.concatenate([np.zeros(480), far]), taps)[: len(far)].astype(np.float32)


def through(guard, near: np.ndarray, far: np.ndarray) -> np.ndarray:
    frames = range(0, len(near) - 159, 160)
    return np.concatenate(
        [guard.process(near[i : i + 160], Played(far[i : i + 160], 0.06)) for i in frames]
    )


def decibels(louder: np.ndarray, quieter: np.ndarray) -> float:
    return 10 * np.log10(np.mean(louder**2) / (np.mean(quieter**2) + 1e-12))


def test_after_three_seconds_the_echo_is_thirty_decibels_down():
    guard, notice = echo_guard(Processing(noise_suppression=False))
    near = room(AGENT)
    assert notice == ""
    assert decibels(near[24_000:], through(guard, near, AGENT)[24_000:]) > 30


@pytest.mark.parametrize("loop_db", [0, -15, -30])
def test_nothing_of_the_echo_reaches_the_agent_not_even_of_its_first_word(loop_db):
    guard, _ = echo_guard(Processing())
    near = room(AGENT) * 10 ** (loop_db / 20)
    heard = through(guard, near, AGENT)
    loudest = max(np.sqrt(np.mean(heard[i : i + 800] ** 2)) for i in range(0, len(heard), 800))
    assert 20 * np.log10(loudest + 1e-9) < -50


def test_an_echo_is_kept_out_while_the_card_does_not_yet_know_when_it_plays_what():
    guard, _ = echo_guard(Processing())
    near = room(AGENT)[:8000] * np.float32(0.2)
    silence = np.zeros(160, np.float32)
    heard = [
        guard.process(near[i : i + 160], Played(silence, 0.04, steady=False, handed=0.1))
        for i in range(0, 8000, 160)
    ]
    assert not np.any(heard)


def test_an_echo_that_takes_its_time_is_not_let_through_either():
    guard, _ = echo_guard(Processing())
    near = np.concatenate([np.zeros(1200, np.float32), room(AGENT)])[: len(AGENT)] * 0.2
    heard = through(guard, near + np.float32(1e-4), AGENT)
    assert 20 * np.log10(np.abs(heard).max() + 1e-9) < -50


def test_the_caller_is_still_heard_while_the_agent_speaks():
    guard, _ = echo_guard(Processing(noise_suppression=False))
    caller = np.zeros_like(AGENT)
    caller[64_000:80_000] = AGENT[8_000:24_000]  # other words than the agent's at that moment
    heard = through(guard, room(AGENT) + caller, AGENT)
    assert abs(decibels(caller[64_000:80_000], heard[64_000:80_000])) < 12


def test_without_the_canceller_the_sound_is_untouched():
    guard, _ = echo_guard(
        Processing(echo_cancellation=False, noise_suppression=False, high_pass=False)
    )
    near = room(AGENT)[:16_000]
    assert np.array_equal(through(guard, near, AGENT[:16_000]), near)


def test_half_duplex_is_deaf_while_the_agent_is_heard_and_shortly_after():
    far = np.zeros(32_000, np.float32)
    far[8000:16_000] = 0.2
    heard = through(HalfDuplex(Untouched()), np.full(32_000, 0.1, np.float32), far)
    assert heard[:8000].all()
    assert not heard[8000:18_400].any()
    assert heard[21_000:].all()


def test_a_library_that_cannot_be_loaded_leaves_a_half_duplex_guard_and_says_so(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "livekit", None)
    guard, notice = echo_guard(Processing())
    assert isinstance(guard, HalfDuplex)
    assert "deaf while the agent speaks" in notice


@pytest.mark.parametrize("delay_ms", [-20.0, 0.0, 9_999.0])
def test_any_guess_at_the_delay_is_taken(delay_ms):
    guard, _ = echo_guard(Processing())
    frame = np.zeros(160, np.float32)
    assert guard.process(frame, Played(frame, delay_ms / 1000)).shape == (160,)
