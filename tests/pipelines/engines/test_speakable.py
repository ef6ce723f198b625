"""Text fit to be read aloud; changes with what models write."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.speakable import speakable


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("Sure! **Paris** is _it_. 😀👍🏽", "Sure! Paris is it."),
        ("Here:\n- apples\n* pears\n\n1. one\n2) two", "Here: apples, pears, one, two"),
        ("# Title\nSee [our site](https://x.example/y) now.", "Title, See our site now."),
        ("```python\nprint(1)\n```\nDone.", "print(1), Done."),
        ("It costs $3.50, or 20% less (7-8 °C).", "It costs $3.50, or 20% less (7-8 °C)."),
        ("1.5 is well-known, 10. is not", "1.5 is well-known, 10. is not"),
        ("  Hi   there \n", "Hi there"),
        ("A zero\u200dwidth \u200bspace", "A zerowidth space"),
        ("Grüße, 東京, naïve", "Grüße, 東京, naïve"),
        ("[not a link", "not a link"),
        ("", ""),
    ],
)
def test_marks_are_removed_and_words_kept(written, said):
    assert "".join(speakable([written])) == said


@given(st.text(alphabet="ab 1.)-*#>\n[]()`x_😀,", max_size=30), st.data())
def test_the_way_the_text_is_cut_into_pieces_makes_no_difference(text, data):
    cuts = sorted(data.draw(st.lists(st.integers(0, len(text)), max_size=8)))
    bounds = zip([0, *cuts], [*cuts, len(text)], strict=True)
    pieces = [text[start:end] for start, end in bounds]
    assert "".join(speakable(pieces)) == "".join(speakable([text]))


@given(st.text(max_size=60))
def test_nothing_unspeakable_gets_through(text):
    said = "".join(speakable([text]))
    assert not set(said) & set("*`_~|#[]{}\\\n\r\t")
    assert said == said.lstrip()


def test_plain_words_are_passed_on_at_once():
    pieces = speakable(iter(["Yes", ", of", " course"]))
    assert next(pieces) == "Yes"
    assert next(pieces) == ", of"
