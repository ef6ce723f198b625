"""Finds what callers say that may not be stored: numbers, addresses; changes with what is secret.

English number words, and figures of any language. Linear in the text: one pass over its words, and
looks to both sides of a word are bounded.
"""

import re
from calendar import month_name
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pipelines.engines.numerals import ONES, ORDINALS, TENS

Kind: TypeAlias = Literal["unit", "two", "big", "figure", "mixed", "ordinal", "month", "letter"]


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_UNITS: Final = {word: value for value, word in enumerate(ONES[:10])} | dict.fromkeys(
    _words("nought naught oh o"), 0
)
_TEENS: Final = {word: value for value, word in enumerate(ONES[10:], start=10)}
_TENS: Final = TENS | {"fourty": 40}
_BIG: Final = {"hundred": 100, "thousand": 1000}
_TIMES: Final = _words("double triple treble")
_MONTHS: Final = frozenset(name.lower() for name in month_name if name) | _words(
    "jan feb mar apr jun jul aug sep sept oct nov dec"
)
_ALPHABET: Final = _words(
    "alpha alfa bravo foxtrot kilo lima papa quebec sierra tango uniform whiskey whisky zulu"
)
"""Of those that spell letters out: the ones that mean little else."""
_FILLERS: Final = _words(
    "um uh uhm er erm hm hmm mm ah eh well sorry wait no okay ok so then yeah yes "
    "dash hyphen slash dot point space comma"
)
_FILLERS_IN_A_ROW: Final = 3
_COUNTED: Final = _words(
    "people person persons guest kid child children men women o'clock o’clock am pm percent feet "
    "minute hour day week month year night dollar euro pound buck cent degree mile ms km kilometre "
    "kilometer meter metre seat table room time star"
)
_NOT_COUNTED: Final = _words("is was as this its it's yes thanks ends plus us has does always")
_KEYWORDS: Final = _words(
    "pin code passcode password cvv cvc card account iban ssn social security birth birthday dob "
    "born zip postcode postal number expiry expires expiration extension routing sort "
    "reference policy member membership passport license licence"
)
_BIRTH: Final = _words("birth birthday dob born")
_NEXT_TO: Final = _words("apartment apt flat suite box unit")
"""Make a number a secret only just before it."""
_KEYWORD_WITHIN: Final = 8
_BETWEEN_BEHIND: Final = _words("is was are it's my the your a for of one time last")
_KEYWORD_BEHIND: Final = _words(
    "pin code passcode password cvv cvc ssn social zip postcode birthday"
)
_NO_ONE: Final = _words("this that the which any another other no each every last first next just")
_ONE_OF: Final = _words("of time more thing day moment second way")
_CLOCK: Final = _words(
    "at around about by before after until till from past to for am pm tomorrow today"
)
_YEARS: Final = range(2020, 2040)
"""Of appointments rather than of births."""

_TOKEN: Final = re.compile(r"@|\w+(?:['’]\w+)*")
_MIXED_UNIT: Final = re.compile(r"\d+(?:am|pm|ms|km|k|x|s|h|min|kg|cm|m)\Z", re.I)
_ORDINAL_FIGURE: Final = re.compile(r"\d+(?:st|nd|rd|th)\Z", re.I)
_HARD_STOP: Final = re.compile(r"[?!\n]")
_LONGEST_GAP: Final = 12


@dataclass(frozen=True, slots=True)
class Span:
    """A part of a text that is not stored, and what is stored instead."""

    start: int
    end: int
    instead: str


@dataclass(frozen=True, slots=True)
class _Token:
    start: int
    end: int
    word: str
    """In lower case."""
    raw: str


@dataclass(slots=True)
class _Number:
    first: int
    last: int
    """Tokens."""
    kind: Kind
    digits: int
    value: int = -1

    @property
    def counts(self) -> bool:
        return self.kind not in {"ordinal", "month", "letter"}


def find(text: str) -> list[Span]:
    """What may not be stored, in order and without overlap."""
    spans = _Text(text).spans()
    kept: list[Span] = []
    for span in sorted(spans, key=lambda each: (each.start, -each.end)):
        if not kept or span.start >= kept[-1].end:
            kept.append(span)
    return kept


class _Text:
    def __init__(self, text: str) -> None:
        self.text = text
        self.tokens = [
            _Token(m.start(), m.end(), m[0].lower().replace("’", "'"), m[0])
            for m in _TOKEN.finditer(text)
        ]
        self._taken = [False] * len(self.tokens)

    def spans(self) -> Iterator[Span]:
        yield from self._take(self._emails(), "[e-mail]")
        runs = [[*self._numbers(run)] for run in self._runs()]
        yield from self._take(self._streets(runs), "[address]")
        for run in runs:
            for index in self._secret(run):
                token = self.tokens[index]
                if not self._taken[index]:
                    yield Span(token.start, token.end, _masked(token.raw))

    def _take(self, found: list[tuple[int, int]], instead: str) -> Iterator[Span]:
        """The spans of ranges of tokens, joined where they overlap."""
        end = -1
        joined: list[tuple[int, int]] = []
        for first, last in sorted(found):
            if first <= end:
                joined[-1] = (joined[-1][0], max(end, last))
            else:
                joined.append((first, last))
            end = joined[-1][1]
        for first, last in joined:
            self._taken[first : last + 1] = [True] * (last + 1 - first)
            yield Span(self.tokens[first].start, self.tokens[last].end, instead)

    def _gap(self, index: int) -> str:
        """What stands between a token and the one after it."""
        after = self.tokens[index + 1].start if index + 1 < len(self.tokens) else len(self.text)
        return self.text[self.tokens[index].end : after][: _LONGEST_GAP + 1]

    def _word(self, index: int) -> str:
        return self.tokens[index].word if 0 <= index < len(self.tokens) else ""

    def _close(self, index: int) -> bool:
        """Whether the token and the next may belong to one number."""
        gap = self._gap(index)
        return len(gap) <= _LONGEST_GAP and not _HARD_STOP.search(gap)

    # -- numbers ----------------------------------------------------------------------------------

    def _kind(self, index: int) -> Kind | None:  # noqa: PLR0911 - one for each kind
        token = self.tokens[index]
        word = token.word
        if word.isdigit():
            return "figure"
        if _ORDINAL_FIGURE.match(word) or word in ORDINALS:
            return "ordinal"
        if word in _MONTHS:
            return "month"
        if word in {"one", "ones"}:
            before, after = self._word(index - 1), self._word(index + 1)
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
        if index and self._gap(index - 1) in tight and self._numeric(index - 1):
            return True
        if self._gap(index) not in tight or not self._numeric(index + 1):
            return False
        return not self._counted(index + 1)

    def _numeric(self, index: int) -> bool:
        word = self._word(index)
        return word.isdigit() or any(
            word in each for each in (_UNITS, _TEENS, _TENS, _BIG, _TIMES, _MONTHS)
        )

    def _runs(self) -> Iterator[list[int]]:
        """Tokens that may be parts of one number, such as "four um two"."""
        run: list[int] = []
        fillers = 0
        for index in range(len(self.tokens)):
            kind = None if self._taken[index] else self._kind(index)
            if kind is not None and run and not fillers and not self._close(index - 1):
                yield run
                run = []
            if kind is not None:
                run.append(index)
                fillers = 0
            elif run:
                fillers += 1
                close = self._close(index - 1) and self._close(index)
                if not close or fillers > _FILLERS_IN_A_ROW or not self._filler(index, run[-1]):
                    yield run
                    run, fillers = [], 0
        if run:
            yield run

    def _filler(self, index: int, member: int) -> bool:
        word, before = self._word(index), self._word(member)
        if word == "and":
            return before in _BIG
        if word in {"of", "the"}:
            return before in _MONTHS or self._kind(member) == "ordinal"
        return word in _FILLERS

    def _numbers(self, run: list[int]) -> Iterator[_Number]:
        """The run's tokens as numbers, such as "forty two" and "seventy one"."""
        number: _Number | None = None
        for index in run:
            next_one = self._single(index)
            if number is not None and self._joins(number, next_one):
                number.value = _joined(number.value, next_one.value, self._word(index))
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

    def _single(self, index: int) -> _Number:
        word, kind = self._word(index), self._kind(index) or "letter"
        if kind == "figure":
            value = int(word) if len(word) <= len("2026") else -1
            return _Number(index, index, kind, len(word), value)
        if kind == "mixed":
            return _Number(index, index, kind, len(word))
        value = (_UNITS | _TEENS | _TENS | _BIG).get(word, -1)
        return _Number(index, index, kind, {"unit": 1, "two": 2, "big": 3}.get(kind, 0), value)

    def _joins(self, number: _Number, after: _Number) -> bool:
        gap = self.text[self.tokens[number.last].end : self.tokens[after.first].start]
        if number.kind == after.kind == "figure":
            thousands = gap == "," and after.digits == 3 and number.digits <= 3
            return thousands or (gap == "." and after.digits == 1)
        if gap.strip(" -") not in {"", "and"}:
            return False
        if self._word(number.last) in _BIG:
            return after.kind in {"unit", "two", "big"} and after.value > 0
        if after.kind == "big":
            return number.kind in {"unit", "two", "big"} and number.value > 0
        is_tens = self._word(number.last) in _TENS
        return is_tens and after.kind == "unit" and after.value > 0 and gap in {" ", "-"}

    def _secret(self, run: list[_Number]) -> Iterator[int]:
        """The tokens of a run that may not be stored."""
        context = self._context(run)
        plain = set() if "birth" in context else self._dates(run)
        for at, number in enumerate(run):
            before = run[at - 1]
            alone = at == 0 or self._gap(before.last) != " " or before.last + 1 != number.first
            if number.counts and alone and self._counted(number.last):
                plain.add(at)
        plain |= self._clock(run, bool(context))
        rest = [number for at, number in enumerate(run) if at not in plain]
        counting = [number for number in rest if number.counts]
        mixed = any(number.kind == "mixed" and number.digits > 3 for number in counting)
        figure = any(number.kind == "figure" and number.digits > 2 for number in counting)
        digits = sum(number.digits for number in counting)
        several = len(counting) > 1 and digits > 1
        lettered = len(counting) == 1 and sum(n.kind == "letter" for n in rest) > 1
        born = "birth" in context and any(n.kind in {"month", "ordinal"} for n in rest)
        if several or mixed or figure or lettered or (context and counting) or born:
            for number in rest:
                for index in range(number.first, number.last + 1):
                    if self._kind(index) is not None:
                        yield index

    def _context(self, run: list[_Number]) -> frozenset[str]:
        """What was said to be told: "secret", "birth"; empty if it may be any number."""
        first, last = run[0].first, run[-1].last
        for index in range(first - 1, max(-1, first - 1 - _KEYWORD_WITHIN), -1):
            word = self._word(index).removesuffix("'s")
            ends = word in {"ends", "ending"} and self._word(index + 1) in {"in", "with"}
            nothing = word == "number" and self._word(index + 1) == "of"
            if (word in _KEYWORDS and not nothing) or ends:
                return frozenset({"secret", "birth"} if word in _BIRTH else {"secret"})
        if self._word(first - 1) in _NEXT_TO:
            return frozenset({"secret"})
        for index in range(last + 1, last + 1 + _KEYWORD_WITHIN):
            word = self._word(index)
            if word in _KEYWORD_BEHIND and index > last + 1:
                return frozenset({"secret"})
            if word not in _BETWEEN_BEHIND:
                break
        return frozenset()

    def _counted(self, index: int) -> bool:
        """Whether it is told what there are so many of."""
        before = self.text[max(0, self.tokens[index].start - 1) : self.tokens[index].start]
        # "$1,500": the sign stands before the first figure
        head = index
        while head and self._gap(head - 1) == "," and self._word(head - 1).isdigit():
            head -= 1
            before = self.text[max(0, self.tokens[head].start - 1) : self.tokens[head].start]
            if index - head > 2:
                break
        gap, word = self._gap(index), self._word(index + 1)
        if before in {"$", "€", "£"} or gap[:1] in {"%", "°", "€"}:
            return True
        if gap.strip(" ") or not word:
            return False
        meridiem = word in {"a", "p"} and self._word(index + 2) == "m"
        plural = len(word) > 3 and word.endswith("s") and word not in _NOT_COUNTED
        return meridiem or plural or word in _COUNTED

    def _clock(self, run: list[_Number], secret: bool) -> set[int]:
        """Numbers that are a time of day."""
        found: set[int] = set()
        for at in range(len(run) - 1):
            hour, minute = run[at], run[at + 1]
            if not (0 <= hour.value <= 24 and 0 <= minute.value < 60):
                continue
            gap = self._gap(hour.last)
            if gap == ":" and minute.kind == hour.kind == "figure":
                found |= {at, at + 1}
            elif self._counted(minute.last) and self._word(minute.last + 1) in {
                "am",
                "pm",
                "a",
                "p",
            }:
                if len(run) == 2:
                    found |= {at, at + 1}
            elif not secret and gap == " " and len(run) - at == 2 and minute.value > 9:
                earlier = at == 0 or self._date_before(run, at)
                said = self._word(hour.first - 1) in _CLOCK or minute.value % 5 == 0
                if earlier and said and 1 <= hour.value <= 12:
                    found |= {at, at + 1}
        return found

    def _date_before(self, run: list[_Number], at: int) -> bool:
        return run[at - 1].kind in {"month", "ordinal"}

    def _dates(self, run: list[_Number]) -> set[int]:
        """Numbers that are a day, or a year to come."""
        found: set[int] = set()
        for at, number in enumerate(run):
            if number.kind == "month":
                beside = at - 1 if at and run[at - 1].kind == "ordinal" else at + 1
                if beside < len(run) and self._is_day(run[beside]):
                    found |= {at, beside}
        for at, number in enumerate(run):
            dated = (at - 1 in found) or self._word(number.first - 1) in {"in", "since", "year"}
            if not dated:
                continue
            after = run[at + 1].value if at + 1 < len(run) else -1
            if number.kind == "figure" and number.value in _YEARS:
                found.add(at)
            elif number.value == 20 and 100 * 20 + after in _YEARS:
                found |= {at, at + 1}
        # A day with the year of a birth is no appointment.
        last = max(found, default=-1)
        if found and len(run) > last + 1 and self._is_year(run, last + 1):
            return set()
        return found

    def _is_day(self, number: _Number) -> bool:
        if number.kind == "ordinal":
            return True
        return number.kind in {"unit", "two", "figure"} and 1 <= number.value <= 31

    def _is_year(self, run: list[_Number], at: int) -> bool:
        number = run[at]
        if number.kind == "figure" and 1900 <= number.value < 2020:
            return True
        return (number.value in {18, 19, 20} and at + 1 < len(run)) or number.kind == "big"

    # -- addresses --------------------------------------------------------------------------------

    def _streets(self, runs: list[list[_Number]]) -> list[tuple[int, int]]:
        numeric = {index for run in runs for n in run for index in range(n.first, n.last + 1)
                   if n.kind != "letter"}  # fmt: skip
        found: list[tuple[int, int]] = []
        for index, token in enumerate(self.tokens):
            german = token.word.endswith(_GERMAN) and len(token.word) > _SHORTEST_GERMAN
            if german and index + 1 in numeric and self._gap(index) == " ":
                found.append((index, self._to_the_right(index + 1, numeric)))
            if token.word not in _STREETS and token.word not in _OFTEN_NO_STREETS:
                continue
            first = self._street_begins(index, numeric)
            if first is not None:
                found.append((first, self._rest_of_street(index, numeric)))
        return found

    def _street_begins(self, suffix: int, numeric: set[int]) -> int | None:
        """The token with which the address begins whose street ends there; None: it is none."""
        sure = self._word(suffix) in _STREETS
        for index in range(suffix - 1, max(-1, suffix - 1 - _STREET_WORDS), -1):
            word = self._word(index)
            if word in _HOME and index < suffix - 1:
                return index + 1
            if index in numeric and (index < suffix - 1 or word not in ORDINALS):
                first = index
                while first - 1 in numeric and suffix - first < _LONGEST_STREET:
                    first -= 1
                if suffix - index == 1 and (not sure or word in {"one", "two"}):
                    return None
                at_home = self._word(first - 1) in _THERE or self._home(first)
                return first if sure or at_home or first < index or self._is_long(index) else None
            counted = self._counted(index - 1) and not self._home(index - 1)
            if word in _NO_STREETS or not self._close(index) or counted:
                return None
        return None

    def _home(self, index: int) -> bool:
        """Whether it was said a little before that this is where somebody lives."""
        return any(self._word(each) in _ADDRESS for each in range(max(0, index - 6), index))

    def _is_long(self, index: int) -> bool:
        return self._word(index).isdigit() or self._word(index)[:-1].isdigit()

    def _rest_of_street(self, suffix: int, numeric: set[int]) -> int:
        last = suffix
        while self._word(last + 1) in _QUARTERS:
            last += 1
        if self._word(last + 1) in _NEXT_TO and last + 2 in numeric and self._close(last):
            return self._to_the_right(last + 2, numeric)
        if self._home(suffix) and last + 1 in numeric and self._gap(last) == " ":
            return self._to_the_right(last + 1, numeric)
        return last

    def _to_the_right(self, index: int, numeric: set[int]) -> int:
        first = index
        while index + 1 in numeric and index - first < _LONGEST_STREET and self._gap(index) == " ":
            index += 1
        return index

    def _emails(self) -> list[tuple[int, int]]:
        found: list[tuple[int, int]] = []
        for index, token in enumerate(self.tokens):
            if token.word not in {"at", "@"} or self._word(index - 1) in {"at", "@", ""}:
                continue
            first = self._local(index - 1, written=token.word == "@")
            told = self._mail_told(index)
            last = self._domain(index)
            dotted = first < index - 1
            provider = self._word(index + 1) in _PROVIDERS
            ends = index == len(self.tokens) - 1
            if last is None and provider:
                last = index + 1
            if last is None and (told is not None or token.word == "@") and not ends:
                last = index + 1
            if last is None and ends and (self._spelled_dot(first, index) or told is not None):
                last = index
            if last is None:
                continue
            if not dotted and self._word(index - 1) in _NO_LOCAL and not provider:
                continue
            if told is not None:
                first = min(first, told)
            elif token.word == "at":
                first = self._more_names(first)
            found.append((first, last))
        return found

    def _local(self, index: int, *, written: bool) -> int:
        """The token with which the part before "at" begins."""
        first = index
        while first > 1 and index - first < _LONGEST_ADDRESS:
            gap, word, before = self._gap(first - 1), self._word(first - 1), self._word(first - 2)
            if word == "@":
                break
            if gap in _WRITTEN:
                first -= 1
            elif written:
                break
            elif word in _CONNECTORS and before:
                first -= 2
            elif (self._spelled(first) and self._spelled(first - 1)) or (
                self._numeric(first) and word not in _NO_LOCAL
            ):
                first -= 1
            else:
                break
        if first == 1 and (self._gap(0) in _WRITTEN or (self._spelled(1) and self._spelled(0))):
            first = 0
        if first == 1 and not written and self._numeric(1) and self._word(0) not in _NO_LOCAL:
            first = 0
        return first

    def _spelled(self, index: int) -> bool:
        return len(self._word(index)) == 1 or self._numeric(index)

    def _spelled_dot(self, first: int, index: int) -> bool:
        return any(self._word(each) in _CONNECTORS for each in range(first + 1, index))

    def _more_names(self, first: int) -> int:
        """ "john doe at …": two more words, unless they are none of a name."""
        for _ in range(2):
            before = self._word(first - 1)
            if not before or before in _NO_LOCAL or self._gap(first - 1) != " ":
                break
            first -= 1
        return first

    def _mail_told(self, index: int) -> int | None:
        """The first token after "my e-mail is", if that was said a little before."""
        for back in range(index - 1, max(-1, index - 1 - _MAIL_WITHIN), -1):
            if self._word(back) in {"email", "mail", "e-mail"}:
                first = back + 1
                while first < index - 1 and self._word(first) in _NO_LOCAL | {"address"}:
                    first += 1
                return first if first < index and first > back + 1 else None
        return None

    def _domain(self, index: int) -> int | None:
        """The last token of the domain after "at"; None if there is none."""
        for dot in range(index + 2, min(index + 2 + _DOMAIN_WORDS, len(self.tokens))):
            if self._gap(dot - 1) == ".":
                last = dot
            elif self._word(dot) in {"dot", "point"} and dot + 1 < len(self.tokens):
                last = dot + 1
            else:
                if not self._close(dot - 1) or self._gap(dot - 1).strip(" -"):
                    return None
                continue
            for _ in range(_LONGEST_ADDRESS):
                if last + 1 < len(self.tokens) and self._gap(last) == ".":
                    last += 1
                elif self._word(last + 1) == "dot" and last + 2 < len(self.tokens):
                    last += 2
                else:
                    break
            return last
        return None


def _masked(raw: str) -> str:
    """`#` for a word, and for each figure; "3rd" keeps its ending."""
    if _ORDINAL_FIGURE.match(raw):
        return re.sub(r"\d", "#", raw)
    return "#" * len(raw) if any(c.isdigit() for c in raw) else "#"


def _joined(before: int, after: int, word: str) -> int:
    if before < 0 or after < 0:
        return -1
    if word in _BIG:
        return min(before * after, 10**9)
    return min(before + after, 10**9)


_STREETS: Final = _words(
    "street st avenue ave road rd lane ln boulevard blvd terrace crescent highway parkway alley"
)
_OFTEN_NO_STREETS: Final = _words("way drive dr place court close square park hill row walk mews")
_GERMAN: Final = ("straße", "strasse", "platz", "allee", "gasse", "weg")
_SHORTEST_GERMAN: Final = 5
_STREET_WORDS: Final = 5
_LONGEST_STREET: Final = 10
_NO_STREETS: Final = _words(
    "the this that of down by in up from across and or is are to a an my our your people minutes i "
    "we you it he she they for"
)
_HOME: Final = _words("on at is")
_THERE: Final = _words("at to on is it's near")
_ADDRESS: Final = _words("live lives living address reside")
_QUARTERS: Final = _words("north south east west nw ne sw se northwest northeast")

_PROVIDERS: Final = _words(
    "gmail hotmail yahoo outlook icloud aol protonmail proton gmx googlemail web.de"
)
_WRITTEN: Final = frozenset({".", "+", "-", "%", ""})
_CONNECTORS: Final = _words("dot point underscore dash hyphen plus minus period")
_NO_LOCAL: Final = _words(
    "it's its it is to my the me us at on yes sure ok okay and uh um or under write look find "
    "reach mail email send that's for with address us here out more arrive meet be was in him her "
    "them you we i that"
)
_LONGEST_ADDRESS: Final = 64
_MAIL_WITHIN: Final = 12
_DOMAIN_WORDS: Final = 5
