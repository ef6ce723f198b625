"""Figures about a call, against calls whose figures are known."""

import numpy as np
import pytest

from telephony_sim import measure, quality
from telephony_sim.errors import LineError, SignalError

from .helpers import sentence


def tone(hertz, amplitude, seconds=2):
    wave = amplitude * np.sin(2 * np.pi * hertz * np.arange(round(seconds * 8000)) / 8000)
    return np.rint(wave).astype(np.int16)


def test_active_level_of_a_steady_tone_is_its_level():
    assert measure.active_level_dbov(tone(500, 3276.7)) == pytest.approx(-23, abs=0.3)


def test_active_level_does_not_count_pauses():
    speech = np.tile(np.concatenate((tone(500, 3000, 1), np.zeros(8000, np.int16))), 5)
    whole = measure.active_level_dbov(tone(500, 3000, 5))
    assert measure.active_level_dbov(speech) == pytest.approx(whole, abs=1.2)


def test_silence_has_no_level_no_noise_and_no_bandwidth():
    silence = np.zeros(8000, np.int16)
    assert measure.active_level_dbov(silence) == measure.SILENCE_DBOV
    assert measure.noise_floor_dbov(silence) == measure.SILENCE_DBOV
    assert measure.bandwidth_hz(silence) == 0


def test_the_noise_floor_is_that_of_the_pauses():
    rng = np.random.default_rng(0)
    hiss = rng.standard_normal(80000) * 32768 * 10 ** (-50 / 20)
    noisy = (sentence(10) * (np.arange(80000) % 16000 < 8000) + hiss).astype(np.int16)
    assert measure.noise_floor_dbov(noisy) == pytest.approx(-50, abs=1)


def test_bandwidth_is_where_99_percent_of_the_energy_ends():
    assert measure.bandwidth_hz(tone(1000, 8000)) == pytest.approx(1000, abs=50)
    flat = (np.random.default_rng(0).standard_normal(160000) * 3000).astype(np.int16)
    assert measure.bandwidth_hz(flat) == pytest.approx(3960, abs=25)


def test_bursts_are_runs_of_loss():
    lost = np.array([1, 1, 0, 1, 0, 0, 1, 1, 1], bool)
    np.testing.assert_array_equal(measure.burst_lengths(lost), [2, 1, 3])
    assert not len(measure.burst_lengths(np.zeros(5, bool)))


def test_jitter_is_that_of_rfc_3550():
    assert measure.interarrival_jitter_ms(np.full(100, 30.0)) == 0
    delays = np.tile([20.0, 30.0], 200)
    assert measure.interarrival_jitter_ms(delays) == pytest.approx(10, abs=0.01)
    holes = np.insert(delays, [5, 50], np.nan)
    assert measure.interarrival_jitter_ms(holes) == pytest.approx(10, abs=0.01)


def test_perfect_copies_score_best_even_when_late():
    pytest.importorskip("pesq")
    pytest.importorskip("pystoi")
    speech = sentence(4)
    late = np.concatenate((np.zeros(800, np.int16), speech))
    assert quality.common_delay(speech, late) == 800
    assert quality.stoi(speech, late) > 0.99
    assert quality.pesq(speech, late) > 4.4


def test_scores_without_their_packages_name_the_extra(monkeypatch):
    monkeypatch.setitem(__import__("sys").modules, "pesq", None)
    with pytest.raises(LineError, match="extra 'quality'"):
        quality.pesq(sentence(1), sentence(1))


def test_silence_cannot_be_scored():
    pytest.importorskip("pesq")
    with pytest.raises(SignalError, match="silence"):
        quality.pesq(np.zeros(16000, np.int16), np.zeros(16000, np.int16))
    pytest.importorskip("pystoi")
    with pytest.raises(SignalError, match="half a second"):
        quality.stoi(sentence(0.2), sentence(0.2))
