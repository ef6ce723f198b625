"""What the caller hears when the reply is late: a filler, then the reply or an apology."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.commands import (
    CancelReply,
    EndCall,
    GenerateReply,
    Message,
    PausePlayout,
)
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    Event,
    MarkReached,
    PlayoutStarted,
    ReplyCompleted,
    ReplyTextReceived,
)
from pipelines.turn_taking.policy import AgentPolicy, Policy, SpeculationPolicy
from pipelines.turn_taking.time import from_ms, to_ms
from pipelines.turn_taking.transitions import Agent

from .world import Delays, Speech, World, as_it_comes, failed

AGENT = AgentPolicy(filler="Let me look.", filler_after_ms=800, reply_timeout_ms=4000)
POLICY = Policy(agent=AGENT, speculation=SpeculationPolicy(preemptive_reply_above=1.1))
QUESTION = Speech(1000, 2000, "is monday free")
REPLY = "Monday is free."
TURNS = [Speech(at, at + 800, "is monday free") for at in range(1000, 40_000, 8000)]


def call(
    late_ms=0, policy=POLICY, turns=(QUESTION,), fault=as_it_comes, until_ms=12_000,
    replies=(REPLY,),
):  # fmt: skip
    delays = Delays(first_token=late_ms)
    world = World(policy, turns, replies, delays=delays, fault=fault, until_ms=until_ms)
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


def fillers(world, rule="filler_reply_late"):
    entries = world.verdicts("agent_speaks")
    return [e for e in entries if e.command.reason.rule == rule]


def stalled_after(words: int, fault_of_the_rest=lambda _: []):
    """The model stops in the midst of the reply: a fault for the world."""
    told = [0]

    def fault(event: Event) -> list[Event]:
        if not isinstance(event, ReplyTextReceived | ReplyCompleted):
            return [event]
        told[0] += 1
        return [event] if told[0] <= words else fault_of_the_rest(event)

    return fault


LONG = "Yes, it is. There is a table on Monday at ten or at noon."


def silence_before_ms(world, entry):
    """How long nothing was heard before this."""
    heard_until = [e.at for e in world.journal if isinstance(e, MarkReached) and e.at <= entry.at]
    return to_ms(entry.at - heard_until[-1])


@pytest.mark.parametrize("words", [4, 6])
def test_a_reply_that_stalls_is_bridged_when_its_spoken_part_ran_out(words):
    """Six words are a clause and the beginning of one that is not to be said yet."""
    late = stalled_after(words, lambda event: [replace(event, at=event.at + from_ms(3500))])
    world = call(fault=late, replies=[LONG], until_ms=20_000)
    (filler,) = fillers(world, "filler_reply_stalled")
    assert silence_before_ms(world, filler) == pytest.approx(800, abs=15)
    assert heard(world) == [
        "Yes, it is. Let me look. There is a table on Monday at ten or at noon."
    ]


@pytest.mark.parametrize("words", [4, 6])
def test_a_reply_that_stalls_for_good_is_bridged_and_then_apologised_for(words):
    world = call(fault=stalled_after(words), replies=[LONG], until_ms=20_000)
    (filler,) = fillers(world, "filler_reply_stalled")
    assert silence_before_ms(world, filler) == pytest.approx(800, abs=15)
    assert " ".join(heard(world)) == f"Yes, it is. Let me look. {AGENT.apology}"
    assert world.core.agent is Agent.LISTENING


def broken_after(words: int, after_ms: int):
    """The model breaks in the midst of the reply, so long after its last word."""
    return stalled_after(
        words, lambda event: [failed(replace(event, at=event.at + from_ms(after_ms)), "llm")]
    )


@pytest.mark.parametrize(
    ("after_ms", "bridged"), [(1100, ""), (1900, "Let me look. "), (3000, "Let me look. ")]
)
def test_a_model_that_breaks_after_a_stall_is_apologised_for(after_ms, bridged):
    """In the silence, while the filler is heard, and after it."""
    world = call(fault=broken_after(4, after_ms), replies=[LONG])
    assert " ".join(heard(world)) == f"Yes, it is. {bridged}{AGENT.apology}"
    assert world.core.agent is Agent.LISTENING


@pytest.mark.parametrize(
    ("reply", "left"),
    [
        (LONG, "Yes, it is."),
        ("There is one, or maybe two, of them.", f"There is one, {AGENT.apology}"),
    ],
)
def test_a_model_that_breaks_while_it_is_heard_owes_the_end_of_its_sentence(reply, left):
    world = call(fault=broken_after(4, 300), replies=[reply])
    assert " ".join(heard(world)) == left
    assert world.core.agent is Agent.LISTENING


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


@pytest.mark.parametrize("reply", ["It is free.", "Yes, it is. It is free."])
def test_a_voice_that_breaks_in_its_last_clause_owes_the_rest(reply):
    """The sound of the first half has come; the text was whole."""
    told: list[int] = []

    def fault(event: Event) -> list[Event]:
        if not isinstance(event, ClauseSynthesized) or not event.complete:
            return [event]
        told.append(event.job)
        return [failed(event, "tts")] if len(told) == reply.count(".") else [event]

    world = call(fault=fault, replies=[reply])
    assert " ".join(heard(world)) == f"{reply} {AGENT.apology}"
    assert world.core.agent is Agent.LISTENING


def test_a_voice_that_always_breaks_apologises_once_a_turn_and_in_the_end_hangs_up():
    def fault(event: Event) -> list[Event]:
        broken = isinstance(event, ClauseSynthesized) and event.complete
        return [failed(event, "tts")] if broken else [event]

    world = call(turns=TURNS, fault=fault, until_ms=60_000)
    assert " ".join(heard(world)).count(AGENT.apology) == AGENT.max_failures
    assert len(world.commands(EndCall)) == 1


def test_a_sentence_given_up_while_the_caller_is_judged_leaves_the_next_one_audible():
    """The agent has fallen silent for a caller when the rest of its greeting is given up."""
    policy = replace(POLICY, agent=replace(AGENT, greeting="Hello there, how can I help?"))

    def second_clause_lost(event: Event) -> list[Event]:
        lost = isinstance(event, ClauseSynthesized) and event.job == 3
        return [] if lost else [event]

    alone = call(policy=policy, turns=(), fault=second_clause_lost)
    [given_up] = [e for e in alone.journal if isinstance(getattr(e, "command", None), CancelReply)]
    at = round(to_ms(given_up.at)) - 300
    caller = Speech(at, at + 1500, "is monday free")
    world = call(policy=policy, turns=(caller,), fault=second_clause_lost)
    assert world.commands(PausePlayout)
    assert heard(world) == ["Hello there,", REPLY]
