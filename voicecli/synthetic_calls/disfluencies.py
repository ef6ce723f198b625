"""Puts pauses into what somebody says.

Pauses within turns are log-normal (Campione and Véronis 2002). They lie at the ends of clauses,
about conjunctions, after fillers, and between the groups of a number.
"""

import math
import random
import re
from collections.abc import Sequence
from dataclasses import dataclass

SHORTEST_S, MEDIAN_S, LONGEST_S = 0.15, 0.6, 2.5
BREATH_S = 0.3
"""Median of the pauses between sentences of one turn."""
_SPREAD = 0.7
"""Standard deviation of the logarithm: a quarter of the pauses lasts a second or more."""

_FILLERS = ("um", "uh", "er", "let me see", "you know", "let me think", "hold on")
_CONJUNCTIONS = {"and", "but", "so", "because", "or", "if", "when", "that", "which", "then"}
_LEADS_ON = {
    "a", "an", "the", "to", "for", "in", "at", "on", "of", "with", "from", "is", "my", "it's",
    "like", "want", "need", "about", "under",
}  # fmt: skip
_CLAUSE_ENDS = re.compile(r"[.,;:?!]$")
_SENTENCE_ENDS = re.compile(r"(?<!\b[a-z])[.?!]$")  # but not "a.m."
_PUNCTUATION = ".,;:?! "


@dataclass(frozen=True, slots=True)
class Piece:
    """Words spoken in one breath."""

    text: str
    pause_s: float = 0.0
    """The silence after it, within the turn; 0 for the turn's last piece."""


def draw_pause(rng: random.Random, median_s: float = MEDIAN_S) -> float:
    """Seconds from SHORTEST_S to LONGEST_S, in whole milliseconds."""
    while True:
        seconds = rng.lognormvariate(math.log(median_s), _SPREAD)
        if SHORTEST_S <= seconds <= LONGEST_S:
            return round(seconds, 3)


def with_disfluencies(text: str, rng: random.Random, pauses: int) -> list[Piece]:
    """The text with a breath between its sentences, and at most so many other pauses.

    Those lie where somebody who speaks might make them.
    """
    words = text.split()
    breaths = {at for at in range(1, len(words)) if _SENTENCE_ENDS.search(words[at - 1].lower())}
    places = [at for at in range(1, len(words)) if at not in breaths and _may_pause(words, at)]
    chosen = sorted({*breaths, *rng.sample(places, min(pauses, len(places)))})
    pieces: list[Piece] = []
    for start, end in zip([0, *chosen], [*chosen, len(words)], strict=True):
        said = " ".join(words[start:end])
        if end == len(words):
            pieces.append(Piece(said))
        elif end in breaths:
            pieces.append(Piece(said, draw_pause(rng, BREATH_S)))
        else:
            pieces.append(_before_pause(said, rng))
    return pieces


def in_groups(groups: Sequence[str], rng: random.Random, end: str = ".") -> list[Piece]:
    """What is dictated group by group, with a pause after each but the last."""
    return [
        *(Piece(f"{group},", draw_pause(rng)) for group in groups[:-1]),
        Piece(groups[-1] + end),
    ]


def _may_pause(words: Sequence[str], place: int) -> bool:
    """Whether somebody might stop before this word."""
    before, after = words[place - 1].lower(), words[place].lower()
    return (
        bool(_CLAUSE_ENDS.search(before))
        or {before, after.strip(_PUNCTUATION)} & _CONJUNCTIONS != set()
        or before in _LEADS_ON
    )


def _before_pause(said: str, rng: random.Random) -> Piece:
    last = said.rsplit(maxsplit=1)[-1].lower()
    if last in _LEADS_ON or rng.random() < 0.2:
        said = f"{said.rstrip(_PUNCTUATION)}, {rng.choice(_FILLERS)},"
    elif not _CLAUSE_ENDS.search(said):
        said += ","  # keeps the voice up
    return Piece(said, draw_pause(rng))
