"""What the core does when the agent's own code hands the call over, speaks or ends it."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.commands import (
    CallTool,
    ContinueReply,
    EndCall,
    GenerateReply,
    HandOver,
    Message,
)
from pipelines.turn_taking.conversation import Conversation
from pipelines.turn_taking.events import (
    EndRequested,
    HandoverRequested,
    SayRequested,
    ToolFailed,
    ToolFinished,
    TransferRequested,
)
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import AgentPolicy
from pipelines.turn_taking.requests import MOST_WAITING
from pipelines.turn_taking.time import from_ms

from .test_tool_use import POLICY, QUESTION, heard, ran, spoken
from .world import Speech, World

GREETED = replace(POLICY, agent=AgentPolicy(system_prompt="Be brief.", greeting="Hello."))
LATER = Speech(6000, 7000, "on monday")


def handover(greeting="", summary=None, agent="Booking", prompt="You book."):
    """Has the tool `book` hand the call over instead of answering."""

    def fault(event):
        if isinstance(event, ToolFinished):
            number, job = 1, event.job
            return [HandoverRequested(event.at, job, number, agent, prompt, greeting, summary)]
        return [event]

    return fault


def replayed(world):
    """The same commands come of the same events."""
    core = Conversation(world.policy)
    events = [entry for entry in world.journal if not isinstance(entry, Issued)]
    issued = [entry.command for entry in world.journal if isinstance(entry, Issued)]
    return [command for event in events for command in core.handle(event)] == issued


# --- handing over from a tool -------------------------------------------------------------------


def test_the_other_agent_goes_on_with_the_reply_under_its_own_prompt():
    said = "One moment. @acts:book On which day?"
    world = ran(World(GREETED, [QUESTION], [said], fault=handover()))
    [command] = world.commands(HandOver)
    assert (command.number, command.agent) == (1, "Booking")
    [continued] = world.commands(ContinueReply)
    assert continued.history == (
        Message("system", "You book."),
        Message("agent", "Hello."),
        Message("caller", QUESTION.text),
        Message("agent", "One moment."),
    )
    assert heard(world) == ["Hello.", "One moment.", "On which day?"]
    assert world.verdicts("handed_over")
    assert replayed(world)


def test_its_greeting_is_said_instead_of_asking_its_llm():
    world = ran(World(POLICY, [QUESTION], ["@acts:book no"], fault=handover("Booking here.")))
    assert heard(world) == ["Booking here."]
    assert not world.commands(ContinueReply)
    assert world.verdicts("agent_speaks")
    assert replayed(world)


def test_a_greeting_that_cannot_be_said_is_none():
    world = ran(World(POLICY, [QUESTION], ["@acts:book Which day?"], fault=handover("…")))
    assert heard(world) == ["Which day?"]


def test_a_summary_stands_for_all_that_was_said_before_the_callers_turn():
    speech, replies = [QUESTION, LATER], ["@acts:book Which day?", "Booked."]
    world = ran(World(GREETED, speech, replies, fault=handover(summary="Ann is new.")))
    first = (Message("system", "You book.\n\nAnn is new."), Message("caller", QUESTION.text))
    assert world.commands(ContinueReply)[0].history == first
    asked = world.commands(GenerateReply)[-1].history
    assert asked == (*first, Message("agent", "Which day?"), Message("caller", LATER.text))


def test_an_agent_without_a_prompt_keeps_the_one_there_is():
    world = ran(World(POLICY, [QUESTION], ["@acts:book Which day?"], fault=handover(prompt="")))
    assert world.commands(ContinueReply)[0].history[0] == Message("system", "Be brief.")


def test_a_reply_that_is_interrupted_meanwhile_is_lost_and_the_call_is_handed_over_all_the_same():
    speech = [QUESTION, Speech(3000, 4800, "no wait I want something else")]
    replies = ["Let me see whether I can put you through now. @acts:book Which day?", "Yes."]

    def late(event):
        events = handover("Booking here.")(event)
        return [replace(each, at=each.at + from_ms(4000)) if each is not event else each
                for each in events]  # fmt: skip

    world = ran(World(POLICY, speech, replies, fault=late, until_ms=14_000))
    assert world.commands(HandOver)
    assert "Booking here." not in spoken(world)
    assert world.core.history[0] == Message("system", "You book.")


# --- from a hook --------------------------------------------------------------------------------


def test_a_hook_hands_over_what_follows_and_the_other_greets_when_nobody_speaks():
    asked = HandoverRequested(from_ms(2500), None, 1, "Booking", "You book.", "Booking here.", None)
    world = ran(World(POLICY, [QUESTION, LATER], ["It is."], extra=[asked]))
    assert heard(world)[:2] == ["It is.", "Booking here."]
    assert world.commands(GenerateReply)[-1].history[0] == Message("system", "You book.")
    assert replayed(world)


def test_a_sentence_is_said_when_nobody_speaks():
    world = ran(World(POLICY, [QUESTION], ["It is."], extra=[SayRequested(from_ms(1500), "Well.")]))
    assert heard(world) == ["It is.", "Well."]
    world = ran(World(POLICY, [], extra=[SayRequested(from_ms(1500), "Well.")]))
    assert heard(world) == ["Well."]
    assert replayed(world)


def test_a_sentence_fills_the_wait_for_the_first_words_of_a_reply():
    slow = World(POLICY, [QUESTION], ["It is."], extra=[SayRequested(from_ms(2700), "A moment.")])
    slow.delays = replace(slow.delays, first_token=2000)
    assert heard(ran(slow)) == ["A moment. It is."] or heard(slow) == ["A moment.", "It is."]


def test_a_sentence_waits_for_a_turn_that_turns_out_to_be_none():
    cough = Speech(1000, 1600, "")
    world = ran(World(POLICY, [cough], extra=[SayRequested(from_ms(1400), "Well.")]))
    assert heard(world)[-1] == "Well."


def test_what_cannot_be_said_does_not_hold_up_what_comes_after():
    extra = [SayRequested(from_ms(1500), "…"), SayRequested(from_ms(1500), "Well.")]
    assert heard(ran(World(POLICY, [], extra=extra))) == ["Well."]


@pytest.mark.parametrize(("goodbye", "said"), [("See you.", "See you."), ("", "Goodbye!")])
def test_the_call_ends_after_the_reply_with_a_goodbye(goodbye, said):
    policy = replace(POLICY, agent=AgentPolicy(goodbye="Goodbye!"))
    extra = [EndRequested(from_ms(2500), goodbye)]
    world = ran(World(policy, [QUESTION], ["It is."], extra=extra))
    assert heard(world) == ["It is.", said]
    assert world.commands(EndCall)
    assert replayed(world)


def test_a_caller_is_put_through_by_the_tool_and_told_if_that_fails():
    extra = [TransferRequested(from_ms(1500), "reception")]
    world = ran(World(POLICY, [], extra=extra))
    [call] = world.commands(CallTool)
    assert (call.name, call.arguments) == ("transfer_call", '{"to": "reception"}')

    def fails(event):
        if isinstance(event, ToolFinished):
            return [ToolFailed(event.at, event.job, "busy")]
        return [event]

    world = ran(World(POLICY, [], extra=extra, fault=fails))
    assert heard(world) == [POLICY.agent.apology]
    assert replayed(world)


def test_only_so_much_is_waited_with():
    extra = [SayRequested(from_ms(1500), "Well.")] * (MOST_WAITING + 9)
    world = ran(World(POLICY, [], extra=extra, until_ms=60_000))
    assert MOST_WAITING <= spoken(world).count("Well.") <= MOST_WAITING + 1
