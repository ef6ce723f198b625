"""The caller's words as rules see them, and the patterns they are compared with.

A pattern is matched word by word, and of all ways to the same place in the words only the first is
followed, so that its time grows with the square of the words at worst, whatever a caller says.
"""

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from pipelines.engines.numerals import ONES, TENS

LONGEST = 80
"""Words of a turn that are looked at: the last ones."""
_TOKEN = re.compile(r"\d+(?:[:.]\d\d)?|[^\W\d_]+(?:'[^\W\d_]+)*")
_NOON = re.compile(r"\b([ap])\.? ?m\b\.?", re.I)


def listed(words: str) -> list[str]:
    """The words of a text: how lists of them are written here."""
    return words.split()


_HESITATIONS = frozenset(listed("um uh er erm eh ah hm hmm mm mhm uhm"))
FILLERS = frozenset(
    listed(
        """a actually alright and at but for hello hey hi is it just like maybe no of oh ok okay on
    perhaps please right say so sorry thank thanks that the then there um well would yeah yes
    you"""
    )
)
"""Words around an answer that add nothing to it."""
_WHOLE = {
    "can't": "can not",
    "cannot": "can not",
    "won't": "will not",
    "shan't": "shall not",
    "ain't": "is not",
    "let's": "let us",
    "gonna": "going to",
    "wanna": "want to",
    "gotta": "got to",
    "o'clock": "oclock",
}
_ENDINGS = {
    "n't": " not",
    "'re": " are",
    "'m": " am",
    "'ve": " have",
    "'ll": " will",
    "'d": " would",
}
_IS = frozenset(listed("it that what where who how when there he she here name everything"))
NUMBERS = {word: value for value, word in enumerate(ONES)} | {"oh": 0, "o": 0, "nought": 0}


@dataclass(frozen=True, slots=True)
class Heard:
    """Words as they are compared, and as the recogniser wrote them; as many of each."""

    words: tuple[str, ...]
    written: tuple[str, ...]


def heard(text: str) -> Heard:
    """The words of a text, without case, punctuation, hesitations, contractions and stammers."""
    pairs: list[tuple[str, str]] = []
    for token in _TOKEN.findall(_NOON.sub(r"\1m", text.replace("’", "'"))):
        for word in _plain(token.lower()):
            stammered = pairs and pairs[-1][0] == word and not _may_come_twice(word)
            if word not in _HESITATIONS and not stammered:
                pairs.append((word, token))
    pairs = pairs[-LONGEST:]
    return Heard(tuple(word for word, _ in pairs), tuple(written for _, written in pairs))


def _plain(word: str) -> list[str]:
    if word in _WHOLE:
        return _WHOLE[word].split()
    for ending, meant in _ENDINGS.items():
        if word.endswith(ending):
            return (word.removesuffix(ending) + meant).split()
    if word.endswith("'s") and word.removesuffix("'s") in _IS:
        return [word.removesuffix("'s"), "is"]
    return [word.replace("'", "")]


def _may_come_twice(word: str) -> bool:
    return len(word) == 1 or word in NUMBERS or word in TENS or word[0].isdigit()


def corrected(said: Heard, vocabulary: frozenset[str]) -> Heard:
    """With unknown words of five letters or more that are one letter off a known one set right."""
    words = tuple(word if word in vocabulary else _meant(word, vocabulary) for word in said.words)
    return Heard(words, said.written)


def _meant(word: str, vocabulary: frozenset[str]) -> str:
    if len(word) < 5:
        return word
    near = [known for known in vocabulary if len(known) >= 5 and _one_letter_off(word, known)]
    return near[0] if len(near) == 1 else word


def _one_letter_off(a: str, b: str) -> bool:
    """Whether one letter more, less or other makes `a` of `b`; never the first one."""
    if a[0] != b[0] or abs(len(a) - len(b)) > 1:
        return False
    start = next(
        (i for i, (x, y) in enumerate(zip(a, b, strict=False)) if x != y), min(len(a), len(b))
    )
    longer, shorter = (a, b) if len(a) >= len(b) else (b, a)
    return longer[start + 1 :] == shorter[start + (len(a) == len(b)) :]


# -- patterns -----------------------------------------------------------------------------------

Captures: TypeAlias = tuple[tuple[str, Any], ...]
"""Slots found on the way, by name."""
ReadSlot: TypeAlias = Callable[[str, Heard, int], Iterable[tuple[int, Any]]]
"""Values of the named slot that begin at a word, each with the place behind it; the best first."""

_PIECE = re.compile(r"[\[\]()|*]|<[^<>]*>|\{[^{}]*\}|[^\s\[\]()|*<>{}]+|\S")


@dataclass(frozen=True, slots=True)
class Node:
    """A part of a pattern."""

    kind: Literal["word", "any", "slot", "row", "either", "maybe"]
    text: str = ""
    parts: tuple["Node", ...] = ()


@dataclass(frozen=True, slots=True)
class Pattern:
    """What the author wrote, ready to be compared."""

    source: str
    node: Node
    needed: tuple[frozenset[str], ...] = field(repr=False)
    """Of each of these sets a word must be there: spares most patterns a closer look."""

    def found(self, said: Heard, read: ReadSlot, *, alone: bool = False) -> Captures | None:
        """What its slots hold, if it is found; `alone`: with nothing but fillers around it."""
        present = set(said.words)
        if not all(present & some for some in self.needed):
            return None
        last = len(said.words)
        for start in range(last + 1):
            ends = _ends(self.node, said, start, read)
            for end, captures in ends.items():
                if not alone or all(word in FILLERS for word in said.words[end:]):
                    return captures
            if alone and start < last and said.words[start] not in FILLERS:
                return None
        return None


def parse(source: str, phrases: Mapping[str, Iterable[str]]) -> Pattern:
    """Read a pattern.

    `a|b` either word, `[a b]` may be missing, `(a b)` belongs together, `*` any words or none,
    `<name>` one of the phrases of that name, `{slot}` a slot.

    Raises:
        ValueError: it cannot be read, names phrases that are not there, or fits whatever is said.
    """
    node = _Parser(source, phrases).whole()
    pattern = Pattern(source, node, tuple(_needed(node)))
    if node.kind != "any" and 0 in _ends(node, Heard((), ()), 0, lambda *_: ()):
        raise ValueError(f'"{source}" fits whatever is said; write "*" if that is meant')
    return pattern


class _Parser:
    def __init__(
        self, source: str, phrases: Mapping[str, Iterable[str]], inside: tuple[str, ...] = ()
    ) -> None:
        self._source, self._phrases, self._inside = source, phrases, inside
        self._pieces = _PIECE.findall(source)[::-1]

    def whole(self) -> Node:
        row = self._row("")
        if self._pieces:
            raise self._wrong(f"{self._pieces[-1]} closes nothing")
        return row

    def _wrong(self, what: str) -> ValueError:
        return ValueError(f'"{self._source}": {what}')

    def _row(self, close: str) -> Node:
        parts: list[Node] = []
        while self._pieces and self._pieces[-1] not in {"]", ")"}:
            parts.append(self._either())
        if close and (not self._pieces or self._pieces.pop() != close):
            raise self._wrong(f"a {close} is missing")
        if not parts:
            raise self._wrong("there are no words")
        return parts[0] if len(parts) == 1 else Node("row", parts=tuple(parts))

    def _either(self) -> Node:
        parts = [self._item()]
        while self._pieces and self._pieces[-1] == "|":
            self._pieces.pop()
            parts.append(self._item())
        return parts[0] if len(parts) == 1 else Node("either", parts=tuple(parts))

    def _item(self) -> Node:
        piece = self._pieces.pop() if self._pieces else "|"
        if piece == "(":
            return self._row(")")
        if piece == "[":
            return Node("maybe", parts=(self._row("]"),))
        if piece == "*":
            return Node("any")
        if len(piece) > 2 and piece[0] == "{":
            return Node("slot", piece[1:-1])
        if len(piece) > 2 and piece[0] == "<":
            return self._phrase(piece[1:-1])
        words = heard(piece).words
        if not words:
            raise self._wrong(f"{piece} stands where a word should")
        row = tuple(Node("word", word) for word in words)
        return row[0] if len(row) == 1 else Node("row", parts=row)

    def _phrase(self, name: str) -> Node:
        if name not in self._phrases:
            raise self._wrong(
                f"there is no <{name}> in [words]; there are: {', '.join(self._phrases)}"
            )
        if name in self._inside:
            raise self._wrong(f"<{name}> contains itself")
        inside = (*self._inside, name)
        parts = tuple(
            _Parser(phrase, self._phrases, inside).whole() for phrase in self._phrases[name]
        )
        return Node("either", parts=parts)


def _needed(node: Node) -> list[frozenset[str]]:
    if node.kind == "word":
        return [frozenset({node.text})]
    if node.kind == "row":
        return [some for part in node.parts for some in _needed(part)]
    if node.kind == "either":
        each = [_needed(part) for part in node.parts]
        return [frozenset().union(*(some[0] for some in each))] if all(each) else []
    return []


def _ends(node: Node, said: Heard, start: int, read: ReadSlot) -> dict[int, Captures]:
    """Where the node may end if it begins at `start`, and the slots on the way; the best first."""
    if node.kind == "word":
        fits = start < len(said.words) and said.words[start] == node.text
        return {start + 1: ()} if fits else {}
    if node.kind == "any":
        return dict.fromkeys(range(start, len(said.words) + 1), ())
    ends: dict[int, Captures] = {}
    if node.kind == "slot":
        for end, value in read(node.text, said, start):
            ends.setdefault(end, ((node.text, value),))
        return ends
    if node.kind == "row":
        ends = {start: ()}
        for part in node.parts:
            after: dict[int, Captures] = {}
            for at, captures in ends.items():
                for end, more in _ends(part, said, at, read).items():
                    after.setdefault(end, captures + more)
            ends = after
        return ends
    for part in node.parts:
        for end, captures in _ends(part, said, start, read).items():
            ends.setdefault(end, captures)
    if node.kind == "maybe":
        ends.setdefault(start, ())
    return ends


def words_of(node: Node) -> set[str]:
    """All words that a pattern names."""
    own = {node.text} if node.kind == "word" else set[str]()
    return own.union(*(words_of(part) for part in node.parts))


def slots_of(node: Node) -> set[str]:
    """All slots that a pattern names."""
    own = {node.text} if node.kind == "slot" else set[str]()
    return own.union(*(slots_of(part) for part in node.parts))


def sure_slots(node: Node) -> set[str]:
    """The slots that are known whenever a pattern is found."""
    if node.kind == "slot":
        return {node.text}
    each = [sure_slots(part) for part in node.parts if node.kind in {"row", "either"}]
    if node.kind == "either":
        return set.intersection(*each)
    return set[str]().union(*each)


def examples(node: Node, most: int) -> list[tuple[str, ...]] | None:
    """All wordings of a pattern without a slot, `*` as a word nobody says; None: over `most`."""
    if node.kind in {"word", "any"}:
        return [(node.text or "\0",)]
    wordings: list[tuple[str, ...]] = [()] if node.kind in {"row", "maybe"} else []
    for part in node.parts:
        more = examples(part, most)
        if more is None:
            return None
        if node.kind == "row":
            wordings = [row + tail for row in wordings for tail in more]
        else:
            wordings = wordings + more
        if len(wordings) > most:
            return None
    return wordings if node.kind != "slot" else None
