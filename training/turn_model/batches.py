"""Turns as padded rows of tokens with a label for each."""

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.engines.turn_tokens import Tokenizer
from training.turn_model.dictation import dictated_turn
from training.turn_model.everyday import everyday_turn, short_answer
from training.turn_model.general import named_thing
from training.turn_model.samples import draw_damage
from training.turn_model.spoken import (
    LEADING_ON,
    Word,
    complete_utterances,
    damage,
    heard_words,
    mark_complete,
)
from voicecli.synthetic_calls.dialogues import Turn

Batch = tuple[npt.NDArray[np.int64], npt.NDArray[np.float32], npt.NDArray[np.float32]]
Row = tuple[list[int], list[float], list[float]]

DICTATED = 0.04
EVERYDAY = 0.08
SHORT = 0.12
THINGS = 0.06
"""Shares of made-up turns, added to the others."""
CONTINUED = 0.15
"""Share of turns after which a word promises more."""
FORGOTTEN = 0.1
"""Share of turns read without what the agent said, so that the model can do without."""
GREETED = 0.7
"""Share of first turns that get a greeting: the dialogues begin with the caller, calls do not."""

END_WEIGHT, HOLD_WEIGHT, DIGIT_WEIGHT = 2.0, 1.0, 0.3
SELDOM = 0.4
"""Weight of a hold after a word that carries meaning: within a clause people fall silent after the
words that lead on to the next one (Boomer 1965)."""


@dataclass(frozen=True, slots=True)
class Ambiguity:
    """What is taught after words that are whole though the turn goes on, and how hard.

    In writing, "Yes" is mostly followed by more; in speech, seldom once there is a pause. With
    plain holds there, a lone "yes" would be taken for unfinished.
    """

    label: float
    weight: float


_GREETINGS = (
    "Hello, how can I help you?", "Hi, what can I do for you?",
    "Hello, this is Robin. How can I help?",
    "Thank you for calling. How may I help you today?", "Good morning, what can I do for you?",
    "Hello!", "Welcome. How can I assist you?", "Hi there. What would you like to do today?",
    "Front desk, good afternoon. How can I help you?", "Support, what seems to be the problem?",
)  # fmt: skip


class Feed:
    """Turns spoken anew every epoch, and cut into batches."""

    def __init__(
        self,
        turns: Sequence[Turn],
        tokenizer: Tokenizer,
        words: Sequence[str],
        ambiguity: Ambiguity,
        things: Sequence[str] = (),
    ) -> None:
        self._turns = turns
        self._ambiguity = ambiguity
        self._complete = complete_utterances(turn.caller for turn in turns)
        self._tokenizer = tokenizer
        self._words = words
        self._things = things
        self._questions = [turn.agent for turn in turns if turn.agent.rstrip().endswith("?")]

    def epoch(self, seed: str, tokens: int) -> Iterator[Batch]:
        """Batches of about so many tokens each, rows of like length together, in random order.

        Each is (tokens, labels, weights), shape (rows, longest); a weight of 0 is no label.
        """
        rng = random.Random(seed)  # noqa: S311 (no secret)
        made_up = [dictated_turn(rng) for _ in range(int(DICTATED * len(self._turns)))]
        made_up += [everyday_turn(rng) for _ in range(int(EVERYDAY * len(self._turns)))]
        if self._things:
            count = len(self._turns)
            made_up += [named_thing(self._things, rng) for _ in range(int(THINGS * count))]
            asked = (rng.choice(self._questions) for _ in range(int(SHORT * count)))
            made_up += [short_answer(question, self._things, rng) for question in asked]
        rows = [self._row(turn, rng) for turn in (*self._turns, *made_up)]
        rows.sort(key=lambda row: (len(row[0]), rng.random()))
        groups: list[list[Row]] = [[]]
        for row in rows:
            if len(groups[-1]) * len(row[0]) > tokens:
                groups.append([])
            groups[-1].append(row)
        rng.shuffle(groups)
        yield from (_padded(group) for group in groups)

    def _row(self, turn: Turn, rng: random.Random) -> Row:
        agent = turn.agent
        if not agent and rng.random() < GREETED:
            agent = rng.choice(_GREETINGS)
        elif rng.random() < FORGOTTEN:
            agent = ""
        heard = mark_complete(heard_words(turn.caller, rng), self._complete)
        continuation = CONTINUED if turn.dialogue != "dictation" else 0.0
        heard = damage(heard, draw_damage(rng, continuation), self._words, rng)
        pieces: list[int] = []
        labels: list[float] = []
        weights: list[float] = []
        for word in heard:
            inside = self._tokenizer.pieces(word.text)
            pieces += inside
            labels += [0.0] * (len(inside) - 1) + [self._label(word)]
            long_number = word.text.isdigit() and len(word.text) > 4
            weights += [DIGIT_WEIGHT * long_number] * (len(inside) - 1) + [self._weight(word)]
        tokens = self._tokenizer.join(agent, pieces)
        kept = min(len(pieces), self._tokenizer.caller_tokens)
        before = [0.0] * (len(tokens) - kept)
        return (
            tokens,
            before + labels[len(labels) - kept :],
            before + weights[len(weights) - kept :],
        )

    def _label(self, word: Word) -> float:
        return self._ambiguity.label if word.ambiguous else float(word.ends)

    def _weight(self, word: Word) -> float:
        if word.ends:
            return END_WEIGHT
        if word.ambiguous:
            return self._ambiguity.weight
        return HOLD_WEIGHT if word.text in LEADING_ON else SELDOM


def _padded(rows: Sequence[Row]) -> Batch:
    shape = (len(rows), max(len(row[0]) for row in rows))
    tokens = np.zeros(shape, np.int64)
    labels, weights = np.zeros(shape, np.float32), np.zeros(shape, np.float32)
    for place, (row_tokens, row_labels, row_weights) in enumerate(rows):
        tokens[place, : len(row_tokens)] = row_tokens
        labels[place, : len(row_labels)] = row_labels
        weights[place, : len(row_weights)] = row_weights
    return tokens, labels, weights
