"""What counts as a recogniser that loses its head at some length of speech."""

import pytest

from voicecli.models.check_lengths import PASSAGES, Heard, losses, utterances

SAID = "it was the best of times it was the worst of times"


def heard(text, errors=0.0):
    return Heard(3.9, SAID, text, errors)


def test_the_utterances_are_of_all_lengths_that_callers_speak():
    found = utterances()
    seconds = [len(each.pcm) / 16000 for each in found]
    assert seconds == sorted(seconds)
    assert seconds[0] < 2.5
    assert seconds[-1] > 20
    assert [each.said for each in found] == [said for _, _, said in PASSAGES]


def test_what_was_said_is_well():
    assert losses([heard(SAID), heard(SAID, 0.1)], [heard(SAID), heard(SAID)]) == []


@pytest.mark.parametrize(
    ("text", "why"),
    [
        ("", "nothing was heard"),
        (f"{SAID} it was best of time it is the worst of it", "the transcript loops"),
        ("it was the best " + "you " * 7, "the transcript loops"),
    ],
)
def test_a_loop_or_silence_is_told_with_length_text_and_rate(text, why):
    (told,) = losses([heard(SAID), heard(text, 0.9)])
    assert told == f'at 3.9 s of speech {why} (WER 90%): heard "{text}"'


def test_far_worse_than_the_full_input_or_other_lengths_is_a_loss():
    bad = heard("it was the", 0.7)
    (told,) = losses([heard(SAID, 0.6), bad], [heard(SAID, 0.6), heard(SAID)])
    assert "than with the full input" in told
    (told,) = losses([heard(SAID), bad])
    assert "than at other lengths" in told
