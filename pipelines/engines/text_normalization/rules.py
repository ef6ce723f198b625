"""Applies patterns to a text one after the other, so that it is read as they say.

Every pattern has bounded repetition and starts at the beginning of a word, so that a hostile text
costs no more than time linear in its length.
"""

import re
from collections.abc import Callable, Iterable, Sequence
from typing import TypeAlias

Reading: TypeAlias = Callable[[re.Match[str]], str] | str
Rule: TypeAlias = tuple[re.Pattern[str], Reading]
Normalizer: TypeAlias = Callable[[str], str]
"""What a voice is to say for a written text."""

_NEW_SENTENCE = re.compile(r"\s+[A-Z]")


def rule(pattern: str, reading: Reading, *, ignore_case: bool = False) -> Rule:
    """Say `reading`, a template or a function of the match, for what matches."""
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0), reading


def silent_rule() -> Rule:
    """Leave out the signs that no language has a word for in a call."""
    return rule(r"[\[\]{}|\\`~^<>]", " ")


def normalizer_of(rules: Sequence[Rule]) -> Normalizer:
    """A normalizer that applies the rules in order; each sees what those before it made."""

    def read(text: str) -> str:
        text = "".join(map(_western, text)) if not text.isascii() else text
        for pattern, reading in rules:
            text = pattern.sub(reading, text)
        return " ".join(text.split())

    return read


def _western(char: str) -> str:
    return str(int(char)) if char.isdecimal() and not char.isascii() else char


def either(words: Iterable[str]) -> str:
    """A pattern for one of them, the longest that fits."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


def before(match: re.Match[str], most: int = 60) -> str:
    """What stands before the match, as far as it can matter."""
    return match.string[max(0, match.start() - most) : match.start()]


def after(match: re.Match[str], most: int = 60) -> str:
    """What stands behind the match, as far as it can matter."""
    return match.string[match.end() : match.end() + most]


def full_stop(stop: str, match: re.Match[str]) -> str:
    """The full stop of an abbreviation, if the sentence ends there too."""
    follows = after(match, 20)
    return "." if stop and (not follows.strip() or _NEW_SENTENCE.match(follows)) else ""
