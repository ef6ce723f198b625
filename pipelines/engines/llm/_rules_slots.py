"""What a rule may ask a caller for, and how it is found among English words."""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Literal, TypeAlias

from pipelines.engines.llm._rules_words import FILLERS, NUMBERS, Heard, listed
from pipelines.engines.numerals import ORDINALS, TENS

Kind: TypeAlias = Literal["number", "digits", "time", "day", "name", "words"]

WEEKDAYS = listed("monday tuesday wednesday thursday friday saturday sunday")
MONTHS = listed(
    """january february march april may june july august september october november december"""
)
VOCABULARY = frozenset(
    (
        *NUMBERS,
        *TENS,
        *ORDINALS,
        *WEEKDAYS,
        *MONTHS,
        *listed(
            "today tomorrow after oclock noon midday quarter half past morning afternoon evening"
        ),
    )
)
"""Words that slots are made of."""
_TIMES = {"double": 2, "triple": 3}
_NO_NAME = frozenset(
    listed(
        """a about after all also am an and any anything are as ask at be because been before book
    but by call can cancel change come could day dear did do does done for forget from get go
    going good got had has have he hello help her here hey hi his hold how i if in into is it
    just know let like long look make many may maybe me mean mind morning much my name need
    never new next no not nothing now number of off oh ok okay on one only or our out over
    pardon phone please put quite really repeat right said same say see she should so some
    someone something sorry speak spell spelled still stop sure take talk tell than thank
    thanks that the their them then there they thing think this time to today tomorrow too
    under understand until up us wait want was we well were what when where which who why will
    with wonder would wrong yeah yes yet you your"""
    )
)
"""Words that hardly anybody is called, unless they are written with a capital."""


@dataclass(frozen=True, slots=True)
class Value:
    """What a slot holds."""

    said: str
    """As the agent says it."""
    value: str
    """As tools are given it; a day is not yet a date."""
    sure: bool = True
    """Whether it is one even where nobody asked for it."""


@dataclass(frozen=True, slots=True)
class Found:
    """A value among the words."""

    start: int
    end: int
    value: Value


def read(kind: Kind, said: Heard, start: int) -> Iterator[Found]:
    """Values of that kind that begin at a word; the longest first."""
    if start < len(said.words):
        yield from (Found(start, end, value) for end, value in _READERS[kind](said, start))


def everywhere(kind: Kind, said: Heard) -> Iterator[Found]:
    """The longest value at each word that is not within the one before."""
    at = 0
    while at < len(said.words):
        found = next(read(kind, said, at), None)
        if found:
            yield found
        at = found.end if found else at + 1


def alone(kind: Kind, said: Heard) -> Value | None:
    """The value, if the words are nothing else, but for fillers."""
    for start, word in enumerate(said.words):
        for found in read(kind, said, start):
            if all(word in FILLERS for word in said.words[found.end :]):
                return found.value
        if word not in FILLERS:
            return None
    return None


# -- numbers and digits -------------------------------------------------------------------------


def _below_hundred(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    if at >= len(words):
        return None
    word = words[at]
    if word.isdecimal() and len(word) <= 2:
        return at + 1, int(word)
    if word in TENS:
        unit = NUMBERS.get(words[at + 1], 0) if at + 1 < len(words) else 0
        return (at + 2, TENS[word] + unit) if 1 <= unit <= 9 else (at + 1, TENS[word])
    return (at + 1, NUMBERS[word]) if word in NUMBERS and word != "o" else None


def _number(said: Heard, start: int) -> Iterator[tuple[int, Value]]:
    words, total, at = said.words, 0, start
    if words[at].isdecimal() and len(words[at]) <= 12:
        yield at + 1, Value(str(int(words[at])), str(int(words[at])))
        return
    while at < len(words):
        part = _below_hundred(words, at)
        if (
            part is None
            and words[at] == "a"
            and words[at + 1 : at + 2] in {("hundred",), ("thousand",)}
        ):
            part = at + 1, 1
        if part is None:
            break
        at, value = part
        if words[at : at + 1] == ("hundred",):
            at, value = at + 1, value * 100
            skip = at + (words[at : at + 1] == ("and",))
            if rest := _below_hundred(words, skip):
                at, value = rest[0], value + rest[1]
        if words[at : at + 1] != ("thousand",):
            total += value
            break
        at, total = at + 1, total + value * 1000
    if at > start:
        yield at, Value(str(total), str(total), sure=total != 1)


def _digits(said: Heard, start: int) -> Iterator[tuple[int, Value]]:
    words, digits, at = said.words, "", start
    while at < len(words):
        times = _TIMES.get(words[at], 1)
        part = _digit_row(words, at + (times > 1))
        if part is None:
            break
        at, row = part
        digits += row[0] * times + row[1:]
    if digits:
        yield at, Value(_grouped(digits), digits, sure=len(digits) > 3)


def _digit_row(words: tuple[str, ...], at: int) -> tuple[int, str] | None:
    if at < len(words) and words[at].isdecimal() and words[at].isascii():
        return at + 1, words[at]
    part = _below_hundred(words, at)
    if part is None and words[at : at + 1] == ("o",):
        part = at + 1, 0
    return (part[0], str(part[1])) if part else None


def _grouped(digits: str) -> str:
    """In groups of three, the last of up to four, as phone numbers are read."""
    groups: list[str] = []
    while len(digits) > 4:
        groups.append(digits[:3])
        digits = digits[3:]
    return "-".join([*groups, digits])


# -- times and days -----------------------------------------------------------------------------

_PARTS = {"morning": "am", "afternoon": "pm", "evening": "pm", "night": "pm", "tonight": "pm"}
_SAYS_TIME = frozenset(listed("at around about by until till after before make"))


def _time(said: Heard, start: int) -> Iterator[tuple[int, Value]]:
    words = said.words
    if words[start] in {"noon", "midday"}:
        yield start + 1, Value("12 noon", "12:00")
        return
    clock = _clock(words, start)
    if clock is None:
        return
    at, hour, minute, sure = clock
    if words[at : at + 1] == ("oclock",):
        at, sure = at + 1, True
    half = ""
    for step in (0, 1, 2):  # pm; this evening; in the afternoon
        lead, word = words[at : at + step], words[at + step : at + step + 1]
        part = word[0] if word else ""
        if part in {"am", "pm", *_PARTS} and lead in {
            (),
            ("in",),
            ("at",),
            ("this",),
            ("in", "the"),
        }:
            at, sure, half = at + step + 1, True, _PARTS.get(part, part)
            break
    if hour > 12 and half:
        return
    if half and hour == 12:
        hour = 12 if half == "pm" else 0
    elif half == "pm" or (not half and 1 <= hour <= 7):
        hour += 12
    sure = sure or (start > 0 and words[start - 1] in _SAYS_TIME)
    yield at, Value(_as_said(hour, minute), f"{hour:02}:{minute:02}", sure)


def _as_said(hour: int, minute: int) -> str:
    clock = f"{(hour - 1) % 12 + 1}" + (f":{minute:02}" if minute else "")
    return "12 noon" if (hour, minute) == (12, 0) else f"{clock} {'am' if hour < 12 else 'pm'}"


def _clock(words: tuple[str, ...], at: int) -> tuple[int, int, int, bool] | None:
    """(place behind it, hour, minute, whether it can be nothing else)."""
    if exact := re.fullmatch(r"(\d{1,2})[:.](\d\d)", words[at]):
        hour, minute = int(exact[1]), int(exact[2])
        return (at + 1, hour, minute, True) if hour < 24 and minute < 60 else None
    named = {"quarter": (at + 1, 15), "half": (at + 1, 30)}.get(words[at])
    first = named or _below_hundred(words, at)
    if first is None:
        return None
    behind, number = first
    side = words[behind] if behind < len(words) else ""
    if side in {"past", "after", "to", "before"} and 0 < number < 60:
        return _beside_hour(words, behind, number)
    if named:  # "half seven"
        hour = _hour(words, behind) if words[at] == "half" else None
        return (*hour, 30, True) if hour else None
    return _hour_and_minutes(words, at)


def _beside_hour(
    words: tuple[str, ...], side: int, minutes: int
) -> tuple[int, int, int, bool] | None:
    """ "Ten past three", "quarter to four"."""
    hour = _hour(words, side + 1)
    if hour is None:
        return None
    if words[side] in {"past", "after"}:
        return *hour, minutes, True
    return hour[0], (hour[1] - 2) % 12 + 1, 60 - minutes, True


def _hour(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    hour = _below_hundred(words, at)
    return hour if hour and 1 <= hour[1] <= 12 else None


def _hour_and_minutes(words: tuple[str, ...], at: int) -> tuple[int, int, int, bool] | None:
    """ "Three", "three thirty", "three oh five"."""
    hour = _hour(words, at)
    if hour is None:
        return None
    behind, number = hour
    lead = behind + (words[behind : behind + 1] in {("oh",), ("o",)})
    minutes = _below_hundred(words, lead)
    if minutes and (10 <= minutes[1] < 60 if lead == behind else 1 <= minutes[1] <= 9):
        return minutes[0], number, minutes[1], True
    return behind, number, 0, False


def _day(said: Heard, start: int) -> Iterator[tuple[int, Value]]:
    words = said.words
    if words[start : start + 3] == ("day", "after", "tomorrow"):
        yield start + 3, Value("the day after tomorrow", "+2")
    elif words[start] in {"today", "tonight"}:
        yield start + 1, Value("today", "+0")
    elif words[start] == "tomorrow":
        yield start + 1, Value("tomorrow", "+1")
    elif (bare := words[start].removesuffix("s")) in WEEKDAYS:
        yield start + 1, Value(bare.title(), bare)
    else:
        yield from _date(words, start)


def _date(words: tuple[str, ...], start: int) -> Iterator[tuple[int, Value]]:
    if words[start] in MONTHS:  # November [the] 24th
        at = start + 1 + (words[start + 1 : start + 2] == ("the",))
        day = _ordinal(words, at) or _plain_day(words, at)
        if day:
            yield day[0], _dated(day[1], MONTHS.index(words[start]) + 1)
        return
    ordinal = _ordinal(words, start)
    day = ordinal or _plain_day(words, start)
    if day is None:
        return
    at = day[0] + (words[day[0] : day[0] + 1] == ("of",))
    if words[at : at + 1] and words[at] in MONTHS:  # 24th [of] November
        yield at + 1, _dated(day[1], MONTHS.index(words[at]) + 1)
    elif ordinal and words[start - 1 : start] == ("the",):
        yield ordinal[0], Value(f"the {_nth(day[1])}", f"0-{day[1]}")


def _ordinal(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    here, behind = words[at : at + 1], words[at + 1 : at + 2]
    if not here:
        return None
    if here[0].isdecimal() and behind and behind[0] in {"st", "nd", "rd", "th"}:
        day = at + 2, int(here[0][:3])
    elif here[0] in {"twenty", "thirty"} and behind and behind[0] in ORDINALS:
        day = at + 2, TENS[here[0]] + ORDINALS[behind[0]]
    else:
        day = at + 1, ORDINALS.get(here[0], 0)
    return day if 1 <= day[1] <= 31 else None


def _plain_day(words: tuple[str, ...], at: int) -> tuple[int, int] | None:
    day = _below_hundred(words, at)
    return day if day and 1 <= day[1] <= 31 else None


def _dated(day: int, month: int) -> Value:
    return Value(f"{MONTHS[month - 1].title()} {_nth(day)}", f"{month}-{day}")


def _nth(day: int) -> str:
    ending = "th" if 10 < day < 20 else {1: "st", 2: "nd", 3: "rd"}.get(day % 10, "th")
    return f"{day}{ending}"


def resolved(day: str, today: date) -> str:
    """The date of a day slot's value, ISO 8601: the next one there is.

    A day that no month has (February 30th) stays as it is: the tool will say so.
    """
    if day.startswith("+"):
        return (today + timedelta(days=int(day))).isoformat()
    if day in WEEKDAYS:
        ahead = (WEEKDAYS.index(day) - today.weekday() - 1) % 7 + 1
        return (today + timedelta(days=ahead)).isoformat()
    month, number = (int(part) for part in day.split("-"))
    for ahead in range(8 * 366):  # leap days may be eight years apart
        then = today + timedelta(days=ahead)
        if then.day == number and month in {0, then.month}:
            return then.isoformat()
    return day


# -- names and free words -----------------------------------------------------------------------


def _name(said: Heard, start: int) -> Iterator[tuple[int, Value]]:
    """Up to three names, or one letter by letter: "Smith, S M I T H" is one name."""
    parts: list[str] = []
    at, ends = start, list[tuple[int, Value]]()
    while at < len(said.words) and len(parts) < 3:
        if spelled := _spelled(said.words, at):
            at, word = spelled
            if parts and parts[-1].lower()[:1] == word.lower()[:1]:
                parts.pop()
            parts.append(word.title())
        elif _may_be_name(said, at):
            word = said.written[at]
            parts.append(word if word[0].isupper() else word.title())
            at += 1
        else:
            break
        ends.append((at, Value(" ".join(parts), " ".join(parts), sure=False)))
    yield from reversed(ends)


def _may_be_name(said: Heard, at: int) -> bool:
    word, written = said.words[at], said.written[at]
    if not word.isalpha() or len(word) < 2 or word in WEEKDAYS or word in TENS or word in NUMBERS:
        return False
    return word not in _NO_NAME or (at > 0 and written[0].isupper() and written.isalpha())


def _spelled(words: tuple[str, ...], at: int) -> tuple[int, str] | None:
    """A name letter by letter; "double t", "m as in Mike" and "m for Mike" are letters, too."""
    letters = ""
    while at < len(words):
        twice = words[at] == "double" and at + 1 < len(words)
        letter = words[at + twice]
        if len(letter) != 1 or not letter.isalpha():
            break
        letters += letter * (2 if twice else 1)
        at += 1 + twice
        if words[at : at + 2] == ("as", "in"):
            at = min(at + 3, len(words))
        elif words[at : at + 1] == ("for",) and len(words) > at + 1 and words[at + 1][0] == letter:
            at += 2
    return (at, letters) if len(letters) > 1 else None


def _words(said: Heard, start: int) -> Iterator[tuple[int, Value]]:
    text = " ".join(said.written[start:])
    yield len(said.words), Value(text, text, sure=False)


_READERS = {
    "number": _number, "digits": _digits, "time": _time,
    "day": _day, "name": _name, "words": _words,
}  # fmt: skip
