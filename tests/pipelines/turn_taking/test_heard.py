"""Which words were heard when a clause stopped; changes with how long a word is taken to be."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.heard import heard_words


def test_words_are_equally_long():
    text = "one two three four"
    assert [heard_words(text, share) for share in (0, 0.24, 0.25, 0.5, 0.99, 1)] == [
        "", "", "one", "one two", "one two three", text,
    ]  # fmt: skip


def test_a_number_takes_as_long_as_its_digits():
    text = "It costs $1,250.00 in all."
    assert heard_words(text, 0.5) == "It costs"
    assert heard_words(text, 0.8) == "It costs $1,250.00"
    assert heard_words("call 555-0199 now", 0.6) == "call"


@given(st.text(max_size=40), st.floats(0, 1), st.floats(0, 1))
def test_more_audio_is_never_fewer_words(text, one, other):
    less, more = sorted((one, other))
    assert heard_words(text, more).startswith(heard_words(text, less))
    assert heard_words(text, 1.0) == " ".join(text.split())


@given(st.integers(1, 40), st.integers(0, 40))
def test_every_whole_word_counts_at_its_very_end(words, heard):
    heard = min(heard, words)
    text = " ".join(["word"] * words)
    assert len(heard_words(text, heard / words).split()) == heard
