"""Applies patterns to a text one after the other; changes with how readings are put together.

Every pattern has bounded repetition and starts at the beginning of a word, so that a hostile text
costs no more than time linear in its length.
"""

import re
from collections.abc import Callable, Sequence
from typing import TypeAlias

Reading: TypeAlias = Callable[[re.Match[str]], str] | str
Rule: TypeAlias = tuple[re.Pattern[str], Reading]
Reader: TypeAlias = Callable[[str], str]
"""What a voice is to say for a written text."""


def rule(pattern: str, reading: Reading, *, ignore_case: bool = False) -> Rule:
    """Say `reading`, a template or a function of the match, for what matches."""
    return re.compile(pattern, re.IGNORECASE if ignore_case else 0), reading


def reader_of(rules: Sequence[Rule]) -> Reader:
    """A reader that applies the rules in order; each sees what those before it made."""

    def read(text: str) -> str:
        text = "".join(_western(char) for char in text)
        for pattern, reading in rules:
            text = pattern.sub(reading, text)
        return " ".join(text.split())

    return read


def _western(char: str) -> str:
    return str(int(char)) if char.isdecimal() and not char.isascii() else char
