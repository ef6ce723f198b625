"""Texts of recognisers that fell into a loop."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.loops import first_round


@pytest.mark.parametrize(
    ("looped", "kept"),
    [
        ("My last name is Sittittittitt", "My last name is Sitt"),
        ("My last name is Sittittittitt and so on", "My last name is Sitt"),
        ("what it can do for you" + " you" * 9, "what it can do for you"),
        ("the city of the city of the city of the city of", "the city of"),
        ("I want to go I want to go I want to go home", "I want to go"),
        ("No. " * 12, "No."),
        ("okay " * 7, "okay"),
    ],
)
def test_a_loop_is_cut_to_its_first_round(looped, kept):
    assert first_round(looped) == kept


@pytest.mark.parametrize(
    "said",
    [
        "",
        "no no no no",
        "five five five five five five five",
        "oh oh seven, double oh seven",
        "4 4 4 4 4 4",
        "Mississippi banana hahaha",
        "I mean I mean I mean yes",
        "bye bye bye",
        "very very very good",
        "555555",
    ],
)
def test_what_people_repeat_is_kept(said):
    assert first_round(said) == said


@given(st.lists(st.text("ab .", max_size=5), max_size=30).map(" ".join))
def test_what_is_left_is_a_beginning_of_the_text_and_has_no_loop(text):
    kept = first_round(text)
    assert " ".join(text.split()).startswith(kept)
    assert first_round(kept) == kept
