"""Tests of an agent with pytest: its methods by themselves, and calls with recorded callers.

    pytest examples/test_agent.py

`replay` runs real engines; the profile here has scripted ones, so that no models are needed. Put
your own in its place. `voicecli` is a fixture that every project has where voicecli is installed.
"""

import pytest
from dentist_agent import Dentist

from voicecli import Results, replay

PROFILE = "scripted"


def test_books_the_day_that_is_asked_for():
    dentist = Dentist()
    dentist.call.caller_said = "Could I come in on Tuesday, please?"
    assert "Tuesday" in dentist.book_day("on Tuesday")
    assert "Tuesday" in dentist.my_booking()


@pytest.mark.parametrize("said", ["Do you work on Sunday?", "Some time soon."])
def test_books_nothing_on_a_day_that_cannot_be(said):
    dentist = Dentist()
    dentist.call.caller_said = said
    assert dentist.book_day("").endswith("?")
    assert dentist.day is None


def test_takes_the_patients_number_by_the_keypad():
    dentist = Dentist()
    for key in "407":
        dentist.on_dtmf(key)
    dentist.call.caller_said = "On Monday."
    assert "patient 407" in dentist.book_day("Monday")


@pytest.fixture(scope="module")
def results() -> Results:
    return replay(["plain_turns", "pauses"], profile=PROFILE, line="pstn")


def test_answers_soon(results):
    results.require("voice_to_voice.p95 < 1500ms")


def test_answers_every_turn(results):
    results.require("turns >= 10", "unanswered == 0", "failures == 0")


@pytest.mark.parametrize("line", ["clean", "mobile", "satellite"])
def test_bears_any_line(voicecli, line):
    voicecli.replay("plain_turns", PROFILE, line=line).require("unanswered == 0")
