"""Makes written turns sound as a recogniser hears speech."""

import random
import re
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, replace

from pipelines.engines.turn_tokens import words
from training.turn_model.numbers import say_numbers


@dataclass(frozen=True, slots=True)
class Word:
    """A word as heard, and what a pause after it means."""

    text: str
    ends: bool = False
    """The turn is over."""
    ambiguous: bool = False
    """What was said is whole, yet the turn goes on: nobody could know from the words."""


@dataclass(frozen=True, slots=True)
class Damage:
    """How often what happens, per word (`continuation`: per turn)."""

    filler: float = 0.0
    restart: float = 0.0
    fragment: float = 0.0
    drop: float = 0.0
    replacement: float = 0.0
    merge: float = 0.0
    continuation: float = 0.0
    """The turn is followed by a word that promises more, which is then a hold."""


CLEAN = Damage()
MILD = Damage(0.03, 0.015, 0.01, 0.01, 0.02, 0.01)
HEAVY = Damage(0.08, 0.04, 0.03, 0.03, 0.06, 0.02)

FILLERS = ("um", "uh", "er", "hmm", "um", "uh", "like", "you know", "i mean", "let me see", "well",
           "let's see", "so", "kind of", "uh let me think", "hold on", "one second")  # fmt: skip
LEADING_ON = frozenset(
    """a an the this that these those my your his her its our their some any no every each
    i you he she it we they me him them who what which where when how why
    to for in at on of with from by about into over under between near after before until as than
    and or but so because if then also is are was were be been am do does did have has had
    can could will would shall should may might must i'm i'd i'll i've it's that's there's let's
    like want need please just very really more not don't um uh er hmm well maybe""".split()  # noqa: SIM905 (a table)
)
"""Words that say little without those that follow, and fillers."""
_PROMISES = ("and", "but", "um", "uh", "so", "or", "because", "also", "and then", "and also", "if",
             "with", "for", "the", "oh and", "and um", "actually", "which is", "maybe")  # fmt: skip
_SOUND_ALIKE = [
    row.split()
    for row in (
        "to two too", "for four", "there their they're", "right write", "by buy bye hi",
        "i eye", "no know", "one won", "eight ate", "week weak", "our are hour", "would wood",
        "your you're", "its it's", "here hear", "find fine", "four or for", "in and an", "a the uh",
        "yes yeah yet", "please police", "where were wear", "then than", "of off", "that at",
        "date day eight", "time dime", "some sum", "need meet", "room rum", "pm a.m", "at add",
        "on an own", "is his as", "it at", "can can't", "could good", "like light", "want won't",
    )
]  # fmt: skip
_ALIKE = {word: [w for w in row if w != word] for row in _SOUND_ALIKE for word in row}

_SENTENCE_ENDS = re.compile(r"[.?!;]+[\"')]*$")
_ADDS = {"and", "but", "so", "also", "then", "please", "thanks", "thank", "or", "because"}
_ANSWERS = {"yes", "no", "yeah", "ok", "okay", "sure", "alright", "thanks", "hi", "hello", "great"}


def heard_words(text: str, rng: random.Random | None) -> list[Word]:
    """The words of a written turn; the last one ends it.

    A word is ambiguous where a sentence ends, where a comma comes before a conjunction ("to San
    Jose, and …") and after an answer that could stand alone ("Yes, …"), but not at the turn's end.
    With `rng`, some turns have their numbers said in words.
    """
    if rng is not None and any(c.isdigit() for c in text) and rng.random() < 0.6:
        text = say_numbers(text, rng)
    heard: list[Word] = []
    written = text.split()
    for position, token in enumerate(written):
        following = words(written[position + 1]) if position + 1 < len(written) else []
        whole = bool(_SENTENCE_ENDS.search(token)) and not re.fullmatch(r"(\w\.)+", token)
        if token.endswith(","):
            whole = bool(following and following[0] in _ADDS) or token[:-1].lower() in _ANSWERS
        parts = words(token)
        heard += [Word(part) for part in parts[:-1]]
        heard += [Word(part, ambiguous=whole) for part in parts[-1:]]
    if heard:
        heard[-1] = Word(heard[-1].text, ends=True)
    return heard


def complete_utterances(texts: Iterable[str]) -> frozenset[str]:
    """What callers say as a whole sentence at least twice, and in 5 % of where they begin so.

    Whoever says such a thing and falls silent may well have finished, whatever they go on to say.
    The share keeps out slips of the pen such as "I would."
    """
    wholes: Counter[str] = Counter()
    beginnings: Counter[str] = Counter()
    for text in texts:
        for sentence in _sentences(heard_words(text, None)):
            spoken = [word.text for word in sentence]
            beginnings.update(" ".join(spoken[: end + 1]) for end in range(len(spoken)))
            wholes[" ".join(spoken)] += 1
    return frozenset(
        whole for whole, count in wholes.items() if count > 1 and count >= 0.05 * beginnings[whole]
    )


def mark_complete(heard: Sequence[Word], complete: frozenset[str]) -> list[Word]:
    """The same words, with those marked as ambiguous that complete a known utterance."""
    marked: list[Word] = []
    for sentence in _sentences(heard):
        so_far = ""
        for word in sentence:
            so_far = f"{so_far} {word.text}".lstrip()
            whole = not word.ends and (word.ambiguous or so_far in complete)
            marked.append(replace(word, ambiguous=whole))
    return marked


def _sentences(heard: Sequence[Word]) -> Iterator[list[Word]]:
    sentence: list[Word] = []
    for word in heard:
        sentence.append(word)
        if word.ends or word.ambiguous:
            yield sentence
            sentence = []
    if sentence:
        yield sentence


def damage(
    turn: Sequence[Word], how: Damage, vocabulary: Sequence[str], rng: random.Random
) -> list[Word]:
    """The turn with fillers, restarts, words cut off, and a recogniser's errors.

    Args:
        turn: what was said, its last word marked as the end.
        how: how often each thing happens.
        vocabulary: words that a misheard one may become.
        rng: the source of chance.
    """
    heard: list[Word] = []
    for position, word in enumerate(turn):
        if rng.random() < how.filler:
            heard += [Word(part) for part in rng.choice(FILLERS).split()]
        if len(word.text) > 3 and rng.random() < how.fragment:
            heard.append(Word(word.text[: rng.randint(1, len(word.text) - 1)]))
        if rng.random() < how.drop and len(turn) > 2:
            if word.ends and heard:
                heard[-1] = replace(heard[-1], ends=True, ambiguous=False)
            continue
        if heard and rng.random() < how.merge:
            word = replace(word, text=heard.pop().text + word.text)  # noqa: PLW2901 (same word)
        if rng.random() < how.replacement:
            word = replace(word, text=_misheard(word.text, vocabulary, rng))  # noqa: PLW2901
        heard.append(word)
        if not word.ends and rng.random() < how.restart:
            again = turn[max(0, position - rng.randint(0, 2)) : position + 1]
            heard += [Word(part) for part in rng.choice(("", "", "no", "sorry", "uh")).split()]
            heard += again
    if rng.random() < how.continuation:
        heard += [Word(part) for part in rng.choice(_PROMISES).split()]
    return heard


def _misheard(word: str, vocabulary: Sequence[str], rng: random.Random) -> str:
    alike = _ALIKE.get(word)
    if alike and rng.random() < 0.7:
        return rng.choice(alike)
    return rng.choice(vocabulary)
