"""The ear that measures voice-to-voice from the recording alone."""

import numpy as np
import pytest

from pipelines.turn_taking.time import MILLISECOND as MS
from voicecli.report.acoustic import AcousticEar

RATE = 8000


def acoustic_voice_to_voice(stereo, rate, end, reply):
    return AcousticEar(stereo, rate).gap(end, reply).duration


def conversation(*, noise, end=2000, reply=2600, level=3000):
    random = np.random.default_rng(3)
    audio = random.normal(0, noise, (6 * RATE, 2)) if noise else np.zeros((6 * RATE, 2))

    def speak(channel, start, stop):
        first, last = start * RATE // 1000, stop * RATE // 1000
        audio[first:last, channel] += random.normal(0, level, last - first)

    speak(0, 1000, end)
    speak(1, reply, 4000)
    return audio.astype(np.int16)


@pytest.mark.parametrize("noise", [0, 5, 300])
@pytest.mark.parametrize("error_ms", [-80, 0, 150])
def test_the_gap_is_found_to_two_frames_whatever_the_noise_and_the_journals_error(noise, error_ms):
    stereo = conversation(noise=noise)
    found = acoustic_voice_to_voice(stereo, RATE, (2000 + error_ms) * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_silence_that_the_synthesiser_puts_in_front_counts_as_silence():
    found = acoustic_voice_to_voice(conversation(noise=0, reply=2900), RATE, 2000 * MS, 2600 * MS)
    assert abs(found - 900 * MS) <= 20 * MS


def test_a_click_is_no_speech():
    stereo = conversation(noise=5)
    stereo[2300 * 8 : 2310 * 8, 0] = 20_000
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_the_callers_next_words_over_the_reply_are_not_the_end_of_the_turn():
    stereo = conversation(noise=5)
    stereo[2650 * 8 : 3000 * 8, 0] += stereo[1100 * 8 : 1450 * 8, 0]
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_speech_that_the_journal_ended_too_early_is_followed_to_its_end():
    found = acoustic_voice_to_voice(conversation(noise=5), RATE, 1400 * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_a_caller_who_still_speaks_when_the_reply_begins_leaves_no_gap_to_measure():
    stereo = conversation(noise=5, end=2800)
    gap = AcousticEar(stereo, RATE).gap(2000 * MS, 2600 * MS)
    assert gap.duration is None
    assert gap.missing == "the caller still makes a sound"


@pytest.mark.parametrize("hz", [45, 60, 80])
def test_rumble_below_what_a_phone_carries_is_no_speech(hz):
    time = np.arange(6 * RATE) / RATE
    stereo = conversation(noise=5)
    rumble = 184 * np.sin(2 * np.pi * hz * time)  # -45 dBFS
    stereo[:, 0] += rumble.astype(np.int16)
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_a_breath_after_the_last_word_is_no_speech():
    stereo = conversation(noise=5)
    breath = np.random.default_rng(4).normal(0, 150, 300 * 8)  # 26 dB below the voice
    stereo[2200 * 8 : 2500 * 8, 0] += breath.astype(np.int16)
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_a_soft_last_word_is_speech():
    stereo = conversation(noise=5, reply=2900)
    word = np.random.default_rng(4).normal(0, 500, 300 * 8)  # 16 dB below the voice
    stereo[2200 * 8 : 2500 * 8, 0] += word.astype(np.int16)
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2900 * MS)
    assert abs(found - 400 * MS) <= 20 * MS


def test_a_soft_onset_belongs_to_the_reply():
    stereo = conversation(noise=0)
    onset = np.random.default_rng(4).normal(0, 250, 40 * 8)  # 22 dB below the voice
    stereo[2560 * 8 : 2600 * 8, 1] = onset.astype(np.int16)
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2560 * MS)
    assert abs(found - 560 * MS) <= 10 * MS


def test_where_steady_noise_goes_on_behind_the_voice_nobody_can_tell_when_it_ended():
    stereo = conversation(noise=0, reply=3200)
    hiss = np.random.default_rng(4).normal(0, 300, 1900 * 8)  # cut with the caller's recording
    stereo[900 * 8 : 2800 * 8, 0] += hiss.astype(np.int16)
    gap = AcousticEar(stereo, RATE).gap(2750 * MS, 3200 * MS)
    assert gap.missing == "noise hides the caller's end"


def test_noise_that_begins_with_the_call_is_the_lines_own():
    stereo = conversation(noise=0)
    stereo[200 * 8 :, 0] += np.random.default_rng(5).normal(0, 200, 5800 * 8).astype(np.int16)
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_float_audio_is_measured_alike():
    stereo = (conversation(noise=5) / 32768).astype(np.float32)
    found = acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2600 * MS)
    assert abs(found - 600 * MS) <= 20 * MS


def test_where_nobody_is_heard_nothing_is_measured():
    stereo = conversation(noise=0)
    stereo[:, 1] = 0
    assert acoustic_voice_to_voice(stereo, RATE, 2000 * MS, 2600 * MS) is None
    assert acoustic_voice_to_voice(stereo, RATE, 90_000 * MS, 91_000 * MS) is None
    assert acoustic_voice_to_voice(stereo[:0], RATE, 2000 * MS, 2600 * MS) is None
