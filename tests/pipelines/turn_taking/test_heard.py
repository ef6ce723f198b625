"""How many words of a clause were heard when it stopped, and when each begins."""

from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.heard import said_by, word_begins

AUDIO = 1_000_000_000


def said(text, share, *, audio=AUDIO, whole=True):
    count = said_by(text, round(share * audio), audio, whole=whole)
    return " ".join(text.split()[:count])


def test_words_are_equally_long():
    text = "one two three four"
    assert [said(text, share) for share in (0, 0.24, 0.25, 0.5, 0.99, 1)] == [
        "", "", "one", "one two", "one two three", text,
    ]  # fmt: skip
    assert word_begins(text, AUDIO, whole=True) == [0, AUDIO // 4, AUDIO // 2, AUDIO * 3 // 4]


def test_a_number_takes_as_long_as_its_digits():
    text = "It costs $1,250.00 in all."
    assert said(text, 0.5) == "It costs"
    assert said(text, 0.8) == "It costs $1,250.00"
    assert said("call 555-0199 now", 0.6) == "call"
    assert word_begins("call 555-0199 now", AUDIO, whole=True) == [0, AUDIO // 9, AUDIO * 8 // 9]


def test_a_clause_whose_audio_is_not_whole_is_expected_to_go_on_at_a_usual_pace():
    text = "one two three four"
    assert said(text, 1, audio=300_000_000, whole=False) == "one"
    assert said(text, 1, audio=300_000_000, whole=True) == text
    assert word_begins(text, 1, whole=False)[3] == 900_000_000
    assert said_by(text, 0, 0, whole=True) == 0


@given(st.text(max_size=40), st.floats(0, 1), st.floats(0, 1))
def test_more_audio_is_never_fewer_words(text, one, other):
    less, more = sorted((one, other))
    assert said(text, more).startswith(said(text, less))
    assert said(text, 1.0) == " ".join(text.split())
    assert len(word_begins(text, AUDIO, whole=True)) == len(text.split())


@given(st.integers(1, 40), st.integers(0, 40))
def test_every_whole_word_counts_at_its_very_end(words, heard):
    heard = min(heard, words)
    text = " ".join(["word"] * words)
    assert said_by(text, -(-AUDIO * heard // words), AUDIO, whole=True) == heard
