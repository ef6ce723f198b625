"""The appointment line as it ships: its tools, and calls with the real model into the calendar."""

import json
import sqlite3
from collections.abc import Callable
from contextvars import copy_context
from dataclasses import replace
from datetime import date

import pytest

from benchmarks.tools import CALLERS, Agent, read_callers
from pipelines.engines.tools import CALL, ThisCall
from voicecli.engines import LazyEngines
from voicecli.profile import Profile, load_profile

WEDNESDAY = date(2026, 11, 25)
ANN = ("2026-12-01", "15:00", "Ann Miller")


@pytest.fixture
def profile(tmp_path) -> Profile:
    shipped = load_profile("appointments")
    tools = replace(shipped.tools, settings={"database": f"{tmp_path}/calendar.db"})
    return replace(shipped, tools=tools)


@pytest.fixture
def calendar(tmp_path) -> Callable[[], list[tuple[str, str, str]]]:
    def rows() -> list[tuple[str, str, str]]:
        with sqlite3.connect(tmp_path / "calendar.db") as connection:
            return connection.execute("SELECT day, at, name FROM appointments").fetchall()

    return rows


@pytest.fixture
def tools(profile):
    return LazyEngines(profile).tools


@pytest.fixture
def this() -> ThisCall:
    return ThisCall(WEDNESDAY)


@pytest.fixture
def ends(tools, this):
    """What is called instead when the model would end the call after these words."""

    def instead(said: str) -> str:
        def run() -> str:
            CALL.set(replace(this, caller_said=said))
            return tools["end_call"].instead()

        return copy_context().run(run)

    return instead


@pytest.fixture
def call(tools, this):
    """A call: each turn is the caller's words, the tool, and what the model quotes."""

    def turn(said: str, tool: str, /, **arguments: str) -> str:
        def run() -> str:
            CALL.set(replace(this, caller_said=said))
            return tools[tool].call(json.dumps(arguments))

        return copy_context().run(run)

    return turn


def asks_for(call, when: str, name: str) -> str:
    return call(f"I'd like to come {when}. My name is {name}.", "book", when=when, name=name)


def test_nothing_is_written_before_the_caller_has_agreed_to_the_whole_of_it(call, calendar):
    assert "Which day" in call("I need an appointment.", "book", when="", name="")
    assert "What time" in call("Next Tuesday.", "book", when="Next Tuesday", name="")
    assert "your name" in call("Three p.m.", "book", when="Three p.m", name="")
    offer = call("Ann Miller.", "book", when="Ann Miller", name="")
    assert offer == (
        "That is 3 p.m. on Tuesday, the 1st of December, for Ann Miller. Shall I book it?"
    )
    assert calendar() == []
    assert "It is booked" in call("Yes.", "agree")
    assert calendar() == [ANN]


@pytest.mark.parametrize(
    ("said", "instead"),
    [
        ("Yes, thanks a lot.", "agree"),
        ("Great, thank you so much, bye.", "agree"),
        ("Thanks a lot.", "small_talk"),
        ("No thanks, goodbye.", ""),
        ("Goodbye.", ""),
    ],
)
def test_nobody_is_hung_up_on_who_says_yes_to_an_open_question(call, ends, said, instead):
    assert ends("Thank you.") == ""
    assert ends("Hello there, how are you today?") == "small_talk"
    asks_for(call, "next Tuesday at three", "Ann Miller")
    assert ends(said) == instead
    call("Yes.", "agree")
    assert ends("Thanks a lot.") == ""


def test_no_slot_is_given_twice(call, calendar):
    asks_for(call, "next Tuesday at three", "Ann Miller")
    call("Yes.", "agree")
    assert "is taken" in asks_for(call, "next Tuesday at three", "Bob Lee")
    call("Yes.", "agree")
    assert calendar() == [ANN]


@pytest.mark.parametrize(
    ("when", "problem"),
    [
        ("this Saturday at ten", "is a weekend"),
        ("tomorrow at seven in the evening", "We are open"),
        ("tomorrow at 9:17", "on the hour and the half hour"),
        ("tomorrow", "What time"),
        ("at nine", "Which day"),
    ],
)
def test_only_what_is_whole_and_can_be_is_offered(call, calendar, when, problem):
    assert problem in asks_for(call, when, "Ann Miller")
    call("Yes.", "agree")
    assert calendar() == []


@pytest.mark.parametrize("said", ["No, make it four", "Yes, but not on Tuesday", "Wait"])
def test_a_model_that_hears_a_yes_where_there_is_none_books_nothing(call, calendar, said):
    asks_for(call, "next Tuesday at three", "Ann Miller")
    assert "Shall I book it?" in call(said, "agree")
    assert calendar() == []


def test_only_its_own_name_cancels_an_appointment(call, calendar):
    asks_for(call, "next Tuesday at three", "Ann Miller")
    call("Yes.", "agree")
    assert "no appointment for Bob" in call("Cancel it, for Bob.", "cancel", when="", name="Bob")
    call("Yes.", "agree")
    assert calendar() == [ANN]
    assert "Shall I cancel it?" in call("ann miller", "cancel", when="", name="ann miller")
    assert "as it is" in call("No.", "refuse")
    call("Cancel it after all.", "cancel", when="", name="Ann Miller")
    call("Yes.", "agree")
    assert calendar() == []


def test_who_finds_nothing_to_cancel_can_still_book(call, calendar):
    call("Cancel my appointment, for Bob.", "cancel", when="", name="Bob")
    asks_for(call, "next Tuesday at three", "Ann Miller")
    offer = call("I want to book next Tuesday at three.", "book", when="three", name="Ann Miller")
    assert "Shall I book it?" in offer
    call("Yes.", "agree")
    assert calendar() == [ANN]


def test_callers_know_nothing_of_each_other(profile, calendar):
    tools = LazyEngines(profile).tools
    for said, name, arguments in (
        ("Next Tuesday at three, Ann Miller.", "book", {"when": "three", "name": "Ann Miller"}),
        ("Yes.", "agree", {}),
    ):
        CALL.set(ThisCall(WEDNESDAY, said))  # a new call each time
        tools[name].call(json.dumps(arguments))
    CALL.set(None)
    assert calendar() == []


def test_an_example_of_a_tool_that_there_is_not_is_refused(tmp_path):
    profile = load_profile("appointments")
    text = profile.source.replace('call = "refuse"', 'call = "refus"')
    text = text.replace("appointments_tools.py", f"{profile.path.parent}/appointments_tools.py")
    (tmp_path / "wrong.toml").write_text(text)
    with pytest.raises(Exception, match='there is no tool refus; did you mean "refuse"'):
        _ = LazyEngines(load_profile(str(tmp_path / "wrong.toml"))).tools


@pytest.mark.weights
def test_a_caller_gets_what_they_agreed_to(tmp_path):
    """With the real model; the others are called by benchmarks/tools.py."""
    table = read_callers(CALLERS)
    caller = next(each for each in table["caller"] if each["about"] == "changes their mind")
    agent = Agent("appointments", tmp_path / "calendar.db", table["today"])
    outcome, _ = agent.called(caller, table["calendar"])
    assert outcome.verdict == "right"
    assert outcome.tools[-1] == "agree"
