"""How training text is labelled and detectors are judged."""

import importlib
import math
import random
from pathlib import Path

import numpy as np
import pytest

from pipelines.turn_taking.policy import EndpointingPolicy
from voicecli.synthetic_calls.dialogues import Turn

ROOT = Path(__file__).parents[2]


@pytest.fixture
def module(monkeypatch):
    """Modules of training/turn_model, which are no part of the installed packages."""
    monkeypatch.syspath_prepend(ROOT)
    return lambda name: importlib.import_module(f"training.turn_model.{name}")


# --- labels -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "whole"),
    [
        ("Yes, that's right.", ["yes"]),
        ("That suits me. Do they play live music?", ["me"]),
        ("To San Jose, and I need two rooms.", ["jose"]),
        ("At 11 a.m. please.", []),
        ("I want a big, cheap room.", []),
    ],
)
def test_words_are_ambiguous_where_the_turn_could_have_been_over(module, text, whole):
    heard = module("spoken").heard_words(text, None)
    assert [word.text for word in heard if word.ambiguous] == whole
    assert [word.ends for word in heard] == [False] * (len(heard) - 1) + [True]


def test_a_beginning_that_others_said_as_a_whole_sentence_is_ambiguous(module):
    spoken = module("spoken")
    said = ["Tell me the address."] * 2 + ["Tell me the address of the museum."] * 3 + ["Tell."]
    complete = spoken.complete_utterances(said)
    heard = spoken.heard_words("Tell me the address of the zoo.", None)
    marked = spoken.mark_complete(heard, complete)
    assert [word.text for word in marked if word.ambiguous] == ["address"]
    assert marked[-1].ends


def test_a_slip_of_the_pen_makes_no_sentence(module):
    said = ["I would."] * 2 + ["I would like to go."] * 60
    assert "i would" not in module("spoken").complete_utterances(said)


def test_the_examples_of_a_dictionary_are_turns_of_one_split_and_quotations_are_not(
    module, tmp_path
):
    for name in ("verb", "adj", "adv"):
        (tmp_path / f"data.{name}").write_text("")
    (tmp_path / "data.noun").write_text(
        "  1 a licence, not an entry\n"
        '00001740 03 n 01 red_fox 0 000 | an animal; "the fox ran off"; "a sly fox"; "fox"\n'
        '00001741 03 n 01 hare 0 000 | another; "hares and tortoises race"- Aesop\n'
        "00001742 03 n 01 H2O 0 000 | a liquid\n"
    )
    general = module("general")
    found = {split: general.example_turns(tmp_path, split) for split in ("train", "dev", "test")}
    texts = [turn.caller for turns in found.values() for turn in turns]
    assert sorted(texts) == ["a sly fox", "the fox ran off"]
    assert general.example_turns(tmp_path, "train") == found["train"]
    assert general.names_of_things(tmp_path) == ["hare", "red fox"]


@pytest.mark.parametrize(
    ("question", "fits"),
    [
        ("It costs 5 dollars. Shall I book it?", "yes"),
        ("Fine. On which day would that be?", "tuesday"),
        ("What time suits you?", "noon"),
        ("And how many people?", "four"),
        ("Where is it?", "downtown"),
        ("Any allergies?", "hazelnut"),
    ],
)
def test_a_question_gets_short_answers_of_the_sort_it_asks_for(module, question, fits):
    answers = {
        module("everyday").short_answer(question, ["hazelnut"], random.Random(seed)).caller  # noqa: S311 - no secret
        for seed in range(200)
    }
    assert fits in answers
    assert ("hazelnut" in answers) == (fits == "hazelnut")


def test_damage_keeps_one_end_which_promises_of_more_may_follow(module):
    spoken = module("spoken")
    turn = spoken.heard_words("I would like to book a room in San Jose for two people.", None)
    how = spoken.Damage(0.2, 0.1, 0.1, 0.2, 0.2, 0.1, continuation=0.5)
    after = []
    for seed in range(200):
        heard = spoken.damage(turn, how, ["hotel"], random.Random(seed))  # noqa: S311
        assert sum(word.ends for word in heard) == 1
        place = next(place for place, word in enumerate(heard) if word.ends)
        after.append(len(heard) - 1 - place)
    assert 0 < sum(count > 0 for count in after) < len(after)


def test_a_turn_without_damage_stays_as_it_is(module):
    spoken = module("spoken")
    turn = spoken.heard_words("Two rooms, please.", None)
    assert spoken.damage(turn, spoken.CLEAN, ["hotel"], random.Random(1)) == turn  # noqa: S311


@pytest.mark.parametrize(
    ("written", "said"),
    [
        ("11:30", "eleven thirty"),
        ("5:05", "five oh five"),
        ("$20", "twenty dollars"),
        ("2019", "two thousand nineteen"),
        ("1945", "nineteen forty five"),
        ("42 people", "forty two people"),
    ],
)
def test_numbers_are_said_in_words(module, written, said):
    words = module("numbers").say_numbers(written, random.Random(1)).split()  # noqa: S311
    assert " ".join(words) == said


# --- splits and samples -------------------------------------------------------------------------


def test_each_turn_gives_its_end_and_one_hold_the_same_every_time(module):
    turns = [Turn("d", 0, "", "Find me a room."), Turn("d", 2, "Where?", "Boston.")]
    make = module("samples").make_samples
    samples = make(turns, frozenset(), False, "seed")
    assert [sample.ends for sample in samples] == [True, False, True]
    assert samples[0].text == "find me a room"
    assert samples[0].text.startswith(samples[1].text)
    assert make(turns[:1], frozenset(), False, "seed") == samples[:2]


# --- figures ------------------------------------------------------------------------------------


def test_auc_counts_pairs_in_the_right_order_and_ties_half(module):
    figures = module("figures")
    ends = np.array([True, True, False, False])
    assert figures.auc(np.array([0.9, 0.4, 0.4, 0.1]), ends) == pytest.approx(3.5 / 4)
    assert math.isnan(figures.auc(np.array([0.5]), np.array([True])))


def test_recall_is_taken_where_the_share_of_false_ends_allows(module):
    scores = np.concatenate((np.linspace(0, 1, 101), [0.97, 0.93, 0.5]))
    ends = np.array([False] * 101 + [True] * 3)
    assert module("figures").recall_at(scores, ends, 0.05) == pytest.approx(1 / 3)
    assert module("figures").recall_at(scores, ends, 0.10) == pytest.approx(2 / 3)


def test_calibration_error_is_the_gap_between_what_was_said_and_what_happened(module):
    ends = np.array([True] * 6 + [False] * 4)
    assert module("figures").calibration_error(np.full(10, 0.6), ends) == pytest.approx(0.0)
    assert module("figures").calibration_error(np.full(10, 0.95), ends) == pytest.approx(0.35)


def test_platt_scaling_finds_the_scale_and_offset_that_made_the_labels(module):
    rng = np.random.default_rng(3)
    logits = rng.normal(0, 3, 50_000)
    ends = rng.random(50_000) < 1 / (1 + np.exp(-(0.7 * logits + 0.4)))
    scale, offset = module("figures").fit_platt(logits, ends)
    assert (scale, offset) == (pytest.approx(0.7, abs=0.03), pytest.approx(0.4, abs=0.05))


def test_a_hold_longer_than_the_wait_is_a_cut_in(module):
    policy = EndpointingPolicy(delays_ms=((0.0, 1000), (1.0, 200)))
    outcome = module("delays").outcome_of(
        [0.0, 0.0, 1.0, 1.0], [False, False, True, True], [0.9, 1.1, 0.0, 0.0], policy
    )
    assert (outcome.cut_ins, outcome.holds, outcome.ends) == (1, 2, 2)
    assert (outcome.median_ms, outcome.p95_ms) == (200, 200)
