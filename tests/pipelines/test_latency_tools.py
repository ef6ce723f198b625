"""Where the time of tools shows in a turn's latency."""

from dataclasses import replace

import pytest

from pipelines.latency import fold_turns, spans_worth_showing
from pipelines.turn_taking.policy import EndpointingPolicy, Policy, SpeculationPolicy, ToolPolicy
from pipelines.turn_taking.time import to_ms
from tests.pipelines.turn_taking.world import Delays, Speech, World

POLICY = Policy(
    endpointing=EndpointingPolicy(weights=(("words", 1.0),), text_detectors=("words",)),
    speculation=SpeculationPolicy(preemptive_reply_above=1.1),
)
SILENT = replace(POLICY, tools=ToolPolicy(filler=""))


def turn_of(policy: Policy, reply: str, tool_ms: int):
    world = World(policy, [Speech(1000, 2000, "is monday free")], [reply],
                  delays=Delays(tool=tool_ms))  # fmt: skip
    (turn,) = fold_turns(world.run())
    assert turn.voice_to_voice == sum(turn.spans.values())
    assert turn.playout is not None
    assert turn.voice_to_voice == turn.playout - turn.end
    return turn, {name: to_ms(span) for name, span in turn.spans.items()}


def test_the_first_words_wait_for_the_model_to_ask_and_the_tool_to_answer():
    turn, spans = turn_of(SILENT, "@reads:slots Monday is free.", 1500)
    # 100 ms until the model asks, 1500 ms until the answer, 100 ms until the first word after it.
    assert spans["tools"] == pytest.approx(1600, abs=1)
    assert spans["llm_ttft"] == pytest.approx(100, abs=1)
    assert turn.written == "Monday is free."


def test_two_rounds_before_a_word_are_waited_for_together():
    _, spans = turn_of(SILENT, "@reads:a @reads:b Monday is free.", 500)
    assert spans["tools"] == pytest.approx(610, abs=1)


def test_a_tool_behind_words_of_the_model_delays_nothing():
    turn, spans = turn_of(SILENT, "Let me see. @reads:slots Monday is free.", 1500)
    assert spans["tools"] == 0
    assert "tools" not in spans_worth_showing(turn.spans)


def test_a_filler_ends_the_wait():
    _, spans = turn_of(POLICY, "@reads:slots Monday is free.", 3000)
    assert spans["tools"] == pytest.approx(100 + 700, abs=15)
    assert spans["llm_ttft"] == spans["first_clause"] == 0


def test_each_tool_of_a_turn_is_listed_with_its_time_and_outcome():
    turn, _ = turn_of(SILENT, "@reads:a @acts:broken Monday is free.", 500)
    assert [(use.name, use.outcome) for use in turn.tools] == [
        ("a", "answered"),
        ("broken", "failed"),
    ]
    assert [to_ms(use.took) for use in turn.tools] == pytest.approx([500, 500], abs=1)


@pytest.mark.parametrize(
    ("tool", "outcome", "took_ms"),
    [("@reads:slots", "given_up", 700), ("@acts:book", "open", None)],
)
def test_a_tool_that_takes_too_long_is_given_up_unless_it_cannot_be(tool, outcome, took_ms):
    policy = replace(POLICY, tools=ToolPolicy(filler="", timeout_ms=700))
    turn, _ = turn_of(policy, f"{tool} That takes too long.", 60_000)
    (use,) = turn.tools
    assert use.outcome == outcome
    assert (None if use.took is None else to_ms(use.took)) == took_ms
