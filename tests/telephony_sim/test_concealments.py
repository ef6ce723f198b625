"""What stands in for a lost packet."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony_sim import parts
from telephony_sim.concealments.appendix_i import pitch_period

from .helpers import voiced

NAMES = parts.names("concealments")


def play(name, pcm, lost, **settings):
    module = parts.load("concealments", name)
    decoder = module.build(module.Settings(**settings), np.random.default_rng(0))
    frames = pcm.reshape(-1, 160)
    played = [
        decoder.lost(None) if index in lost else decoder.good(frame)
        for index, frame in enumerate(frames)
    ]
    return np.concatenate(played)[decoder.delay :], decoder


def step_gains(original, played, first, count):
    """How much of the original each 10 ms step still holds."""
    steps = range(first * 160, first * 160 + count * 80, 80)
    return [
        float(played[at : at + 80] @ original[at : at + 80].astype(float))
        / float(original[at : at + 80].astype(float) @ original[at : at + 80])
        for at in steps
    ]


@pytest.mark.parametrize("name", NAMES)
def test_without_loss_nothing_changes_but_the_stated_delay(name):
    pcm = voiced(1)
    played, decoder = play(name, pcm, set())
    np.testing.assert_array_equal(played, pcm[: len(pcm) - decoder.delay])


@pytest.mark.parametrize("name", NAMES)
@settings(max_examples=20, deadline=None)
@given(lost=st.sets(st.integers(0, 49)), seed=st.integers(0, 99))
def test_any_pattern_of_loss_gives_whole_frames_of_int16_and_recovers(name, lost, seed):
    pcm = np.random.default_rng(seed).integers(-32768, 32767, 8000, endpoint=True).astype(np.int16)
    played, decoder = play(name, pcm, lost)
    assert played.dtype == np.int16
    assert len(played) == 8000 - decoder.delay
    good = [i for i in range(1, 49) if not {i - 1, i, i + 1} & lost]
    for index in good:
        at = slice(index * 160, index * 160 + 160)
        np.testing.assert_array_equal(played[at], pcm[at])


def test_zero_fill_is_silent_and_repetition_repeats():
    pcm = voiced(1)
    assert not play("zero_fill", pcm, {20})[0][3200:3360].any()
    repeated = play("repetition", pcm, {20, 21})[0]
    np.testing.assert_array_equal(repeated[3200:3360], pcm[3040:3200])
    assert 0.4 < np.std(repeated[3360:3520]) / np.std(repeated[3200:3360]) < 0.6


@pytest.mark.parametrize("period", [40, 57, 81, 120])
def test_appendix_i_continues_a_vowel_in_phase(period):
    pcm = voiced(1, period)
    played, _ = play("appendix_i", pcm, {30})
    gap = slice(4800, 4960)
    error = played[gap] - pcm[gap].astype(float)
    assert np.std(error[:80]) < 0.12 * np.std(pcm[gap])
    assert np.corrcoef(played[gap], pcm[gap])[0, 1] > 0.98


def test_appendix_i_keeps_10_ms_whole_then_fades_a_fifth_each_10_ms_into_silence():
    pcm = voiced(2)
    played, _ = play("appendix_i", pcm, {50, 51, 52, 53, 54})
    gains = step_gains(pcm, played, 50, 10)
    expected = [1.0, 0.9, 0.7, 0.5, 0.3, 0.1, 0, 0, 0, 0]
    np.testing.assert_allclose(gains, expected, atol=0.06)
    assert not played[50 * 160 + 480 : 55 * 160 - 30].any()


def test_a_slower_fade_than_the_standards_lasts_longer():
    pcm = voiced(2)
    played, _ = play("appendix_i", pcm, {50, 51, 52, 53, 54}, fade_per_10_ms=0.1)
    gains = step_gains(pcm, played, 50, 10)
    np.testing.assert_allclose(gains, [1, *np.arange(0.95, 0, -0.1)[:9]], atol=0.06)


def test_appendix_i_joins_what_comes_back_without_a_click():
    pcm = voiced(1)
    steepest = np.abs(np.diff(pcm.astype(int))).max()
    for lost in ({20}, {20, 21}, {20, 21, 22}):
        played, _ = play("appendix_i", pcm, lost)
        assert np.abs(np.diff(played.astype(int))).max() < 1.3 * steepest


def test_appendix_i_comes_in_3_75_ms_late():
    assert play("appendix_i", voiced(0.1), set())[1].delay == 30


@pytest.mark.parametrize("period", range(40, 121, 9))
def test_the_pitch_is_found_within_a_sample(period):
    found = pitch_period(voiced(0.05, period)[:390].astype(float))
    # A multiple of the period resembles just as well; nothing else may be found.
    nearest = round(found / period) * period
    assert abs(found - nearest) <= 1


def test_companded_payloads_are_not_mixed_up_with_bytes():
    for name in NAMES:
        module = parts.load("concealments", name)
        with pytest.raises(TypeError, match="decoder"):
            module.build(module.Settings(), np.random.default_rng(0)).good(b"\x00")
