"""The agent's own words, come back over the line, are no interruption; the caller's always are."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.commands import ClearPlayout, PausePlayout
from pipelines.turn_taking.policy import (
    BargeInPolicy,
    EndpointingPolicy,
    InterruptAfter,
    Policy,
    SpeculationPolicy,
)
from pipelines.turn_taking.self_echo import without_self_echo, words_of
from pipelines.turn_taking.time import to_ms
from pipelines.turn_taking.transitions import Agent, Caller

from .world import Speech, World

POLICY = Policy(
    endpointing=EndpointingPolicy(weights=(("words", 1.0),), text_detectors=("words",)),
    speculation=SpeculationPolicy(prefill_partials=False),
)
QUESTION = Speech(1000, 2000, "what time do you open")
OPEN = "We are open from nine to five. On Saturdays we open at ten and close at two."
SAID = "We are open from nine to five."


@pytest.mark.parametrize(
    ("heard", "left"),
    [
        ("open from nine", ""),
        ("Open from nine!", ""),
        ("pen from nine to fiv", ""),  # cut off where the echo began and ended
        ("open from ten", "ten"),
        ("nine", "nine"),  # one word in common is an answer
        ("five nine open", "five nine open"),  # its words, but not in its order
        ("wait open from nine I meant Sunday", "wait i meant sunday"),
        ("to we", "to we"),
        ("", ""),
    ],
)
def test_only_runs_of_the_agents_words_are_left_out(heard: str, left: str):
    assert without_self_echo(heard, SAID, 2) == left


def test_a_last_word_of_the_agents_is_waited_for_while_more_may_come():
    assert without_self_echo("open", SAID, 2, whole=False) == ""
    assert without_self_echo("no open", SAID, 2, whole=False) == "no"
    assert without_self_echo("open no", SAID, 2, whole=False) == "open no"


def test_nothing_is_left_out_where_the_policy_says_so():
    assert without_self_echo("open from nine", SAID, 0) == "open from nine"


OWN = ["we", "are", "open", "from", "nine", "to", "five", "on", "tuesday", "no"]
WORDS = st.lists(st.sampled_from(OWN), max_size=9)


@given(WORDS, WORDS, st.integers(1, 4), st.booleans())
def test_a_word_that_the_agent_did_not_say_is_never_left_out(heard, said, in_a_row, whole):
    left = without_self_echo(" ".join(heard), " ".join(said), in_a_row, whole=whole).split()
    foreign = [word for word in heard if not any(word in own for own in said)]
    assert [word for word in left if word in foreign] == foreign
    assert all(word in heard for word in left)


@given(WORDS, WORDS)
def test_fewer_words_in_common_than_asked_for_are_kept(heard, said):
    in_a_row = len(words_of(" ".join(said))) + 1
    assert without_self_echo(" ".join(heard), " ".join(said), in_a_row).split() == heard


def world(*speech: Speech, policy: Policy = POLICY, replies: tuple[str, ...] = (OPEN,)) -> World:
    """The reply is heard from about 2,300 ms on, four words a second."""
    result = World(policy, [QUESTION, *speech], replies=replies, until_ms=14_000)
    result.run()
    return result


def test_its_own_words_do_not_stop_the_agent_and_the_journal_says_why():
    call = world(Speech(3000, 3500, "open from nine"))
    [ignored] = call.verdicts("overlap_ignored")
    assert ignored.command.reason.rule == "overlap_own_words"
    assert "open from nine" in str(ignored.command.reason)
    assert not call.commands(ClearPlayout)
    assert call.core.history[-1].text == OPEN


def test_the_same_words_stop_it_when_the_policy_does_not_look_for_echoes():
    policy = replace(
        POLICY,
        barge_in=BargeInPolicy(self_echo_words=0, interrupt_after_ms=InterruptAfter(words=0)),
    )
    assert world(Speech(3000, 3500, "open from nine"), policy=policy).verdicts("overlap_interrupts")


def test_the_same_words_long_after_the_agent_said_them_are_the_callers():
    call = world(Speech(6000, 6900, "open from nine"))
    assert call.verdicts("overlap_interrupts")


def test_who_answers_before_the_question_has_ended_is_heard():
    call = world(
        Speech(3400, 4200, "tuesday morning"), replies=("Would you like Tuesday morning or noon?",)
    )
    assert call.verdicts("overlap_interrupts")


class TestLineThatEchoes:
    """After two echoes the agent no longer falls silent for sounds, only for other words."""

    ECHOES = (Speech(2900, 3400, "open from nine"), Speech(4500, 5000, "from nine to"))

    def test_it_speaks_on_over_the_third_echo(self):
        call = world(*self.ECHOES, Speech(6100, 7300, "on saturdays we open"))
        [known] = call.verdicts("line_echoes")
        assert all(to_ms(pause.at) < to_ms(known.at) for pause in self._pauses(call))
        assert len(call.verdicts("overlap_ignored")) == 3
        assert call.core.history[-1].text == OPEN

    def test_it_still_stops_for_other_words(self):
        call = world(*self.ECHOES, Speech(5600, 6800, "no wait i meant the shop"))
        [interrupt] = call.verdicts("overlap_interrupts")
        assert interrupt.command.reason.rule == "interrupted_by_words"
        assert to_ms(interrupt.at) < 6800

    def test_it_does_not_answer_the_echo_of_its_last_words(self):
        call = world(*self.ECHOES, Speech(7600, 8700, "close at two"))
        [dropped] = call.verdicts("turn_dropped")
        assert dropped.command.reason.rule == "own_words_only"
        assert len(call.verdicts("turn_ended")) == 1
        assert (call.core.caller, call.core.agent) == (Caller.SILENT, Agent.LISTENING)

    @staticmethod
    def _pauses(call: World) -> list:
        return [e for e in call.journal if isinstance(getattr(e, "command", None), PausePlayout)]
