"""What a recogniser writes for no speech."""

import pytest

from pipelines.engines.hallucinated_phrases import without_hallucinated_phrases


@pytest.mark.parametrize(
    "text",
    ["You", "Thanks for watching.", "I'll see you in the next video.", "♪ Hey, hey ♪", "© X"],
)
def test_what_nobody_says_to_an_agent_is_dropped(text):
    assert without_hallucinated_phrases(text) == ""


@pytest.mark.parametrize(
    "text",
    [
        "",
        "Thank you.",
        "You?",
        "No, no, no, no.",
        "Thank you for watching my dog.",
        "oh one oh one",
    ],
)
def test_what_callers_say_is_kept(text):
    assert without_hallucinated_phrases(text) == text


def test_a_loop_is_cut_to_one_round():
    looped = "It is the one " + "that is the one " * 6
    assert without_hallucinated_phrases(looped) == "It is the one that"
    assert without_hallucinated_phrases("oh, " * 13) == "oh,"
