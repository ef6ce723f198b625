"""Numbers in what was said, in figures of any language and in English words: "four um forty two".

Linear in the text: one pass over its words, and looks to both sides of a word are bounded.
"""

import re
from calendar import month_name
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pipelines.engines.numerals import ONES, ORDINALS, TENS

Kind: TypeAlias = Literal["unit", "two", "big", "figure", "mixed", "ordinal", "month", "letter"]


def listed(text: str) -> frozenset[str]:
    """The words of a list that is written as a text."""
    return frozenset(text.split())


_UNITS: Final = {word: value for value, word in enumerate(ONES[:10])} | dict.fromkeys(
    listed("nought naught oh o"), 0
)
_TEENS: Final = {word: value for value, word in enumerate(ONES[10:], start=10)}
_TENS: Final = TENS | {"fourty": 40}
_BIG: Final = {"hundred": 100, "thousand": 1000}
_TIMES: Final = listed("double triple treble")
_MONTHS: Final = frozenset(name.lower() for name in month_name if name) | listed(
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_ALPHABET: Final = listed(
    "alpha alfa bravo foxtrot kilo lima papa quebec sierra tango uniform whiskey whisky zulu"
)
"""Of those that spell letters out: the ones that mean little else."""
_FILLERS: Final = listed(
    "um uh uhm er erm hm hmm mm ah eh well sorry wait no okay ok so then yeah yes "
    "dash hyphen slash dot point space comma"
)
_FILLERS_IN_A_ROW: Final = 3
_COUNTED: Final = listed(
    "people person persons guest kid child children men women o'clock o’clock am pm percent feet "
    "minute hour day week month year night dollar euro pound buck cent degree mile ms km kilometre "
    "kilometer meter metre seat table room time star"
)
_NOT_COUNTED: Final = listed("is was as this its it's yes thanks ends plus us has does always")
_NO_ONE: Final = listed("this that the which any another other no each every last first next just")
_ONE_OF: Final = listed("of time more thing day moment second way")
_TOKEN: Final = re.compile(r"@|\w+(?:['’]\w+)*")
_MIXED_UNIT: Final = re.compile(r"\d+(?:am|pm|ms|km|k|x|s|h|min|kg|cm|m)\Z", re.I)
ORDINAL_FIGURE: Final = re.compile(r"\d+(?:st|nd|rd|th)\Z", re.I)
_HARD_STOP: Final = re.compile(r"[?!\n]")
_LONGEST_GAP: Final = 12


@dataclass(frozen=True, slots=True)
class Token:
    """A word, or an @, and where it stands in the text."""

    start: int
    end: int
    word: str
    """In lower case."""
    raw: str


@dataclass(slots=True)
class Number:
    """Tokens that are one number, such as "forty two", or one part of a longer one."""

    first: int
    last: int
    """Tokens."""
    kind: Kind
    digits: int
    value: int = -1

    @property
    def counts(self) -> bool:
        """Whether it is a number proper."""
        return self.kind not in {"ordinal", "month", "letter"}


class Words:
    """A text as words, and the numbers among them."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [
            Token(m.start(), m.end(), m[0].lower().replace("’", "'"), m[0])
            for m in _TOKEN.finditer(text)
        ]
        self.taken = [False] * len(self.tokens)

    def gap(self, index: int) -> str:
        """What stands between a token and the one after it."""
        after = self.tokens[index + 1].start if index + 1 < len(self.tokens) else len(self.text)
        return self.text[self.tokens[index].end : after][: _LONGEST_GAP + 1]

    def word(self, index: int) -> str:
        """A token in lower case; empty beyond the ends of the text."""
        return self.tokens[index].word if 0 <= index < len(self.tokens) else ""

    def close(self, index: int) -> bool:
        """Whether the token and the next may belong to one number."""
        gap = self.gap(index)
        return len(gap) <= _LONGEST_GAP and not _HARD_STOP.search(gap)

    def kind(self, index: int) -> Kind | None:  # noqa: PLR0911 - one for each kind
        """What part of a number the token can be; None if it is none."""
        token = self.tokens[index]
        word = token.word
        if word.isdecimal():
            return "figure"
        if ORDINAL_FIGURE.match(word) or word in ORDINALS:
            return "ordinal"
        if word in _MONTHS:
            return "month"
        if word in {"one", "ones"}:
            before, after = self.word(index - 1), self.word(index + 1)
            return None if before in _NO_ONE or after in _ONE_OF or word == "ones" else "unit"
        if word in {"oh", "o"}:
            return "unit" if self._oh(index) else None
        if word in _UNITS or word in _TIMES:
            return "unit"
        if word in _TEENS or word in _TENS:
            return "two"
        if word in _BIG:
            return "big"
        spelled = len(word) == 1 and word.isalpha() and token.raw not in {"a", "i", "I"}
        if spelled or word in _ALPHABET:
            return "letter"
        if any(c.isdigit() for c in word) and not _MIXED_UNIT.match(word):
            return "mixed"
        return None

    def _oh(self, index: int) -> bool:
        """Whether "oh" is a digit: only close to others, and no sigh before a mere number."""
        tight = (" ", "-", "")
        if index and self.numeric(index - 1):
            if self.gap(index - 1) in tight:
                return True
            if self.gap(index - 1) == ", ":  # as recognisers write what is dictated
                if index + 1 == len(self.tokens):
                    return self.numeric(index - 2)
                return self.numeric(index + 1) and not self.counted(index + 1)
        if self.gap(index) not in tight or not self.numeric(index + 1):
            return False
        return not self.counted(index + 1)

    def numeric(self, index: int) -> bool:
        """Whether it can be nothing but a part of a number or a date."""
        word = self.word(index)
        return word.isdecimal() or any(
            word in each for each in (_UNITS, _TEENS, _TENS, _BIG, _TIMES, _MONTHS)
        )

    def runs(self) -> Iterator[list[int]]:
        """Tokens that may be parts of one number, such as "four um two"."""
        run: list[int] = []
        fillers = 0
        for index in range(len(self.tokens)):
            kind = None if self.taken[index] else self.kind(index)
            if kind is not None and run and not fillers and not self.close(index - 1):
                yield run
                run = []
            if kind is not None:
                run.append(index)
                fillers = 0
            elif run:
                fillers += 1
                close = self.close(index - 1) and self.close(index)
                if not close or fillers > _FILLERS_IN_A_ROW or not self._filler(index, run[-1]):
                    yield run
                    run, fillers = [], 0
        if run:
            yield run

    def _filler(self, index: int, member: int) -> bool:
        word, before = self.word(index), self.word(member)
        if word == "and":
            return before in _BIG
        if word in {"of", "the"}:
            return before in _MONTHS or self.kind(member) == "ordinal"
        return word in _FILLERS

    def numbers(self, run: list[int]) -> Iterator[Number]:
        """The run's tokens as numbers, such as "forty two" and "seventy one"."""
        number: Number | None = None
        for index in run:
            next_one = self._single(index)
            if number is not None and self._joins(number, next_one):
                number.value = _joined(number.value, next_one.value, self.word(index))
                number.last = index
                if next_one.kind == "big":
                    number.kind = "big"
                number.digits = max(number.digits, len(str(number.value)))
                continue
            if number is not None:
                yield number
            number = next_one
        if number is not None:
            yield number

    def _single(self, index: int) -> Number:
        word, kind = self.word(index), self.kind(index) or "letter"
        if kind == "figure":
            value = int(word) if len(word) <= len("2026") else -1
            return Number(index, index, kind, len(word), value)
        if kind == "mixed":
            return Number(index, index, kind, len(word))
        value = (_UNITS | _TEENS | _TENS | _BIG).get(word, -1)
        return Number(index, index, kind, {"unit": 1, "two": 2, "big": 3}.get(kind, 0), value)

    def _joins(self, number: Number, after: Number) -> bool:
        gap = self.text[self.tokens[number.last].end : self.tokens[after.first].start]
        if number.kind == after.kind == "figure":
            thousands = gap == "," and after.digits == 3 and number.digits <= 3
            return thousands or (gap == "." and after.digits == 1)
        if gap.strip(" -") not in {"", "and"}:
            return False
        if self.word(number.last) in _BIG:
            return after.kind in {"unit", "two", "big"} and after.value > 0
        if after.kind == "big":
            return number.kind in {"unit", "two", "big"} and number.value > 0
        is_tens = self.word(number.last) in _TENS
        return is_tens and after.kind == "unit" and after.value > 0 and gap in {" ", "-"}

    def counted(self, index: int) -> bool:
        """Whether it is told what there are so many of."""
        before = self.text[max(0, self.tokens[index].start - 1) : self.tokens[index].start]
        # "$1,500": the sign stands before the first figure
        head = index
        while head and self.gap(head - 1) == "," and self.word(head - 1).isdecimal():
            head -= 1
            before = self.text[max(0, self.tokens[head].start - 1) : self.tokens[head].start]
            if index - head > 2:
                break
        gap, word = self.gap(index), self.word(index + 1)
        if before in {"$", "€", "£"} or gap[:1] in {"%", "°", "€"}:
            return True
        if gap.strip(" ") or not word:
            return False
        meridiem = word in {"a", "p"} and self.word(index + 2) == "m"
        plural = len(word) > 3 and word.endswith("s") and word not in _NOT_COUNTED
        return meridiem or plural or word in _COUNTED


def _joined(before: int, after: int, word: str) -> int:
    if before < 0 or after < 0:
        return -1
    if word in _BIG:
        return min(before * after, 10**9)
    return min(before + after, 10**9)
