"""Recognisers that fall into a loop: a text is cut to the first round of it.

An autoregressive recogniser that loses its thread writes the same words, or the same letters of one
word, over and over ("My last name is Sittittittitt"). People repeat themselves, too, but not so
often, and the longer the phrase, the less often.
"""

import re
from collections.abc import Sequence

_MAX_PHRASE_WORDS = 8
_NUMERALS = frozenset(
    ("zero", "oh", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "double")
)
_LETTERS = re.compile(r"([^\W\d_]{3,6}?)\1{2,}|([^\W\d_]{2})\2{3,}", re.IGNORECASE)
"""Three rounds of some letters, or four of two: there is no such word."""


def first_round(text: str) -> str:
    """The text up to the end of the first round of a loop; all of it if there is none."""
    words = text.split()
    for place, word in enumerate(words):
        loop = _LETTERS.search(word)
        if loop:
            words = [*words[:place], word[: loop.end(1) if loop[1] else loop.end(2)]]
            break
    return " ".join(words[: _until_loop([bare_word(word) for word in words])])


def _until_loop(words: Sequence[str]) -> int:
    """How many words there are up to the end of the first round of a loop; all if there is none."""
    for start in range(len(words)):
        for size in range(1, _MAX_PHRASE_WORDS + 1):
            phrase = words[start : start + size]
            most = _most_rounds(phrase)
            if len(words) - start <= size * most:
                continue
            if words[start : start + size * (most + 1)] == list(phrase) * (most + 1):
                return start + size
    return len(words)


def _most_rounds(phrase: Sequence[str]) -> int:
    """How often somebody may say this in a row."""
    if all(word.isdigit() or word in _NUMERALS for word in phrase):
        return 8
    return 4 if len(phrase) == 1 else 3 if len(phrase) < 4 else 2


def bare_word(word: str) -> str:
    """The word without case and punctuation; empty if it is nothing else."""
    return "".join(char for char in word.casefold() if char.isalnum())
