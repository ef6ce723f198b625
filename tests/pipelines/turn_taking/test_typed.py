"""What the caller does by hand: words typed instead of spoken, and the agent stopped on request."""

from dataclasses import replace

from pipelines.turn_taking.commands import ClearPlayout, GenerateReply, Message, PausePlayout
from pipelines.turn_taking.events import CallerTyped, CallerTyping, InterruptRequested
from pipelines.turn_taking.policy import AgentPolicy, BargeInPolicy, Policy
from pipelines.turn_taking.time import from_ms, to_ms

from .world import Speech, World

POLICY = Policy(agent=AgentPolicy(system_prompt="Take bookings.", greeting="", idle_ms=60_000))


def test_typed_words_are_answered_at_once_without_looking_for_the_end_of_a_turn():
    world = World(POLICY, extra=[CallerTyped(from_ms(1000), "a table for two ")])
    world.run()
    [ended] = world.verdicts("turn_ended")
    assert to_ms(ended.at) == 1000
    assert ended.command.reason.rule == "end_by_typing"
    assert str(ended.command.reason) == "answered: the caller wrote “a table for two”"
    assert Message("caller", "a table for two") in world.core.history


def test_typed_words_stop_the_agent():
    world = World(
        POLICY,
        extra=[CallerTyped(from_ms(1000), "hello"), CallerTyped(from_ms(1500), "never mind")],
    )
    world.run()
    [stopped] = world.verdicts("overlap_interrupts")
    assert stopped.command.reason.rule == "interrupted_by_typing"
    assert to_ms(stopped.at) == 1500
    assert [m.text for m in world.core.history if m.role == "caller"] == ["hello", "never mind"]


def test_typed_words_wait_for_an_utterance_that_may_not_be_interrupted():
    policy = replace(
        POLICY,
        agent=replace(POLICY.agent, greeting="This call is recorded."),
        barge_in=BargeInPolicy(greeting_interruptible=False),
    )
    extra = [CallerTyped(from_ms(300), "a table"), CallerTyped(from_ms(400), "for two")]
    world = World(policy, extra=extra)
    world.run()
    assert not world.commands(PausePlayout)
    [greeted, _] = world.verdicts("agent_done")
    [ended] = world.verdicts("turn_ended")
    assert ended.at >= greeted.at
    assert Message("caller", "a table for two") in world.core.history


def test_words_typed_while_the_caller_speaks_belong_to_the_same_turn():
    world = World(
        POLICY,
        [Speech(1000, 2000, "my name is")],
        extra=[CallerTyped(from_ms(1500), "Smythe")],
    )
    world.run()
    [ended] = world.verdicts("turn_ended")
    text = ended.command.text
    assert "Smythe" in text
    assert "my name is" in text


def test_nothing_typed_is_no_turn():
    world = World(POLICY, extra=[CallerTyped(from_ms(1000), "  ")])
    world.run()
    assert not world.commands(GenerateReply)


def test_the_agent_stops_when_asked_to_and_its_history_ends_where_it_was_heard():
    world = World(
        POLICY,
        extra=[CallerTyped(from_ms(1000), "hello"), InterruptRequested(from_ms(1500))],
    )
    world.run()
    [stopped] = world.verdicts("overlap_interrupts")
    assert stopped.command.reason.rule == "interrupted_by_request"
    [clear] = world.commands(ClearPlayout)
    assert str(clear.reason) == "interruption: asked for by hand"
    agent = [m.text for m in world.core.history if m.role == "agent"]
    assert agent == ["Of"]


def test_asking_a_silent_agent_to_stop_changes_nothing():
    world = World(POLICY, extra=[InterruptRequested(from_ms(1000))], until_ms=3000)
    world.run()
    assert not world.verdicts("overlap_interrupts")
    assert not world.commands(ClearPlayout)


def test_a_caller_who_stopped_the_agent_and_then_says_nothing_is_asked_whether_they_are_there():
    policy = replace(POLICY, agent=replace(POLICY.agent, idle_ms=2000))
    extra = [CallerTyped(from_ms(1000), "hello"), InterruptRequested(from_ms(1700))]
    world = World(policy, extra=extra, until_ms=5000)
    world.run()
    [asked] = [d for d in world.verdicts("agent_speaks") if d.command.reason.rule == "idle"]
    assert to_ms(asked.at) == 3700


def asked_while(*typing_ms: int, until_ms: int) -> list[float]:
    """When the agent asked whether anybody is there, of a caller who writes at those moments."""
    policy = replace(POLICY, agent=replace(POLICY.agent, greeting="Hi.", idle_ms=2000))
    extra = [CallerTyping(from_ms(ms)) for ms in typing_ms]
    world = World(policy, extra=extra, until_ms=until_ms)
    world.run()
    return [to_ms(d.at) for d in world.verdicts("agent_speaks") if d.command.reason.rule == "idle"]


def test_who_is_writing_is_not_asked_whether_they_are_there():
    assert asked_while(until_ms=9000)
    assert asked_while(*range(500, 9000, 1500), until_ms=9000) == []


def test_who_stops_writing_is_asked_after_the_whole_wait_from_the_last_key():
    assert asked_while(1500, 3000, until_ms=5500) == [5000]


def test_writing_starts_the_count_of_questions_anew():
    silent = World(replace(POLICY, agent=replace(POLICY.agent, greeting="Hi.", idle_ms=2000)),
                   until_ms=30_000)  # fmt: skip
    silent.run()
    assert [d for d in silent.verdicts("agent_speaks") if d.command.reason.rule == "idle_too_long"]
    asked = asked_while(*range(4000, 30_000, 3500), until_ms=30_000)
    assert len(asked) > len(POLICY.agent.idle_prompts)


def test_writing_stops_nothing_and_is_no_turn():
    extra = [CallerTyped(from_ms(1000), "hello"), CallerTyping(from_ms(1500))]
    world = World(POLICY, extra=extra)
    world.run()
    assert not world.commands(ClearPlayout)
    assert len(world.verdicts("turn_ended")) == 1
