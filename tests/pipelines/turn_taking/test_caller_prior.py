"""The wait follows the caller's own pauses."""

from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st

from pipelines.turn_taking.commands import Command
from pipelines.turn_taking.context import CallContext, Jobs, Questions, Timers
from pipelines.turn_taking.endpointing import CallerPrior
from pipelines.turn_taking.events import CallerTyped, EndOfTurnScored
from pipelines.turn_taking.policy import AgentPolicy, EndpointingPolicy, Policy
from pipelines.turn_taking.time import from_ms

from .world import Speech, World

POLICY = Policy(
    agent=AgentPolicy(system_prompt="Be brief."),
    endpointing=EndpointingPolicy(
        weights=(("words", 1.0),),
        text_detectors=("words",),
        delays_ms=((0.0, 2000), (1.0, 0)),
    ),
)
ALIKE = replace(POLICY, endpointing=replace(POLICY.endpointing, caller_prior_most=0))
LAST = Speech(21_000, 22_000, "on friday")


def half(text: str) -> float:
    """Undecided about the last words, sure of all others."""
    return 0.5 if text.endswith("friday") else 0.97


def turns(pause_ms: int) -> list[Speech]:
    """Four turns, each with a pause within unless it is 0; then the last."""
    said: list[Speech] = []
    for start in range(1000, 21_000, 5000):
        middle = start + 500
        said.append(Speech(start, middle, "well"))
        said.append(Speech(middle + pause_ms, middle + pause_ms + 500, "a table for two"))
    return [*said, LAST]


def waits(speech: list[Speech], policy: Policy = POLICY) -> list[float]:
    """The silence that ended each turn, in ms."""
    hesitant = World(
        policy,
        speech,
        replies=("Yes.",),
        p_end=lambda text: 0.02 if text == "well" else half(text),
        until_ms=30_000,
    )
    hesitant.run()
    ended = hesitant.verdicts("turn_ended")
    assert len(ended) == 5
    return [float(entry.command.reason.numbers["wait_ms"]) for entry in ended]


def test_one_who_never_pauses_is_answered_sooner_and_one_who_pauses_is_waited_for():
    [brisk, alike, hesitant] = [
        waits(turns(0))[-1], waits(turns(0), ALIKE)[-1], waits(turns(600))[-1]
    ]  # fmt: skip
    assert alike == pytest.approx(1000)
    assert brisk == pytest.approx(2000 / (1 + (4 + 8) / 8), abs=1)
    assert hesitant == pytest.approx(1000)  # as many ends as pauses: as anybody
    assert waits(turns(600))[0] > waits(turns(600), ALIKE)[0]  # one pause, and no end yet


def detected(words: float, voice: float) -> list[float]:
    """The waits of a caller who pauses a lot, when words and voice take all turns alike."""
    endpointing = replace(
        POLICY.endpointing, weights=(("words", 1.0), ("voice", 1.0)), caller_prior_strength=1
    )
    world = World(
        replace(POLICY, endpointing=endpointing),
        turns(600),
        replies=("Yes.",),
        until_ms=30_000,
        p_end=lambda text: 0.02 if text == "well" else words,
        fault=lambda event: (
            [replace(event, probability=voice if event.probability > 0.02 else 0.02)]
            if isinstance(event, EndOfTurnScored) and event.detector == "voice"
            else [event]
        ),
    )
    world.run()
    return [
        float(entry.command.reason.numbers["wait_ms"]) for entry in world.verdicts("turn_ended")
    ]


def test_a_certain_end_is_never_delayed_by_more_than_150_ms():
    """Certain: the words say that the turn is over, and the voice does, too."""
    certain = 2000 * (1 - 0.9)
    assert max(detected(0.9, 0.9)) == pytest.approx(certain + 150)
    doubtful = detected(0.997, 0.2)  # together about the same, but the voice goes on
    assert max(doubtful) > min(doubtful) + 150


def test_gaps_between_words_are_no_pauses():
    assert waits(turns(150)) == pytest.approx(waits(turns(0)))


def test_with_no_part_in_it_all_callers_are_waited_for_alike():
    assert waits(turns(0), ALIKE)[-1] == waits(turns(600), ALIKE)[-1]


def learned(world: World) -> list[tuple[object, object]]:
    numbers = [entry.command.reason.numbers for entry in world.verdicts("pauses_learned")]
    return [(of["ends"], of["pauses"]) for of in numbers]


def test_an_end_that_was_none_is_counted_as_a_pause():
    said = [Speech(1000, 2000, "a table"), Speech(2500, 4500, "for two on monday i think")]
    world = World(POLICY, said, p_end=lambda text: 0.9 if text else 0.3, until_ms=12_000)
    world.run()
    assert world.verdicts("turn_reopened") or world.verdicts("overlap_interrupts")
    assert learned(world) == [(1, 0), (0, 1), (1, 1)]


def test_an_interruption_after_some_of_the_reply_is_no_pause():
    reply = "First of all. Then there is the matter of the menu, which is rather long."
    said = [Speech(1000, 2000, "a table"), Speech(4200, 6000, "no wait i meant a room")]
    world = World(POLICY, said, replies=(reply,), until_ms=14_000)
    world.run()
    assert world.verdicts("overlap_interrupts")
    assert learned(world) == [(1, 0), (2, 0)]


def test_speaking_over_the_answer_to_typed_words_says_nothing_of_pauses():
    world = World(
        POLICY,
        [Speech(1600, 3200, "no wait i meant a room")],
        extra=[CallerTyped(from_ms(1000), "a table")],
        until_ms=9000,
    )
    world.run()
    assert learned(world) == [(1, 0)]


def test_each_decision_says_what_the_callers_pauses_added():
    world = World(POLICY, [Speech(1000, 2000, "hello"), Speech(8000, 9000, "bye")], until_ms=15_000)
    world.run()
    first, second = (str(entry.command.reason) for entry in world.verdicts("turn_ended"))
    assert "own pauses" not in first
    assert "(words 0.90, own pauses +0.12)" in second


@given(st.lists(st.sampled_from(["end", "pause", "cut", "gap"]), max_size=300))
def test_whatever_happens_it_stays_within_its_bound_and_moves_the_right_way(happened: list[str]):
    out: list[Command] = []
    prior = CallerPrior(CallContext(POLICY, Jobs(), Timers(), Questions(), out.append))
    for number, kind in enumerate(happened):
        before = prior.log_odds
        if kind == "end":
            prior.ended(number)
            assert prior.log_odds >= before
        elif kind == "pause":
            prior.went_on(from_ms(900))
            assert prior.log_odds <= before
        elif kind == "cut":
            prior.cut_into(number - 1)
            assert prior.log_odds <= before
        else:
            prior.went_on(from_ms(120))
            assert prior.log_odds == before
        assert abs(prior.log_odds) <= POLICY.endpointing.caller_prior_most
