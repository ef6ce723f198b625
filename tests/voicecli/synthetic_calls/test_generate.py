"""Calls made up from written dialogues: what is in them, exactly labelled and always the same."""

import gzip
import json
import random
import statistics
from collections import Counter
from dataclasses import replace

import pytest

from voicecli.errors import InputError
from voicecli.synthetic_calls.dialogues import Split, read_turns
from voicecli.synthetic_calls.disfluencies import (
    LONGEST_S,
    SHORTEST_S,
    draw_pause,
    in_groups,
    with_disfluencies,
)
from voicecli.synthetic_calls.generate import PHASES_MS, generate_calls

SPLITS: tuple[Split, ...] = ("train", "dev", "test")
CALLER = (
    "I need a table for two people, and it should be outside.",
    "Yes.",
    "Can you tell me the address of the restaurant?",
    "No, that is all, thank you.",
)


@pytest.fixture
def dialogues(tmp_path):
    with gzip.open(tmp_path / "made.jsonl.gz", "wt") as lines:
        for dialogue in range(400):
            for index in range(8):
                speaker, text = ("caller", CALLER[index // 2]) if index % 2 == 0 else ("agent", "?")
                turn = {"dialogue": f"d{dialogue}", "index": index, "speaker": speaker,
                        "text": text}  # fmt: skip
                lines.write(json.dumps(turn) + "\n")
    return tmp_path


def seeded(seed=1):
    return random.Random(seed)  # noqa: S311 - no secret


def test_pauses_are_as_long_as_those_of_people():
    pauses = [draw_pause(seeded(seed)) for seed in range(2000)]
    assert min(pauses) >= SHORTEST_S
    assert max(pauses) <= LONGEST_S
    assert statistics.median(pauses) == pytest.approx(0.6, abs=0.05)
    assert sum(pause > 1.0 for pause in pauses) / len(pauses) == pytest.approx(0.22, abs=0.04)


@pytest.mark.parametrize(
    ("text", "before"),
    [
        ("It was late, we left.", {"It was late,"}),
        ("We left but they stayed.", {"We left,", "We left but,"}),
        ("Give it to George.", {"Give it to"}),
    ],
)
def test_people_pause_where_a_clause_ends_about_conjunctions_and_after_words_that_lead_on(
    text, before
):
    found = {with_disfluencies(text, seeded(seed), 1)[0].text for seed in range(300)}
    assert len(found) > 1  # with and without a filler
    assert all(any(piece.startswith(start) for start in before) for piece in found)


def test_a_hesitation_keeps_the_words_and_ends_as_the_text_does():
    text = "I would like to book a room in San Jose, because my sister lives there."
    for seed in range(100):
        pieces = with_disfluencies(text, seeded(seed), 2)
        assert [piece.pause_s > 0 for piece in pieces] == [True] * (len(pieces) - 1) + [False]
        assert pieces[-1].text.endswith("there.")
        spoken = " ".join(piece.text for piece in pieces).replace(",", "").split()
        assert [word for word in spoken if word in text] != []
        assert len(spoken) >= len(text.split())


def test_what_cannot_be_paused_in_is_said_in_one_breath():
    assert [piece.text for piece in with_disfluencies("Yes.", seeded(), 2)] == ["Yes."]


def test_sentences_of_one_turn_are_always_apart():
    pieces = with_disfluencies("That is fine. Is it open at 9 a.m. today? Good.", seeded(), 0)
    assert [p.text for p in pieces] == ["That is fine.", "Is it open at 9 a.m. today?", "Good."]
    assert [piece.pause_s > 0 for piece in pieces] == [True, True, False]


def test_groups_have_a_pause_after_each_but_the_last():
    pieces = in_groups(["one two", "three four", "five"], seeded())
    assert [piece.text for piece in pieces] == ["one two,", "three four,", "five."]
    assert [piece.pause_s > 0 for piece in pieces] == [True, True, False]


def test_a_call_is_the_same_for_one_seed_and_whatever_the_count(dialogues):
    made = generate_calls(dialogues, "train", 12, 3)
    assert generate_calls(dialogues, "train", 12, 3) == made
    assert generate_calls(dialogues, "train", 5, 3) == made[:5]
    assert generate_calls(dialogues, "train", 12, 4) != made
    assert [name for name, _ in made[:2]] == ["train_0001", "train_0002"]


def test_other_voices_speak_the_same_calls(dialogues):
    plain = generate_calls(dialogues, "train", 30, 3)
    flite = generate_calls(dialogues, "train", 30, 3, "flite")
    assert len({script.voice for _, script in flite}) == 3
    assert all(script.voice.startswith("flite:") for _, script in flite)
    alike = [
        (name, replace(script, voice=espeak.voice))
        for (name, script), (_, espeak) in zip(flite, plain, strict=True)
    ]
    assert alike == plain


def test_calls_are_made_of_the_split_asked_for_only(dialogues):
    for split in SPLITS:
        own = {turn.dialogue for turn in read_turns(dialogues, split)}
        made = generate_calls(dialogues, split, 1000, 0)
        assert {script.description.split()[-1].strip(".") for _, script in made} == own


def test_everything_that_trips_agents_up_is_in_a_set_of_calls(dialogues):
    calls = [script for _, script in generate_calls(dialogues, "train", 200, 0)]
    turns = [turn for call in calls for turn in call.turns]
    assert len({call.voice for call in calls}) == 15
    assert len({call.words_per_minute for call in calls}) > 20
    assert {call.noise_dbfs is None for call in calls} == {True, False}
    intents = Counter(turn.intent for turn in turns)
    assert all(intents[name] > 50 for name in ("end_of_turn", "hold", "backchannel", "noise"))
    cues = [turn.cue_ms or 0 for turn in turns if turn.intent == "interruption"]
    for first, last in PHASES_MS.values():
        assert sum(first <= cue <= last for cue in cues) > 10
    text = " ".join(turn.text for turn in turns)
    for kind in (" dot ", " one ", "J A C", "um,", "customer number"):
        assert kind in text


def test_a_hold_is_always_followed_by_more_and_a_cue_by_a_reply_before_it(dialogues):
    for _, script in generate_calls(dialogues, "train", 100, 0):
        assert script.turns[-1].intent != "hold"
        for turn, following in zip(script.turns, script.turns[1:], strict=False):
            if turn.intent == "hold":
                assert following.intent in {"hold", "end_of_turn"}
                assert following.cue_ms is None
            if following.cue_ms is not None:
                assert turn.intent == "end_of_turn"


def test_a_split_without_dialogues_and_a_folder_without_any_are_named(dialogues, tmp_path):
    empty = tmp_path / "empty"
    empty.mkdir()
    with pytest.raises(InputError, match="no dialogues"):
        generate_calls(empty, "test", 3, 0)
    with gzip.open(empty / "one.jsonl.gz", "wt") as lines:
        lines.write(json.dumps({"dialogue": "d", "index": 0, "speaker": "caller", "text": "Hi."}))
    other: Split = next(s for s in SPLITS if not read_turns(empty, s))
    with pytest.raises(InputError, match=f"no dialogue of the {other} split"):
        generate_calls(empty, other, 3, 0)
