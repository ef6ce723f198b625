"""What the caller hears when the reply is late: a filler, then the reply or an apology."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.commands import EndCall, GenerateReply, Message
from pipelines.turn_taking.events import Event, PlayoutStarted, ReplyCompleted, ReplyTextReceived
from pipelines.turn_taking.policy import AgentPolicy, Policy, SpeculationPolicy
from pipelines.turn_taking.time import to_ms
from pipelines.turn_taking.transitions import Agent

from .world import Delays, Speech, World, as_it_comes, failed

AGENT = AgentPolicy(filler="Let me look.", filler_after_ms=800, reply_timeout_ms=4000)
POLICY = Policy(agent=AGENT, speculation=SpeculationPolicy(reply_above=1.1))
QUESTION = Speech(1000, 2000, "is monday free")
REPLY = "Monday is free."
TURNS = [Speech(at, at + 800, "is monday free") for at in range(1000, 40_000, 8000)]


def call(late_ms=0, policy=POLICY, turns=(QUESTION,), fault=as_it_comes, until_ms=12_000):
    delays = Delays(first_token=late_ms)
    world = World(policy, turns, [REPLY], delays=delays, fault=fault, until_ms=until_ms)
    world.run()
    return world


def heard(world):
    return [message.text for message in world.core.history if message.role == "agent"]


def first_sound_ms(world):
    """From the end of the turn."""
    [ended] = world.verdicts("turn_ended")
    return to_ms(next(e.at for e in world.journal if isinstance(e, PlayoutStarted)) - ended.at)


def lost_reply(event: Event) -> list[Event]:
    return [] if isinstance(event, ReplyTextReceived | ReplyCompleted) else [event]


def fillers(world):
    entries = world.verdicts("agent_speaks")
    return [e for e in entries if e.command.reason.rule == "filler_reply_late"]


def test_a_late_reply_is_announced_and_then_heard():
    world = call(2500)
    assert 800 <= first_sound_ms(world) < 1000
    assert heard(world) == [f"Let me look. {REPLY}"]
    assert len(fillers(world)) == 1
    assert world.core.agent is Agent.LISTENING


def test_a_reply_in_time_is_not():
    world = call(500)
    assert heard(world) == [REPLY]
    assert not fillers(world)


@pytest.mark.parametrize("agent", [AgentPolicy(), replace(AGENT, filler=" ")])
def test_without_a_time_or_words_for_it_nothing_is_said(agent):
    world = call(2500, replace(POLICY, agent=agent))
    assert heard(world) == [REPLY]
    assert first_sound_ms(world) > 2000


def test_a_model_that_never_answers_is_bridged_then_apologised_for_and_the_call_goes_on():
    world = call(fault=lost_reply)
    assert first_sound_ms(world) < 1000
    assert heard(world) == ["Let me look.", AGENT.apology]
    assert world.core.agent is Agent.LISTENING


@pytest.mark.parametrize("after_ms", [880, 1100, 3000])
def test_a_model_that_breaks_after_the_filler_began_is_apologised_for(after_ms):
    def fault(event: Event) -> list[Event]:
        if isinstance(event, ReplyTextReceived):
            return [failed(event, "llm")]
        return [] if isinstance(event, ReplyCompleted) else [event]

    world = call(after_ms, fault=fault)
    assert " ".join(heard(world)) == f"Let me look. {AGENT.apology}"
    assert world.core.agent is Agent.LISTENING


def test_an_empty_reply_behind_a_filler_is_apologised_for():
    def fault(event: Event) -> list[Event]:
        return [] if isinstance(event, ReplyTextReceived) else [event]

    world = call(1000, fault=fault)
    assert " ".join(heard(world)) == f"Let me look. {AGENT.apology}"


@pytest.mark.parametrize("after_ms", [900, 3000])
def test_fillers_do_not_hide_from_the_agent_that_it_fails_every_time(after_ms):
    def fault(event: Event) -> list[Event]:
        if isinstance(event, ReplyTextReceived):
            return [failed(event, "llm")]
        return [] if isinstance(event, ReplyCompleted) else [event]

    world = call(after_ms, turns=TURNS, fault=fault, until_ms=60_000)
    assert world.core.history[-1] == Message("agent", AGENT.goodbye)
    assert len(world.commands(EndCall)) == 1
    assert len(world.commands(GenerateReply)) == AGENT.max_failures


def test_speech_over_the_filler_is_an_interruption_and_what_was_heard_of_it_is_kept():
    filler = "Let me have a look whether there is something free."
    policy = replace(POLICY, agent=replace(AGENT, filler=filler))
    more = Speech(4000, 5300, "no wait i meant tuesday")
    world = call(5000, policy, [QUESTION, more], until_ms=20_000)
    callers = [message.text for message in world.core.history if message.role == "caller"]
    assert callers == ["is monday free", "no wait i meant tuesday"]
    first, *_, last = heard(world)
    assert filler.startswith(first)
    assert last.endswith(REPLY)
