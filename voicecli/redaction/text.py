"""Takes what callers say of themselves out of a text: numbers and addresses."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

from voicecli.redaction.addresses import emails, streets
from voicecli.redaction.number_words import ORDINAL_FIGURE, Words, listed
from voicecli.redaction.secret_numbers import KEYWORDS, secret_words

_CONTEXT: Final = 200
"""Characters said before or after that tell what a number is: "what is your code?"."""
_ASKED_FOR: Final = KEYWORDS | listed("phone telephone mobile mail email address street live house")
_TAKEN_OUT: Final = re.compile(r"#|\[e-mail\]|\[address\]")


@lru_cache(maxsize=1024)  # every command that asks for a reply carries the whole conversation
def redact_text(text: str, before: str = "", after: str = "") -> str:
    """The text with `#` for each word of a number, `[e-mail]` and `[address]`.

    Args:
        text: a whole utterance, as far as it is known.
        before: what was said before it, by whomever; not part of the result.
        after: what was said next; not part of the result either.
    """
    context = f"{before[-_CONTEXT:]} " if before else ""
    start = len(context)
    kept: list[str] = []
    end = 0
    for span in _secrets(f"{context}{text} {after[:_CONTEXT]}" if after else context + text):
        if span.end > start and span.start < start + len(text):
            first = max(0, span.start - start)
            kept += [text[end:first], span.instead]
            end = span.end - start
    return "".join([*kept, text[end:]])


def asks_for_secret(text: str) -> bool:
    """Whether it speaks of what callers tell of themselves, so that an answer may hold it."""
    return not _ASKED_FOR.isdisjoint(token.word.removesuffix("'s") for token in Words(text).tokens)


def announces_secret(text: str) -> bool:
    """Whether its speaker is about to tell such a thing: "my number is"."""
    return asks_for_secret(text) and any(token.word == "my" for token in Words(text).tokens)


def is_redacted(text: str) -> bool:
    """Whether something has been taken out of it."""
    return _TAKEN_OUT.search(text) is not None


@dataclass(frozen=True, slots=True)
class _Span:
    """A part of a text that is not stored, and what is stored instead."""

    start: int
    end: int
    instead: str


def _secrets(text: str) -> list[_Span]:
    """What may not be stored, in order and without overlap."""
    kept: list[_Span] = []
    for span in sorted(_spans(Words(text)), key=lambda each: (each.start, -each.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


def _spans(words: Words) -> Iterator[_Span]:
    yield from _take(words, emails(words), "[e-mail]")
    runs = [[*words.numbers(run)] for run in words.runs()]
    yield from _take(words, streets(words, runs), "[address]")
    for run in runs:
        for index in secret_words(words, run):
            token = words.tokens[index]
            if not words.taken[index]:
                yield _Span(token.start, token.end, _masked(token.raw))


def _take(words: Words, found: list[tuple[int, int]], instead: str) -> Iterator[_Span]:
    """The spans of ranges of tokens, joined where they overlap; no other span may hold them."""
    joined: list[tuple[int, int]] = []
    for first, last in sorted(found):
        if joined and first <= joined[-1][1]:
            joined[-1] = (joined[-1][0], max(joined[-1][1], last))
        else:
            joined.append((first, last))
    for first, last in joined:
        words.taken[first : last + 1] = [True] * (last + 1 - first)
        yield _Span(words.tokens[first].start, words.tokens[last].end, instead)


def _masked(raw: str) -> str:
    """`#` for a word, and for each figure; "3rd" keeps its ending."""
    if ORDINAL_FIGURE.match(raw):
        return re.sub(r"\d", "#", raw)
    return "#" * len(raw) if any(c.isdigit() for c in raw) else "#"
