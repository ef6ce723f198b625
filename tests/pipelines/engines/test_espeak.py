"""Speech from espeak-ng."""

import threading

import numpy as np
import pytest

from pipelines.engines.registry import Context
from pipelines.engines.tts import espeak


def say(espeak_tts, text):
    chunks = list(espeak_tts.synthesize(text, threading.Event()))
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


@pytest.fixture
def espeak_tts(engine_of):
    return engine_of("tts", "espeak")


def build(**settings):
    return espeak.build(espeak.Settings(**settings), Context(locate=pytest.fail))


def test_sound_begins_within_ten_milliseconds_and_ends_with_the_pause(espeak_tts):
    audio = say(espeak_tts, "Paris.")
    loud = np.flatnonzero(np.abs(audio) > 10 ** (-60 / 20))
    assert loud[0] <= 0.010 * espeak_tts.sample_rate
    assert len(audio) - 1 - loud[-1] == 0.1 * espeak_tts.sample_rate


def test_the_first_chunk_is_short(espeak_tts):
    text = "A sentence that takes several seconds to be said."
    first = next(espeak_tts.synthesize(text, threading.Event()))
    assert len(first) / espeak_tts.sample_rate <= 0.07


def test_stopping_ends_the_synthesis_itself_and_not_only_its_delivery(espeak_tts):
    delivered = []

    def deliver(pcm):
        delivered.append(pcm)
        return len(delivered) < 3

    text = "A long text, and then some more of it. " * 20
    espeak_tts._library.speak(text, espeak_tts._settings, espeak_tts._voice_file, deliver)
    assert len(delivered) == 3


def test_text_is_plain_text_and_neither_markup_nor_commands(espeak_tts):
    assert len(say(espeak_tts, "5 < 6 & 7 > 6")) > len(say(espeak_tts, "5 6 7 6"))
    spoken = say(espeak_tts, "<break time='5s'/>")
    assert len(spoken) / espeak_tts.sample_rate < 5
    assert np.array_equal(say(espeak_tts, "Hello\x01 there."), say(espeak_tts, "Hello  there."))


@pytest.mark.parametrize("text", ["...", "?!", "-", "\x00", "😀"])
def test_text_without_a_letter_or_digit_makes_no_sound(espeak_tts, text):
    assert len(say(espeak_tts, text)) == 0


def test_a_higher_rate_is_faster_and_a_higher_pitch_is_higher():
    text = "We are open from nine to five."
    normal, fast, high = (build(**s) for s in ({}, {"words_per_minute": 300}, {"pitch": 90}))
    assert len(say(fast, text)) < 0.75 * len(say(normal, text))

    def pitch(audio):
        """In Hz, between 95 and 300, of a stretch of a vowel, by autocorrelation."""
        vowel = audio[3000:6000]
        likeness = np.correlate(vowel, vowel, "full")[len(vowel) - 1 :]
        shortest, longest = espeak.SAMPLE_RATE // 300, espeak.SAMPLE_RATE // 95
        return espeak.SAMPLE_RATE / (shortest + likeness[shortest:longest].argmax())

    assert pitch(say(high, text)) > 1.2 * pitch(say(normal, text))


def test_two_voices_in_one_process_do_not_mix(espeak_tts):
    other = build(voice="en-gb+f3")
    mine, theirs = say(espeak_tts, "Good morning."), say(other, "Good morning.")
    assert not np.array_equal(mine, theirs)
    assert np.array_equal(say(espeak_tts, "Good morning."), mine)
    assert np.array_equal(say(other, "Good morning."), theirs)


@pytest.mark.parametrize("voice", ["en-us", "EN-GB", "de", "fr-fr", "en-us+f3"])
def test_voices_are_found_by_language_and_variant(voice):
    assert len(say(build(voice=voice), "Hallo")) > 1000


@pytest.mark.parametrize(
    ("settings", "message"),
    [
        ({"voice": "klingon"}, 'no voice "klingon"'),
        ({"voice": "en-us+nobody"}, 'no voice "en-us\\+nobody"'),
        ({"voice": ""}, "no voice"),
        ({"words_per_minute": 20}, "words_per_minute"),
        ({"pitch": 100}, "pitch"),
        ({"end_pause_ms": -1}, "end_pause_ms"),
    ],
)
def test_settings_that_espeak_would_ignore_are_refused(settings, message):
    with pytest.raises(ValueError, match=message):
        build(**settings)
