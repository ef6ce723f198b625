"""Makes streamed text fit to be read aloud; changes with what models write that nobody can say."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from pipelines.engines.closing import closing

_LINE_MARK = re.compile(r"(?:[-*+•–—>]+|#{1,6}|\d{1,2}[.)]|`{3}\w*)\s+")
"""Bullets, quotes, headings, item numbers and code fences, all at the start of a line."""
_MAYBE_LINE_MARK = re.compile(r"(?:[-*+•–—>]*|#{1,6}|\d{1,2}[.)]?|`{1,3}\w*)")
_LINK = re.compile(r"\[([^\[\]]*)\]\([^()\s]*\)")
_MAYBE_LINK = re.compile(r"\[[^\[\]\n]{0,80}(?:\](?:\([^()\s]{0,200})?)?")
_DROPPED = frozenset("*`_~|#[]{}\\")
_KEPT_SYMBOLS = frozenset("°№")
_UNSAYABLE = frozenset({"So", "Sk", "Cc", "Cf", "Cs", "Co", "Cn", "Me"})
_PAUSES = frozenset(",;:.!?…-–—")


def speakable(pieces: Iterable[str]) -> Iterator[str]:
    """The pieces of a reply without markdown, list marks, emoji and line breaks.

    A line break becomes the pause that it stands for: a comma, unless punctuation is there already.
    Text is held back only while it may still turn out to be a mark; joined together the output does
    not depend on how the input was cut into pieces.
    """
    cleaner = _Cleaner()
    with closing(iter(pieces)) as taken:
        for piece in taken:
            if out := cleaner.feed(piece):
                yield out
    if out := cleaner.finish():
        yield out


class _Cleaner:
    def __init__(self) -> None:
        self._held = ""
        self._line_start = True
        self._due = ""
        """The space, or the pause that a line break stands for, due before the next word."""
        self._last = ""
        """The last character that went out."""

    def feed(self, piece: str) -> str:
        self._held += piece
        return self._release(complete=False)

    def finish(self) -> str:
        return self._release(complete=True)

    def _release(self, *, complete: bool) -> str:
        """Clean as much of what is held as cannot change its meaning any more."""
        out: list[str] = []
        while self._held:
            if self._line_start:
                self._held = self._held.lstrip()
                if not complete and _MAYBE_LINE_MARK.fullmatch(self._held):
                    break
                mark = _LINE_MARK.match(self._held if not complete else self._held + " ")
                if mark:
                    self._held = self._held[mark.end() :]
                    continue
                self._line_start = False
                continue
            if self._held[0] == "[":
                if link := _LINK.match(self._held):
                    self._held = link[1] + self._held[link.end() :]
                    continue
                if not complete and _MAYBE_LINK.fullmatch(self._held):
                    break
            out.append(self._character(self._held[:1]))
            self._held = self._held[1:]
        return "".join(out)

    def _character(self, char: str) -> str:
        if char == "\n":
            self._line_start = True
        if char.isspace():
            if char == "\n" and self._last not in _PAUSES:
                self._due = ", "
            self._due = (self._due or " ") if self._last else ""
            return ""
        if char in _DROPPED or not _sayable(char):
            return ""
        out = self._due + char
        self._due = ""
        self._last = char
        return out


def _sayable(char: str) -> bool:
    """Whether it is no pictograph, modifier of one, control or other invisible character."""
    if 0xFE00 <= ord(char) <= 0xFE0F:  # variation selectors, which follow pictographs
        return False
    return char in _KEPT_SYMBOLS or unicodedata.category(char) not in _UNSAYABLE
