"""What Whisper makes up; changes as more of that is understood."""

import pytest

from pipelines.engines.asr._hallucinations import Limits, compression_ratio, judge
from pipelines.engines.asr._whisper_model import Decoded, Segment

LIMITS = Limits()


def heard(text, log_probability=-0.2, no_speech=0.0):
    return Decoded((Segment(text, 1.0, complete=True),), log_probability, no_speech)


@pytest.mark.parametrize("text", ["I'd like a table for two.", "Yes.", "Thank you.", "No, no, no."])
def test_what_callers_say_is_kept_without_a_reason(text):
    judged = judge(heard(text), LIMITS)
    assert (judged.text, judged.reason) == (text, None)


def test_nothing_heard_is_nothing_dropped():
    judged = judge(Decoded((), -3.0, 0.99), LIMITS)
    assert (judged.text, judged.reason) == ("", None)


def test_words_for_no_speech_are_dropped_only_if_they_are_doubtful_too():
    assert judge(heard("So.", -0.3, no_speech=0.95), LIMITS).text == "So."
    assert judge(heard("So.", -1.2, no_speech=0.10), LIMITS).text == "So."
    judged = judge(heard("So.", -1.2, no_speech=0.95), LIMITS)
    assert judged.text == ""
    assert judged.reason == "no speech (probability 0.95, log probability -1.20)"


def test_a_phantom_phrase_is_dropped_and_called_one():
    judged = judge(heard("Thanks for watching!"), LIMITS)
    assert (judged.text, judged.reason) == ("", "a known phantom phrase")


def test_a_loop_is_cut_to_one_round():
    judged = judge(heard("it is " + "going to be " * 9), LIMITS)
    assert judged.text == "it is going to be"
    assert judged.reason == "a phrase repeated over and over"


def test_text_that_repeats_itself_with_variations_is_dropped():
    text = " ".join(f"and the number of the house is {n} and" for n in range(12))
    assert compression_ratio(text) > 2.4
    judged = judge(heard(text), LIMITS)
    assert judged.text == ""
    assert judged.reason is not None
    assert judged.reason.startswith("repetitive (compression ratio ")


def test_the_limits_are_the_users():
    lenient = Limits(no_speech=0.99, log_probability=-9.0, compression_ratio=99.0)
    assert judge(heard("So.", -1.2, no_speech=0.95), lenient).text == "So."
