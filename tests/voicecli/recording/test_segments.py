"""Speech is found in recordings without labels, loud or quiet, clean or noisy."""

import numpy as np
import pytest

from voicecli.recording.segments import speech_segments

RATE = 8000
SPANS = [(0.5, 1.5), (2.5, 3.0), (5.0, 7.0)]


def recording(speech_db, noise_db, spans=SPANS, seconds=8.0):
    """Bursts of noise at the level of speech, over other noise."""
    rng = np.random.default_rng(1)
    sound = 10 ** (noise_db / 20) * rng.standard_normal(round(seconds * RATE))
    for start, end in spans:
        span = slice(round(start * RATE), round(end * RATE))
        sound[span] += 10 ** (speech_db / 20) * rng.standard_normal(span.stop - span.start)
    return np.clip(sound * 32768, -32768, 32767).astype(np.int16)


@pytest.mark.parametrize(("speech_db", "noise_db"), [(-15, -150), (-35, -70), (-20, -40)])
def test_speech_is_found_where_it_is(speech_db, noise_db):
    found = [(t.start_s, t.end_s) for t in speech_segments(recording(speech_db, noise_db), RATE)]
    assert found == [(pytest.approx(a, abs=0.03), pytest.approx(b, abs=0.03)) for a, b in SPANS]


def test_nobody_has_judged_what_was_found():
    assert {t.intent for t in speech_segments(recording(-20, -60), RATE)} == {None}


@pytest.mark.parametrize("noise_db", [-150, -60, -30])
def test_steady_noise_alone_is_no_speech(noise_db):
    assert speech_segments(recording(-20, noise_db, spans=()), RATE) == ()


def test_a_short_gap_does_not_part_a_turn():
    pcm = recording(-20, -150, [(1.0, 1.5), (1.65, 2.0), (2.3, 3.0)])
    assert [round(t.start_s, 1) for t in speech_segments(pcm, RATE)] == [1.0, 2.3]


def test_a_click_is_no_speech():
    assert speech_segments(recording(-20, -150, [(1.0, 1.03)]), RATE) == ()


def test_speech_from_end_to_end_is_one_segment():
    (turn,) = speech_segments(recording(-20, -150, [(0, 8)]), RATE)
    assert (turn.start_s, turn.end_s) == (0.0, 8.0)


@pytest.mark.parametrize("samples", [0, 1, 79, 80])
def test_next_to_nothing_holds_no_speech(samples):
    assert speech_segments(np.zeros(samples, np.int16), RATE) == ()
