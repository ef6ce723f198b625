"""Makes streamed text fit to be read aloud: without markup, Markdown and signs nobody can say."""

import re
import unicodedata
from collections.abc import Iterable, Iterator

from pipelines.engines.closing import closing
from pipelines.engines.markup import Markup

_LINE_MARK = re.compile(
    r"(?:[-*+•–—>]{1,40}|[=_]{3,40}|#{1,6}|\d{1,2}[.)]|`{3}\w{0,30})[^\S\n]*(?:\n|(?<=\s))\s*"
    r"|\[[ xX]\]\s+|\|(?:[\s|:-]*\|)?"
)
"""Bullets, quotes, rules, headings, item numbers, code fences, boxes to tick and the borders of
tables, all at the start of a line."""
_MAYBE_LINE_MARK = re.compile(
    r"(?:[-*+•–—>]{0,40}|[=_]{1,40}|#{1,6}|\d{1,2}[.)]?|`{1,3}\w{0,30})\s*"
    r"|\[(?:[ xX](?:\]\s*)?)?|\|[\s|:-]{0,80}"
)
_LINK = re.compile(r"!?\[([^\[\]]{0,200})\]\([^()\s]{0,500}(?:\s\"[^\"\n]{0,100}\")?\)")
_MAYBE_LINK = re.compile(
    r"!?\[[^\[\]\n]{0,200}(?:\](?:\([^()\s]{0,500}(?:\s(?:\"[^\"\n]{0,100}\"?)?)?)?)?|!"
)
_CITATION = re.compile(r"【[^【】\n]{0,80}】|\[\^\w{1,20}\]")
_MAYBE_CITATION = re.compile(r"【[^【】\n]{0,80}|\[(?:\^\w{0,20})?")
_RUN = re.compile(r"\*{1,40}|_{1,40}|~{1,40}|`{1,40}")
_PLAIN = re.compile(r"[A-Za-z0-9,.;:'\"?/$%()-]+")
_PUNCTUATION = frozenset("!\"#$%&'()*+,-./:;<=>?@[\\]^_`{|}~")
_LONGEST_EMPHASIS = 80
"""Characters after which an opening star is taken to be a star."""
_KEPT_SYMBOLS = frozenset("°№^´℃℉")
_UNSAYABLE = frozenset({"So", "Sk", "Cc", "Cf", "Cs", "Co", "Cn", "Me"})
_PAUSES = frozenset(",;:.!?…-–—。｡！？，、；：؟۔।،؛")


def speakable(pieces: Iterable[str], markup: Markup | None = None) -> Iterator[str]:
    """The pieces of a reply without markup, Markdown, emoji and line breaks.

    Marks of Markdown count at the start of a line and in pairs; any other star or underscore is
    text. A line break becomes the pause that it stands for: a comma, unless punctuation is there
    already. Text is held back only while it may still turn out to be a mark; joined together the
    output does not depend on how the input was cut into pieces.

    Args:
        markup: takes out what is not for the caller, in the state where the text begins.
    """
    markup, cleaner = markup or Markup(), _Cleaner()
    with closing(iter(pieces)) as taken:
        for piece in taken:
            if out := cleaner.feed(markup.feed(piece)):
                yield out
    if out := cleaner.feed(markup.finish()) + cleaner.finish():
        yield out


def speakable_text(text: str) -> str:
    """The same of a text that is there as a whole."""
    return "".join(speakable([text]))


class _Cleaner:
    """Takes Markdown out of a text that comes in pieces."""

    def __init__(self) -> None:
        self._text = ""
        """What is held back, then what has come; `_at` is how far it has been read."""
        self._at = 0
        self._complete = False
        self._line_start = True
        self._table = False
        """Whether the line is a table's row."""
        self._open: set[str] = set()
        """The marks of emphasis that have been opened on this line."""
        self._before = ""
        """The character before the next one."""
        self._due = ""
        """The space, or the pause that a line break stands for, due before the next word."""
        self._last = ""
        """The last character that went out."""

    def feed(self, piece: str) -> str:
        self._text = self._text[self._at :] + piece
        self._at = 0
        out: list[str] = []
        while self._at < len(self._text):
            step = self._begin_line if self._line_start else self._step
            said = step()
            if said is None:
                break
            out.append(said)
        return "".join(out)

    def finish(self) -> str:
        self._complete = True
        return self.feed("")

    def _may_become(self, mark: re.Pattern[str]) -> bool:
        return not self._complete and mark.fullmatch(self._text, self._at) is not None

    def _begin_line(self) -> str | None:
        """Skip marks at the start of a line; None: more of it is needed to tell."""
        while self._at < len(self._text) and self._text[self._at].isspace():
            self._at += 1
        if self._may_become(_MAYBE_LINE_MARK):
            return None
        text = f"{self._text} " if self._complete else self._text
        if mark := _LINE_MARK.match(text, self._at):
            self._at = min(mark.end(), len(self._text))
            self._table = self._table or mark[0].startswith("|")
        else:
            self._line_start = False
        return ""

    def _step(self) -> str | None:
        """What the next character, or the next mark, says; None: more is needed to tell."""
        text, at = self._text, self._at
        char = text[at]
        if plain := _PLAIN.match(text, at):
            said = self._due + plain[0]
            self._due, self._last = "", plain[0][-1]
            return self._taken(plain.end(), said)
        if run := _RUN.match(text, at):
            return self._emphasis(run)
        if char in "[!【":
            return self._link(char)
        if char == "\\":
            return self._escaped(text[at + 1 : at + 2])
        if char == "|" and self._table:
            self._due = self._due if self._last in _PAUSES or not self._last else ", "
            return self._taken(at + 1, "")
        return self._taken(at + 1, self._character(char))

    def _escaped(self, follows: str) -> str | None:
        """What stands behind a backslash, if that is Markdown's; else the backslash."""
        if not follows and not self._complete:
            return None
        if follows and follows in _PUNCTUATION:
            return self._taken(self._at + 2, self._character(follows))
        return self._taken(self._at + 1, self._character("\\"))

    def _link(self, char: str) -> str | None:
        """A link, of which the words are said, a citation, which is not said, or a bracket."""
        if mark := _LINK.match(self._text, self._at):
            self._text, self._at = mark[1] + self._text[mark.end() :], 0
            return ""
        if mark := _CITATION.match(self._text, self._at):
            return self._taken(mark.end(), "")
        if self._may_become(_MAYBE_LINK) or self._may_become(_MAYBE_CITATION):
            return None
        return self._taken(self._at + 1, self._character(char))

    def _taken(self, end: int, said: str) -> str:
        self._before, self._at = self._text[end - 1], end
        return said

    def _emphasis(self, run: re.Match[str]) -> str | None:
        """A run of stars, underscores, tildes or back ticks: a mark, or text."""
        mark, follows = run[0], self._text[run.end() : run.end() + 1]
        if not follows and not self._complete and len(mark) < 40:
            return None
        is_mark = self._is_emphasis(mark, follows, run.end())
        if is_mark is None:
            return None
        return self._taken(run.end(), "" if is_mark else self._literally(mark))

    def _is_emphasis(self, mark: str, follows: str, end: int) -> bool | None:
        before = self._before
        if mark[0] == "`":
            return True
        if mark == "~" or len(mark) > 3 or not (before + follows).strip():
            return False
        after_word = bool(before) and not before.isspace()
        if mark in self._open and after_word and not (len(mark) == 1 and follows.isalnum()):
            self._open.discard(mark)
            return True
        never_text = len(mark) > 1 and mark[0] == "*"
        if before.isalnum() and follows.isalnum():
            return never_text and not (before.isdigit() and follows.isdigit())
        if follows.strip() and not before.isalnum():
            pair = (never_text and follows.isalpha()) or self._is_paired(mark, end)
            if pair:
                self._open.add(mark)
            return pair
        return never_text and after_word and not before.isdigit()

    def _is_paired(self, mark: str, at: int) -> bool | None:
        """Whether the same mark ends a word further on; None: more is needed to tell."""
        line = self._text[at : at + _LONGEST_EMPHASIS].partition("\n")
        char = re.escape(mark[0])
        closing = re.compile(
            rf"(?<=[^\s{char}\\]){re.escape(mark)}(?!{char})" + r"(?!\w)" * (len(mark) == 1)
        )
        found = closing.search(line[0])
        may_grow = not self._complete and not line[1] and len(line[0]) < _LONGEST_EMPHASIS
        if may_grow and (found is None or found.end() == len(line[0])):
            return None
        return found is not None

    def _literally(self, text: str) -> str:
        return "".join(map(self._character, text))

    def _character(self, char: str) -> str:
        if char == "\n":
            self._line_start, self._table = True, False
            self._open.clear()
        if char.isspace():
            if char == "\n" and self._last not in _PAUSES:
                self._due = ", "
            self._due = (self._due or " ") if self._last else ""
            return ""
        if not _sayable(char):
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
