"""Where there is sound on a line, to 10 ms, whatever its noise."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.runtime.sound import SoundMeter

RATES = [8000, 16000]


def noise(rate, ms, dbfs, seed=0):
    return np.random.default_rng(seed).normal(0, 10 ** (dbfs / 20), rate * ms // 1000)


def heard(pcm, rate, chunk=160):
    """From when to when in ms there was sound."""
    meter, found, began = SoundMeter(rate), [], None
    pcm = np.concatenate((pcm, np.zeros(rate // 4))).astype(np.float32)
    for start in range(0, len(pcm), chunk):
        meter.process(pcm[start : start + chunk])
        if began is not None and meter.began != began:
            found.append((began * 1000 / rate, meter.ended * 1000 / rate))
        began = meter.began
    return found


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("floor", [-90, -68, -55])
@pytest.mark.parametrize("level", [-15, -25])
def test_a_sound_is_found_to_a_hop_on_each_side(rate, floor, level):
    pcm = noise(rate, 3000, floor)
    pcm[rate : 2 * rate] += noise(rate, 1000, level, seed=1)
    [(began, ended)] = heard(pcm, rate)
    assert began == pytest.approx(1000, abs=12)
    assert ended == pytest.approx(2000, abs=12)


@given(st.integers(20, 2000), st.integers(0, 3))
@settings(max_examples=30, deadline=None)
def test_the_chunks_in_which_it_comes_do_not_matter(chunk, seed):
    pcm = noise(8000, 2000, -65, seed)
    pcm[4000:9000] += noise(8000, 625, -20, seed)
    assert {round(end) for _, end in heard(pcm, 8000, chunk)} == {
        round(end) for _, end in heard(pcm, 8000)
    }


@pytest.mark.parametrize("hz", [40, 60, 80])
def test_rumble_is_no_sound(hz):
    time = np.arange(3 * 8000) / 8000
    assert heard(10 ** (-35 / 20) * np.sin(2 * np.pi * hz * time), 8000) == []


def test_a_steady_noise_is_the_floor_after_two_seconds():
    pcm = np.concatenate((np.zeros(8000), noise(8000, 9000, -40)))
    pcm[7 * 8000 : 8 * 8000] += noise(8000, 1000, -15, seed=2)
    first, second = heard(pcm, 8000)
    assert first[1] < 3200
    assert second[0] == pytest.approx(7000, abs=12)
    assert second[1] == pytest.approx(8000, abs=12)


def test_a_click_is_no_sound():
    pcm = noise(8000, 2000, -65)
    pcm[8000:8080] = 0.6
    assert heard(pcm, 8000) == []


def test_a_closure_within_a_word_does_not_end_it():
    pcm = noise(8000, 2000, -65)
    for start in (4000, 4000 + 8 * 260):
        pcm[start : start + 8 * 200] += noise(8000, 200, -20, seed=3)
    assert len(heard(pcm, 8000)) == 1


def test_noise_near_the_voice_masks_how_it_fades():
    for floor, masked in ((-70, False), (-38, True)):
        meter = SoundMeter(8000)
        pcm = noise(8000, 3000, floor)
        pcm[8000:16000] += noise(8000, 1000, -20, seed=1)
        meter.process(pcm[:15000].astype(np.float32))
        assert meter.masked is masked
