"""What is done before a turn is over: in which order, and how much of it may be in vain."""

from dataclasses import replace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.turn_taking.commands import (
    CancelReply,
    FinishTranscription,
    GenerateReply,
    PrepareReply,
    ScoreEndOfTurn,
)
from pipelines.turn_taking.events import (
    CallerTyped,
    ClauseSynthesized,
    DtmfReceived,
    EngineKind,
    Event,
)
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import (
    AgentPolicy,
    EndpointingPolicy,
    Policy,
    SpeculationPolicy,
)
from pipelines.turn_taking.time import from_ms, to_ms
from pipelines.turn_taking.transitions import Agent

from .world import Delays, Speech, World

AT_PAUSES = SpeculationPolicy(prefill_partials=False)
"""Nothing is done while the caller speaks; for that see test_while_speaking.py."""
POLICY = Policy(
    agent=AgentPolicy(idle_ms=60_000),
    speculation=AT_PAUSES,
    endpointing=EndpointingPolicy(
        weights=(("words", 1.0),),
        text_detectors=("words",),
        delays_ms=((0.0, 2000), (1.0, 1000)),
    ),
)
COSTS: dict[EngineKind, int] = {"asr": 100, "llm": 200, "tts": 50}
ONE_PAUSE_MS = 200 + 200 + 50
"""What a pause may waste: a prompt, a reply and its audio. The transcript is no waste."""
HESITANT = [Speech(at, at + 800, "well i would") for at in range(1000, 8200, 1600)]
"""Five stretches of one turn, 800 ms between them."""


def with_budget(budget_ms: int) -> Policy:
    return replace(POLICY, speculation=replace(AT_PAUSES, budget_ms_per_turn=budget_ms))


def run(policy: Policy, speech: list[Speech], costs: dict[EngineKind, int] | None = None) -> World:
    world = World(policy, speech, cost_ms=COSTS if costs is None else costs, until_ms=20_000)
    world.run()
    return world


def spent_ms(world: World) -> list[Any]:
    """Of each turn, what it wasted."""
    return [e.command.speech.wasted_ms for e in world.verdicts("turn_ended")]


ONCE = [Speech(1000, 2000, "what time do you open")]


def asked_before_the_end(policy: Policy, p: float) -> list[tuple[str, float]]:
    """What was asked for in advance, and how many ms before the turn was over."""
    world = World(policy, ONCE, p_end=lambda _: p)
    world.run()
    [ended] = world.verdicts("turn_ended")
    return [
        (type(e.command).__name__, to_ms(ended.at - e.at))
        for e in world.journal
        if isinstance(e, Issued) and e.at < ended.at
        and isinstance(e.command, FinishTranscription | PrepareReply | GenerateReply)
    ]  # fmt: skip


def test_words_come_first_then_the_prompt_and_then_the_reply():
    words, prompt, reply = asked_before_the_end(POLICY, 0.9)
    assert [words[0], prompt[0], reply[0]] == [
        "FinishTranscription", "PrepareReply", "GenerateReply",
    ]  # fmt: skip
    assert words[1] > prompt[1] > reply[1] > 900


def test_an_improbable_end_is_answered_ahead_when_it_is_nearly_due():
    *_, prompt, reply = asked_before_the_end(POLICY, 0.3)
    assert prompt[0] == "PrepareReply"
    assert prompt[1] > 1500
    assert reply == ("GenerateReply", 300)


@pytest.mark.parametrize("setting", [{"reply_lead_ms": 0}, {"preemptive_reply_above": 2.0}])
def test_an_improbable_end_is_never_answered_ahead_where_that_is_not_wanted(setting: Any):
    policy = replace(POLICY, speculation=replace(AT_PAUSES, **setting))
    assert [name for name, _ in asked_before_the_end(policy, 0.3)] == [
        "FinishTranscription", "PrepareReply",
    ]  # fmt: skip


def test_a_clause_made_ahead_whose_audio_never_comes_is_not_waited_for_for_ever():
    world = World(
        POLICY,
        ONCE,
        p_end=lambda _: 0.9,
        fault=lambda event: [] if isinstance(event, ClauseSynthesized) else [event],
        until_ms=40_000,
    )
    world.run()
    assert world.verdicts("speculation_kept")
    assert world.core.agent in {Agent.LISTENING, Agent.ENDED}


_LATER = from_ms(2600)


@pytest.mark.parametrize("by_hand", [
    [CallerTyped(_LATER, "on sunday")], [DtmfReceived(_LATER, "4"), DtmfReceived(_LATER, "#")],
])  # fmt: skip
def test_what_is_typed_or_keyed_after_the_reply_was_begun_is_answered_too(by_hand: list[Event]):
    world = World(POLICY, ONCE, p_end=lambda _: 0.9, extra=by_hand)
    world.run()
    first, last = world.commands(GenerateReply)
    assert [c.job for c in world.commands(CancelReply)] == [first.job]
    [ended] = world.verdicts("turn_ended")
    assert ended.command.reply == last.job
    assert last.history[-1].text == ended.command.text != "what time do you open"
    assert world.commands(ScoreEndOfTurn)[-1].text == ended.command.text


def test_what_the_answer_uses_counts_nothing_against_the_budget():
    world = run(with_budget(10_000), ONCE)
    assert spent_ms(world) == [0]
    assert world.verdicts("speculation_kept")


def test_work_in_vain_is_counted_and_stops_when_the_budget_is_spent():
    generous, mean = run(with_budget(10_000), HESITANT), run(with_budget(800), HESITANT)
    assert spent_ms(generous) == [4 * ONE_PAUSE_MS]
    assert spent_ms(mean) == [2 * ONE_PAUSE_MS]
    withheld = mean.verdicts("speculation_withheld")
    assert len(withheld) == 3
    assert {e.command.reason.rule for e in withheld} == {"budget_spent"}
    assert "reading the prompt waits for the end of the turn" in str(withheld[0].command.reason)
    assert mean.verdicts("turn_ended")[0].command.text == " ".join(
        speech.text for speech in HESITANT
    )


def test_a_spent_budget_withholds_neither_the_words_nor_the_scores():
    """They say when the turn is over, so that the wait is as long as without a budget."""
    generous, mean = run(with_budget(10_000), HESITANT), run(with_budget(100), HESITANT)
    asked = [c.reason.rule for c in mean.commands(FinishTranscription)]
    assert asked == ["lull_detected"] * len(HESITANT)
    assert len(mean.commands(ScoreEndOfTurn)) == len(generous.commands(ScoreEndOfTurn))
    [ended], [as_usual] = mean.verdicts("turn_ended"), generous.verdicts("turn_ended")
    assert ended.at == as_usual.at
    assert ended.command.speech.p == as_usual.command.speech.p


def test_without_a_budget_no_reply_is_prepared_before_the_turn_is_over():
    world = run(with_budget(0), ONCE)
    assert not world.commands(PrepareReply)
    assert [reply.speculative for reply in world.commands(GenerateReply)] == [False]


def test_each_turn_has_a_budget_of_its_own():
    later = [Speech(s.start_ms + 12_000, s.end_ms + 12_000, s.text) for s in HESITANT]
    world = World(with_budget(800), [*HESITANT, *later], cost_ms=COSTS, until_ms=40_000)
    world.run()
    assert spent_ms(world) == [2 * ONE_PAUSE_MS, 2 * ONE_PAUSE_MS]


def test_nothing_new_is_begun_while_work_in_vain_still_runs():
    slow = World(with_budget(10_000), HESITANT, cost_ms=COSTS, delays=Delays(first_token=3000))
    slow.run()
    [first, *_] = slow.verdicts("speculation_withheld")
    assert first.command.reason.rule == "still_in_vain"
    assert sum(reply.speculative for reply in slow.commands(GenerateReply)) < len(HESITANT)


def test_engines_that_report_no_costs_are_not_held_to_a_budget():
    world = run(with_budget(1), HESITANT, costs={})
    assert not world.verdicts("speculation_withheld")
    assert spent_ms(world) == [None]


@settings(max_examples=60, deadline=None)
@given(
    budget=st.integers(0, 3000),
    costs=st.fixed_dictionaries(
        {"asr": st.integers(0, 800), "llm": st.integers(0, 800), "tts": st.integers(0, 400)}
    ),
    pauses=st.lists(st.integers(150, 900), min_size=1, max_size=6),
    p=st.floats(0.01, 0.99),
    first_token=st.integers(10, 1500),
)
def test_no_turn_wastes_more_than_the_budget_and_one_pauses_work(
    budget: int, costs: dict[EngineKind, int], pauses: list[int], p: float, first_token: int
):
    speech, at = [Speech(1000, 1600, "well i")], 1600
    for pause in pauses:
        speech.append(Speech(at + pause, at + pause + 600, "would like"))
        at += pause + 600
    world = World(
        with_budget(budget), speech, p_end=lambda _: p, cost_ms=costs,
        delays=Delays(first_token=first_token), until_ms=20_000,
    )  # fmt: skip
    world.run()
    one_pause = 2 * costs["llm"] + costs["tts"]
    assert world.verdicts("turn_ended")
    assert max(spent_ms(world)) <= budget + one_pause
