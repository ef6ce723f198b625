import pytest

from voicecli.report.wer import normalise, word_error_rate


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("Hello, World!", "hello world"),
        ("I’d like; it's ok", "id like its ok"),
        ("um, uh, yes", "yes"),
        ("table for 2", "table for two"),
        ("at 42", "at forty two"),
        ("room 90", "room ninety"),
        ("1,250 and 555", "one two five zero and five five five"),
        ("07", "zero seven"),
        ("[noise] yes (laughs)", "yes"),
        ("well-known e_mail", "well known e mail"),
        ("ＡＢＣ", "abc"),
    ],
)
def test_texts_are_compared_in_a_plain_form(text, expected):
    assert normalise(text) == expected


@pytest.mark.parametrize(
    ("said", "transcribed", "expected"),
    [
        ("A table for 2.", "a table for two", 0),
        ("one two three four", "one too three", 0.5),
        ("hi", "hi there you", 2),
        ("hello", "", 1),
        ("", "hello", None),
        ("um", "hello", None),
    ],
)
def test_the_rate_is_errors_per_word_said(said, transcribed, expected):
    assert word_error_rate(said, transcribed) == expected
