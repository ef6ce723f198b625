"""What the core promises about the tools that a reply calls, one behaviour a test."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.commands import (
    CallTool,
    CancelTool,
    ContinueReply,
    EndCall,
    GenerateReply,
    Message,
    SynthesizeClause,
)
from pipelines.turn_taking.events import Event, ToolFinished, ToolRequested
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import (
    AgentPolicy,
    EndpointingPolicy,
    Policy,
    SpeculationPolicy,
    ToolPolicy,
)
from pipelines.turn_taking.time import from_ms, to_ms
from pipelines.turn_taking.transitions import Agent

from .world import Delays, Speech, World, failed

POLICY = Policy(
    agent=AgentPolicy(system_prompt="Be brief."),
    endpointing=EndpointingPolicy(weights=(("words", 1.0),), text_detectors=("words",)),
    speculation=SpeculationPolicy(preemptive_reply_above=1.1),
)
QUESTION = Speech(1000, 2000, "is monday free")
EARLY = "@reads:slots Monday is free."
BOOKING = "@acts:book It is booked."


def call_of(name: str) -> Message:
    return Message("tool_call", f'{{"name": "{name}", "arguments": {{}}}}')


def ran(world: World) -> World:
    world.run()
    return world


def at_of(world: World, kind: type) -> list[float]:
    """The moments of a command, in ms."""
    return [
        to_ms(entry.at)
        for entry in world.journal
        if isinstance(entry, Issued) and isinstance(entry.command, kind)
    ]


def spoken(world: World) -> list[str]:
    return [clause.text for clause in world.commands(SynthesizeClause)]


def heard(world: World) -> list[str]:
    return [message.text for message in world.core.history if message.role == "agent"]


# --- the ordinary course ------------------------------------------------------------------------


def test_the_model_reads_what_the_tool_answered_and_the_reply_goes_on():
    world = ran(World(POLICY, [QUESTION], ["Let me see. " + EARLY]))
    [called] = world.commands(CallTool)
    assert (called.name, called.arguments) == ("slots", "{}")
    [continued] = world.commands(ContinueReply)
    asked = world.commands(GenerateReply)[-1].history
    answered = (
        Message("agent", "Let me see."), call_of("slots"), Message("tool_result", "slots done"),
    )  # fmt: skip
    assert continued.history == (*asked, *answered)
    assert world.core.history == (*continued.history, Message("agent", "Monday is free."))
    assert world.core.agent is Agent.LISTENING


def test_tools_of_one_round_run_side_by_side_and_are_waited_for_together():
    world = ran(World(POLICY, [QUESTION], ["@reads:slots @reads:prices Monday is free."]))
    first, second = at_of(world, CallTool)
    assert second - first < 50
    [continued] = world.commands(ContinueReply)
    results = [message.text for message in continued.history if message.role == "tool_result"]
    assert results == ["slots done", "prices done"]


def test_a_reply_may_ask_again_after_a_result_but_not_for_ever():
    policy = replace(POLICY, tools=ToolPolicy(max_rounds=2))
    twice = "@reads:a then @reads:b so it is."
    assert heard(ran(World(policy, [QUESTION], [twice]))) == ["then", "so it is."]
    world = ran(World(policy, [QUESTION], ["@reads:a Well, @reads:b hm, @reads:c no."]))
    assert [call.name for call in world.commands(CallTool)] == ["a", "b"]
    assert len(world.verdicts("tool_refused")) == 1
    assert heard(world) == ["Well,", "hm,"]


def test_a_model_that_only_asks_for_tools_is_apologised_for():
    world = ran(World(POLICY, [QUESTION], ["@reads:a"]))
    assert heard(world) == [POLICY.agent.apology]
    assert " ".join(spoken(world)) == POLICY.agent.apology
    assert world.core.agent is Agent.LISTENING


def test_a_request_that_is_told_twice_is_one_call():
    def twice(event: Event) -> list[Event]:
        again = replace(event, at=event.at + from_ms(1))
        return [event, again] if isinstance(event, ToolRequested | ToolFinished) else [event]

    world = ran(World(POLICY, [QUESTION], [BOOKING], fault=twice))
    assert len(world.commands(CallTool)) == 1
    assert heard(world) == ["It is booked."]


# --- before the turn is over --------------------------------------------------------------------

HESITANT = replace(
    POLICY,
    endpointing=replace(POLICY.endpointing, delays_ms=((0.0, 1500), (1.0, 1500))),
    speculation=SpeculationPolicy(preemptive_reply_above=0.5),
)


def test_a_tool_that_reads_runs_before_the_turn_is_over_and_one_that_acts_does_not():
    early = ran(World(HESITANT, [QUESTION], [EARLY]))
    [ended] = early.verdicts("turn_ended")
    assert at_of(early, CallTool)[0] < to_ms(ended.at)
    late = ran(World(HESITANT, [QUESTION], [BOOKING]))
    [ended] = late.verdicts("turn_ended")
    assert at_of(late, CallTool) == [to_ms(ended.at)]
    assert heard(late) == ["It is booked."]


def test_when_the_caller_goes_on_what_acts_was_never_called_and_what_reads_is_given_up():
    went_on = [QUESTION, Speech(3000, 3600, "or tuesday")]
    world = ran(World(HESITANT, went_on, [BOOKING], delays=Delays(tool=2000)))
    [ended] = world.verdicts("turn_ended")
    assert at_of(world, CallTool) == [to_ms(ended.at)]
    world = ran(World(HESITANT, went_on, [EARLY], delays=Delays(tool=2000)))
    assert len(world.commands(CancelTool)) == 1
    assert len(world.commands(CallTool)) == 2


# --- what the caller hears meanwhile ------------------------------------------------------------


def test_a_slow_tool_is_bridged_by_a_filler_that_enters_the_history_as_heard():
    world = ran(World(POLICY, [QUESTION], [EARLY], delays=Delays(tool=3000)))
    assert heard(world) == ["One moment, please.", "Monday is free."]
    roles = [message.role for message in world.core.history]
    assert roles == ["system", "caller", "agent", "tool_call", "tool_result", "agent"]
    [called] = at_of(world, CallTool)
    [filler] = [e for e in world.verdicts("agent_speaks") if e.command.reason.rule == "filler"]
    assert to_ms(filler.at) == pytest.approx(called + 700, abs=15)


def test_a_fast_tool_needs_no_filler_nor_does_one_behind_words_that_are_still_heard():
    assert "One moment, please." not in spoken(ran(World(POLICY, [QUESTION], [EARLY])))
    long = "I will have a look at the calendar of the coming week for you. " + EARLY
    world = ran(World(POLICY, [QUESTION], [long], delays=Delays(tool=3000)))
    assert "One moment, please." not in spoken(world)


def test_without_a_filler_there_is_silence():
    policy = replace(POLICY, tools=ToolPolicy(filler=""))
    world = ran(World(policy, [QUESTION], [EARLY], delays=Delays(tool=3000)))
    assert heard(world) == ["Monday is free."]


# --- interruptions ------------------------------------------------------------------------------

BARGE_IN = [QUESTION, Speech(3600, 4700, "no wait i meant tuesday")]


def test_what_acts_runs_to_its_end_and_the_next_turn_knows_of_it():
    replies = [BOOKING, "Tuesday then."]
    slow = ran(World(POLICY, BARGE_IN, replies, delays=Delays(tool=4000)))
    assert slow.commands(CancelTool) == []
    during = slow.commands(GenerateReply)[-1].history
    assert during[-3] == call_of("book")
    assert during[-2].text.startswith("still running")
    assert Message("tool_result", "book done") in slow.core.history
    assert [m.text for m in slow.core.history if m.role == "caller"] == [
        "is monday free", "no wait i meant tuesday",
    ]  # fmt: skip


def test_what_only_reads_is_given_up_and_leaves_no_trace():
    replies = [EARLY, "Tuesday is free."]
    world = ran(World(POLICY, BARGE_IN, replies, delays=Delays(tool=4000)))
    assert len(world.commands(CancelTool)) >= 1
    assert not [m for m in world.core.history if m.role.startswith("tool")]
    assert heard(world)[-1] == "Tuesday is free."


def test_a_reply_that_has_acted_is_not_taken_back_when_the_caller_goes_on_before_it_is_heard():
    delays = Delays(tool=10, first_token=900)
    world = ran(World(POLICY, [QUESTION, Speech(3300, 4300, "on sunday i mean")],
                      [BOOKING, "Sunday then."], delays=delays))  # fmt: skip
    roles = [message.role for message in world.core.history]
    assert world.verdicts("turn_reopened") == []
    assert roles == ["system", "caller", "tool_call", "tool_result", "caller", "agent"]


# --- what goes wrong ----------------------------------------------------------------------------


def test_the_model_is_told_of_a_failure_and_the_reply_goes_on():
    world = ran(World(POLICY, [QUESTION], ["@acts:broken Sorry, that failed."]))
    [continued] = world.commands(ContinueReply)
    assert continued.history[-1] == Message("tool_result", "error: no connection")
    assert heard(world) == ["Sorry, that failed."]


@pytest.mark.parametrize(("effect", "given_up"), [("reads", 1), ("acts", 0)])
def test_a_tool_that_never_answers_is_waited_for_only_so_long(effect: str, given_up: int):
    policy = replace(POLICY, tools=ToolPolicy(timeout_ms=1500))
    world = ran(World(policy, [QUESTION], [f"@{effect}:book No answer, sorry."],
                      fault=lambda e: [] if isinstance(e, ToolFinished) else [e]))  # fmt: skip
    [continued] = world.commands(ContinueReply)
    assert continued.history[-1].text.startswith("error: no answer within 1.5 s")
    assert len(world.commands(CancelTool)) == given_up
    assert world.core.agent is Agent.LISTENING


def test_an_answer_that_comes_after_all_corrects_the_history():
    policy = replace(POLICY, tools=ToolPolicy(timeout_ms=1000))
    world = ran(World(policy, [QUESTION], [BOOKING], delays=Delays(tool=5000)))
    assert Message("tool_result", "book done") in world.core.history


def test_a_continuation_that_fails_is_apologised_for_even_behind_a_filler():
    def broken(event: Event) -> list[Event]:
        continued = {command.job for command in world.commands(ContinueReply)}
        return [failed(event, "llm")] if getattr(event, "job", 0) in continued else [event]

    world = World(POLICY, [QUESTION], [EARLY], delays=Delays(tool=1000), fault=broken)
    world.run()
    assert heard(world) == ["One moment, please.", POLICY.agent.apology]
    assert world.core.agent is Agent.LISTENING


# --- ending the call and such -------------------------------------------------------------------


def test_the_call_ends_when_the_last_words_were_heard():
    world = ran(World(POLICY, [QUESTION], ["Thank you, goodbye. @ends_call:end_call"]))
    assert heard(world) == ["Thank you, goodbye."]
    done = [to_ms(e.at) for e in world.verdicts("agent_done")]
    assert at_of(world, EndCall) == done[-1:]
    assert world.commands(CallTool) == []


def test_nobody_is_hung_up_on_without_a_word():
    world = ran(World(POLICY, [QUESTION], ["@ends_call:end_call"]))
    assert heard(world) == [POLICY.agent.goodbye]
    assert world.core.agent is Agent.ENDED


def test_a_caller_who_interrupts_the_last_words_keeps_the_call():
    last = "Thank you very much for calling us today, and have a nice week. @ends_call:end_call"
    interrupting = [QUESTION, Speech(3600, 4700, "no wait one more thing")]
    world = ran(World(POLICY, interrupting, [last, "Of course."]))
    assert world.commands(EndCall) == []
    assert heard(world)[-1] == "Of course."


def test_the_call_does_not_end_over_a_tool_that_failed():
    reply = "Goodbye. @acts:broken @ends_call:end_call Sorry, that failed."
    world = ran(World(POLICY, [QUESTION], [reply]))
    assert world.commands(EndCall) == []
    assert heard(world) == ["Goodbye.", "Sorry, that failed."]


@pytest.mark.parametrize("effect", ["transfers", "sends_keys"])
def test_what_must_keep_its_place_among_the_words_waits_until_they_were_heard(effect: str):
    world = ran(World(POLICY, [QUESTION], [f"I'll put you through. @{effect}:it Done."]))
    [called] = at_of(world, CallTool)
    marks = [to_ms(e.at) for e in world.journal if type(e).__name__ == "MarkReached"]
    assert called == marks[0]
    assert heard(world) == ["I'll put you through.", "Done."]
