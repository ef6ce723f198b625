"""Pauses to judge detectors by, made from written turns."""

import random
from collections.abc import Sequence
from dataclasses import dataclass

from training.turn_model.spoken import (
    CLEAN,
    HEAVY,
    MILD,
    Damage,
    Word,
    damage,
    heard_words,
    mark_complete,
)
from voicecli.synthetic_calls.dialogues import Turn


@dataclass(frozen=True, slots=True)
class Sample:
    """What a detector is asked, and the right answer."""

    agent: str
    text: str
    ends: bool
    ambiguous: bool
    """A hold at a place where the words so far are whole."""


def make_samples(
    turns: Sequence[Turn], complete: frozenset[str], spoken: bool, seed: str
) -> list[Sample]:
    """Two pauses of each turn: its end, and one at a random word before that (if it has two words).

    Args:
        turns: what callers wrote.
        complete: utterances known to be whole, from the training split.
        spoken: with fillers, restarts and a recogniser's errors; else only lower-cased and without
            punctuation.
        seed: together with the turn's place it decides everything that is random, so that a sample
            does not depend on which others are made.
    """
    samples: list[Sample] = []
    strangers = sorted({word.text for turn in turns for word in heard_words(turn.caller, None)})
    for turn in turns:
        rng = random.Random(f"{seed}:{turn.dialogue}:{turn.index}")  # noqa: S311 (no secret)
        heard = mark_complete(heard_words(turn.caller, rng if spoken else None), complete)
        if spoken:
            heard = damage(heard, draw_damage(rng), strangers, rng)
        places = [place for place, word in enumerate(heard) if not word.ends]
        ends = [place for place, word in enumerate(heard) if word.ends]
        cuts = ends + ([rng.choice(places)] if places else [])
        samples += [_cut(turn.agent, heard, place) for place in cuts]
    return samples


def draw_damage(rng: random.Random, continuation: float = 0.0) -> Damage:
    """How badly one turn is spoken and heard: a third clean, half mildly so, the rest badly."""
    how = rng.choices((CLEAN, MILD, HEAVY), (0.35, 0.45, 0.2))[0]
    return Damage(
        how.filler, how.restart, how.fragment, how.drop, how.replacement, how.merge, continuation
    )


def _cut(agent: str, heard: Sequence[Word], place: int) -> Sample:
    last = heard[place]
    text = " ".join(word.text for word in heard[: place + 1])
    return Sample(agent, text, last.ends, last.ambiguous)
