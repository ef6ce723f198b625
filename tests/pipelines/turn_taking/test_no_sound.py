"""What made no sound was not heard: a reply of nothing is a failed one."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.commands import ContinueReply, EndCall, Message, SynthesizeClause
from pipelines.turn_taking.events import ClauseSynthesized, Event, PlayoutStarted
from pipelines.turn_taking.policy import AgentPolicy, ClausePolicy, Policy, SpeculationPolicy
from pipelines.turn_taking.time import from_ms
from pipelines.turn_taking.transitions import Agent

from .world import Speech, World

AGENT = AgentPolicy(apology="Sorry, say that again?", goodbye="Goodbye then.")
POLICY = Policy(agent=AGENT, speculation=SpeculationPolicy(preemptive_reply_above=1.1))
QUESTION = Speech(1000, 2000, "is monday free")


def call(*replies, mute=(), policy=POLICY, speech=(QUESTION,), until_ms=9000):
    """A call in which the voice makes no sound of clauses that have one of `mute` in them."""

    def fault(event: Event) -> list[Event]:
        if isinstance(event, ClauseSynthesized):
            [text] = [c.text for c in world.commands(SynthesizeClause) if c.job == event.job]
            if any(part in text for part in mute):
                return [ClauseSynthesized(event.at, event.job, 0, event.complete)]
        return [event]

    world = World(policy, speech, replies, fault=fault, until_ms=until_ms)
    world.run()
    return world


def heard(world):
    return [message.text for message in world.core.history if message.role == "agent"]


@pytest.mark.parametrize("reply", ["...", "…", "— !", '"', "**", "👍", "?! ..."])
def test_a_reply_without_a_letter_or_digit_is_apologised_for(reply):
    world = call(reply)
    assert heard(world) == [AGENT.apology]
    assert next(clause.text for clause in world.commands(SynthesizeClause)) not in reply
    assert world.core.agent is Agent.LISTENING


@pytest.mark.parametrize(
    "speculation", [SpeculationPolicy(preemptive_reply_above=1.1), SpeculationPolicy()]
)
def test_a_reply_that_the_voice_made_nothing_of_is_apologised_for(speculation):
    policy = Policy(agent=AGENT, speculation=speculation)
    world = call("Yes, it is free.", mute=["Yes", "it is free"], policy=policy)
    assert heard(world) == [AGENT.apology]
    assert world.verdicts("agent_done")[0].command.heard == AGENT.apology


def test_of_a_reply_the_clauses_that_made_no_sound_were_not_heard():
    world = call("Of course, it is free. At ten or at noon?", mute=["it is free"])
    assert heard(world) == ["Of course, At ten or at noon?"]


def test_a_clause_of_punctuation_is_not_sent_to_the_voice():
    world = call("Yes, it is free. * * * At ten or at noon?")
    assert all(any(map(str.isalnum, c.text)) for c in world.commands(SynthesizeClause))
    assert not world.verdicts("engine_failed")


def test_an_agent_whose_voice_is_gone_hangs_up_in_the_end():
    turns = [Speech(at, at + 800, "is monday free") for at in (1000, 5000)]
    world = call("Yes, it is.", mute=[""], speech=turns, until_ms=20_000)
    assert heard(world) == []
    assert len(world.commands(EndCall)) == 1
    assert not [event for event in world.journal if isinstance(event, PlayoutStarted)]


def test_nothing_after_a_tool_is_a_failure_though_there_were_words_before_it():
    for after in ("", " ..."):
        world = call("Let me see. @reads:slots" + after)
        assert heard(world) == ["Let me see.", AGENT.apology]


def test_the_model_that_writes_on_after_a_tool_reads_only_what_made_a_sound():
    world = call("Let me see. One moment please. @reads:slots It is free.", mute=["One moment"])
    [continued] = world.commands(ContinueReply)
    assert Message("agent", "Let me see.") in continued.history
    assert heard(world) == ["Let me see.", "It is free."]


def test_of_a_clause_whose_voice_is_still_at_work_only_what_was_said_by_then_was_heard():
    """The first of its audio is there, and nobody knows yet how long all of it will be."""

    def slow(event: Event) -> list[Event]:
        late = isinstance(event, ClauseSynthesized) and event.complete
        return [replace(event, at=event.at + from_ms(3000))] if late else [event]

    clauses = ClausePolicy(cut_at="reply")
    policy = Policy(agent=AGENT, speculation=POLICY.speculation, clauses=clauses)
    words = "one two three four five six seven eight nine ten eleven twelve"
    over = [QUESTION, Speech(4200, 5400, "no stop that please")]
    world = World(policy, over, [words], fault=slow, until_ms=7000)
    world.run()
    stopped = world.verdicts("agent_done")[0].command
    assert 3 <= len(stopped.heard.split()) <= 5  # of 250 ms each, in 1.2 s


def test_a_model_that_hangs_up_with_a_goodbye_nobody_can_hear_does_hang_up():
    world = call("@ends_call:hang_up", mute=["Goodbye"])
    assert len(world.commands(EndCall)) == 1
    assert len(world.commands(SynthesizeClause)) == 1
