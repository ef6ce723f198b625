"""Keypad tones, made and found."""

import json
import os
from pathlib import Path

import numpy as np
import pytest
import soundfile
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony_sim import g711
from telephony_sim.dtmf import HIGH_HZ, KEYS, LOW_HZ, DtmfDetector, dtmf
from telephony_sim.errors import SignalError
from telephony_sim.line import Line, load_line
from telephony_sim.resample import resample

DATA = Path(
    os.environ.get("VOICECLI_SPEECH_DATA", Path(__file__).parents[3] / "shared/data/speech")
)


def found(pcm, chunk=160):
    detector = DtmfDetector()
    pieces = [pcm[at : at + chunk] for at in range(0, len(pcm), chunk)]
    return "".join(digit.key for piece in pieces for digit in detector.process(piece))


def tones(low, high, ms, low_level=4000.0, high_level=4000.0):
    time = np.arange(round(ms * 8)) / 8000
    wave = low_level * np.sin(2 * np.pi * low * time)
    wave += high_level * np.sin(2 * np.pi * high * time)
    return np.pad(np.rint(wave), (400, 800)).astype(np.int16)


@settings(max_examples=25, deadline=None)
@given(st.text(KEYS, max_size=12), st.integers(40, 120), st.integers(40, 120), st.integers(1, 400))
def test_every_key_is_found_once_through_mu_law_at_any_pace_and_cut(keys, tone, gap, chunk):
    pcm = g711.ulaw_heard(dtmf(keys, tone_ms=tone, gap_ms=gap))
    assert found(pcm, chunk) == keys


def test_tones_have_the_standards_levels_and_durations():
    tone = dtmf("5")
    assert len(tone) == 1600
    assert not tone[800:].any()
    spectrum = np.abs(np.fft.rfft(tone[160:720].astype(float) * np.hanning(560), 8000)) / 140
    low, high = spectrum[770], spectrum[1336]
    assert 20 * np.log10(high / low) == pytest.approx(2, abs=0.2)
    assert 20 * np.log10(high / 32768) + 3.17 == pytest.approx(-9, abs=0.2)


@pytest.mark.parametrize("low", LOW_HZ)
@pytest.mark.parametrize("high", HIGH_HZ)
def test_frequencies_1_5_percent_off_are_accepted_and_3_5_percent_off_refused(low, high):
    key = KEYS[LOW_HZ.index(low) * 4 + HIGH_HZ.index(high)]
    for off in (0.985, 1.015):
        assert found(tones(low * off, high * off, 80)) == key
    for off in (0.965, 1.035):
        assert not found(tones(low * off, high * off, 80))
        assert not found(tones(low, high * off, 80))


@pytest.mark.parametrize("start", range(0, 80, 13))
def test_40_ms_are_accepted_and_23_ms_refused_wherever_they_fall(start):
    pad = np.zeros(start, np.int16)
    assert found(np.concatenate((pad, tones(697, 1209, 40)))) == "1"
    assert not found(np.concatenate((pad, tones(697, 1209, 23))))


@pytest.mark.parametrize("twist_db", [-8, -6, 0, 4, 6])
def test_twist_is_tolerated(twist_db):
    level = 4000 * 10 ** (twist_db / 20)
    assert set(found(tones(770, 1477, 80, 4000, level))) <= {"6"}
    if -7 < twist_db < 7:
        assert found(tones(770, 1477, 80, 4000, level)) == "6"


def test_a_break_of_10_ms_does_not_make_two_keys_of_one_and_40_ms_do():
    for gap_ms, expected in ((10, "9"), (40, "99")):
        tone = dtmf("9", tone_ms=60, gap_ms=0)
        pcm = np.concatenate((tone, np.zeros(gap_ms * 8, np.int16), tone, np.zeros(800, np.int16)))
        assert found(pcm) == expected


def test_a_key_is_told_with_the_time_at_which_it_was_certain():
    digit = DtmfDetector().process(np.concatenate((np.zeros(8000, np.int16), dtmf("#"))))[0]
    assert digit.key == "#"
    assert 1030 <= digit.at_ms <= 1060


def test_single_tones_noise_and_silence_are_no_keys():
    rng = np.random.default_rng(0)
    assert not found(tones(697, 1209, 500, 4000, 0))
    assert not found((rng.standard_normal(80000) * 3000).astype(np.int16))
    assert not found(np.zeros(8000, np.int16))


@pytest.mark.parametrize("name", ["pstn", "mobile", "satellite"])
def test_keys_survive_the_lines_that_people_dial_through(name):
    pcm = dtmf("0123456789*#", tone_ms=120, gap_ms=120)
    pcm = np.concatenate((pcm, np.zeros(160 * 30, np.int16)))
    outputs = Line(load_line(name), seed=1).process_frames(pcm[: len(pcm) // 160 * 160])
    assert found(np.concatenate([output.pcm for output in outputs])) == "0123456789*#"


def test_human_speech_presses_no_keys():
    if not DATA.is_dir():
        pytest.skip(f"no human speech at {DATA}")
    manifest = [json.loads(row) for row in (DATA / "manifest.jsonl").read_text().splitlines()]
    names = sorted(DATA.glob("read/*.flac"))[::3] + sorted(DATA.glob("phone/*.flac"))[::3]
    assert manifest
    assert names
    for name in names:
        pcm, rate = soundfile.read(name, dtype="int16", always_2d=True)
        assert not found(resample(np.ascontiguousarray(pcm[:, 0]), rate, 8000), 8000), name


def test_unknown_keys_and_tones_too_short_are_refused():
    with pytest.raises(SignalError, match="no key 'X'"):
        dtmf("1x")
    with pytest.raises(SignalError, match="tone_ms is 20; it must be at least 40"):
        dtmf("1", tone_ms=20)
