"""A sentence that is whole is spoken, though the model falls silent after it."""

from dataclasses import replace

import pytest

from pipelines.turn_taking.clauses import ClauseSplitter
from pipelines.turn_taking.commands import SynthesizeClause
from pipelines.turn_taking.events import DeadlineReached, Event, ReplyCompleted, ReplyTextReceived
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.policy import ClausePolicy, Policy, SpeculationPolicy
from pipelines.turn_taking.time import from_ms, to_ms

from .world import Speech, World, failed

IN_TURN = SpeculationPolicy(preemptive_reply_above=1.1)
STALL_MS = 2500


def call(said, then, *, clauses=None, speculation=IN_TURN, rest=lambda event: event):
    """The model writes some words, and the others 2.5 s later; `rest` changes those."""
    words = len(said.split())
    told: dict[int, int] = {}

    def fault(event: Event) -> list[Event]:
        if not isinstance(event, ReplyTextReceived | ReplyCompleted):
            return [event]
        told[event.job] = told.get(event.job, 0) + 1
        late = told[event.job] > words
        return [rest(replace(event, at=event.at + from_ms(STALL_MS)))] if late else [event]

    policy = Policy(clauses=clauses or ClausePolicy(), speculation=speculation)
    question = Speech(1000, 2000, "is monday free")
    world = World(policy, [question], [f"{said} {then}"], fault=fault, until_ms=15_000)
    world.run()
    return world


def spoken(world):
    """The clauses, each with the ms since the last text before it."""
    clauses, written = [], 0
    for entry in world.journal:
        if isinstance(entry, ReplyTextReceived):
            written = entry.at
        elif isinstance(entry, Issued) and isinstance(entry.command, SynthesizeClause):
            clauses.append((entry.command.text, to_ms(entry.at - written)))
    return clauses


@pytest.mark.parametrize("cut_at", ["clause", "sentence"])
@pytest.mark.parametrize("said", ["Sure, I can help you.", "Yes.", "Is it?", "Well, let me see…"])
def test_it_is_spoken_a_quarter_of_a_second_later(said, cut_at):
    world = call(said, "Which day suits you?", clauses=ClausePolicy(cut_at=cut_at))
    last = [after for text, after in spoken(world) if text == said or said.endswith(text)]
    assert last[-1:] == [250]
    [heard] = [message.text for message in world.core.history if message.role == "agent"]
    assert heard == f"{said} Which day suits you?"


def test_so_is_one_behind_which_the_next_has_begun():
    assert ("Yes.", 250) in spoken(call("Yes. We", "are open on Monday."))


@pytest.mark.parametrize(
    ("said", "then"),
    [
        ("You want to see Dr.", "Smith on Monday."),
        ("Ask for some, e.g.", "two of them."),
        ("We have more of", "them on Monday."),
        ("Sure, we have one, and", "two on Monday."),
    ],
)
def test_what_is_no_sentence_waits_for_its_end(said, then):
    world = call(said, then)
    assert all(not said.endswith(text) for text, _ in spoken(world))


@pytest.mark.parametrize("said", ["It costs $3.", "We open at 9 a.m.", "So do I.", "No."])
def test_what_is_perhaps_none_waits_longer(said):
    assert (said, 1000) in spoken(call(said, "Anything else?"))


@pytest.mark.parametrize(
    "clauses", [ClausePolicy(sentence_after_ms=0), ClausePolicy(cut_at="reply")]
)
def test_it_waits_where_the_policy_says_so(clauses):
    world = call("Sure, I can help you.", "Which day suits you?", clauses=clauses)
    assert all(after != 250 for _, after in spoken(world))


def test_a_reply_begun_early_that_has_stalled_is_spoken_when_the_turn_is_over():
    world = call("Yes.", "It is free.", speculation=SpeculationPolicy())
    [ended] = world.verdicts("turn_ended")
    issued = [entry for entry in world.journal if isinstance(entry, Issued)]
    clause = next(entry for entry in issued if isinstance(entry.command, SynthesizeClause))
    assert clause.command.text == "Yes."
    assert world.verdicts("speculation_kept")
    assert to_ms(clause.at - ended.at) <= 250


def test_nothing_of_a_reply_that_broke_is_said_later():
    def broken(event: Event) -> Event:
        return failed(replace(event, at=event.at - from_ms(STALL_MS - 100)), "llm")

    world = call("Of course, it is. Really.", "On Monday.", rest=broken)
    [heard] = [message.text for message in world.core.history if message.role == "agent"]
    assert heard == "Of course, it is."


def test_the_same_events_give_the_same_clauses_again():
    """The wait is one of the core's own deadlines, so a recorded call tells it."""
    world = call("Sure, I can help you.", "Which day suits you?")
    assert any(isinstance(entry, DeadlineReached) for entry in world.journal)
    core = type(world.core)(world.policy)
    again = [
        Issued(entry.at, command)
        for entry in world.journal
        if not isinstance(entry, Issued)
        for command in core.handle(entry)
    ]
    assert again == [entry for entry in world.journal if isinstance(entry, Issued)]


def test_a_splitter_gives_each_word_once_whenever_it_is_asked_for_sentences():
    splitter = ClauseSplitter(ClausePolicy())
    said = []
    for piece in ("Sure.", '"', " I can", " help.", " At 3.", "50, or", " so."):
        said += splitter.feed(piece)
        if splitter.sentence_after() == 250:
            said += splitter.flush_sentence()
    said += splitter.flush()
    assert " ".join(said) == 'Sure. " I can help. At 3.50, or so.'
