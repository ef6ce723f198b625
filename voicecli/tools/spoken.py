"""What callers mean by the words for a day, a time of day or a name; English only.

A small model tells well which words matter and computes badly with them: a tool takes those words
(`voicecli.tools.Quote`), and finds out here what is meant by them in the whole of what was said.
Whatever is not understood is None, so that the tool asks again.
"""

import re
from calendar import day_name, month_name
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date, time, timedelta
from typing import Final, Generic, TypeVar

from pipelines.engines.numerals import ONES, ORDINALS, TENS

T = TypeVar("T", date, time)

_WEEKDAYS: Final = {name.lower(): number for number, name in enumerate(day_name)}
_MONTHS: Final = {name.lower(): number for number, name in enumerate(month_name) if name}
_SHORT: Final = {name[:3]: number for name, number in _MONTHS.items()} | {"sept": 9}
_NUMBERS: Final = (
    {word: str(n) for n, word in enumerate(ONES)}
    | {word: f"{n}th" for word, n in ORDINALS.items()}
    | {"zeroth": "0th"}
    | {word: str(n) for word, n in TENS.items() if n <= 50}
)
_UNITS: Final = (*ONES[1:10], *(word for word, n in ORDINALS.items() if n < 10))
_COMPOUND: Final = re.compile(rf"\b(twenty|thirty|forty|fifty)[ -]({'|'.join(_UNITS)})\b")
_GREETINGS: Final = re.compile(r"\bgood (?:morning|afternoon|evening|day)\b")
_PRONOUNS: Final = re.compile(r"\b(that|this|the|which|any|another|other|no) one\b")
_MONTH: Final = "|".join([*_MONTHS, *_SHORT])
_WEEKDAY: Final = "|".join(_WEEKDAYS)
_HOUR_OF_DAY: Final = 24
_NEAR: Final = 25
"""Characters before and after a time in which "p.m." or "in the morning" belongs to it."""


@dataclass(frozen=True, slots=True)
class _Mention(Generic[T]):
    start: int
    end: int
    value: T

    def overlaps(self, start: int, end: int) -> bool:
        return self.start < end and start < self.end


def _plain(words: str) -> str:
    """Lower case, number words as digits ("3", "3th"), "p.m." as "pm", punctuation as spaces."""
    text = re.sub(r"\b([ap])\.? ?m\b\.?", r"\1m", words.lower())
    text = _GREETINGS.sub(" ", re.sub(r"(\d)(am|pm)\b", r"\1 \2", text))
    text = _PRONOUNS.sub(r"\1", text)
    text = _COMPOUND.sub(lambda m: _sum(_NUMBERS[m[1]], _NUMBERS[m[2]]), text)
    text = re.sub(r"[a-z]+", lambda m: _NUMBERS.get(m[0], m[0]), text)
    text = re.sub(r"\b(\d+)(?:st|nd|rd)\b", r"\1th", text)
    text = re.sub(r"(\d)\.(\d\d)\b", r"\1:\2", text)
    return " ".join(re.sub(r"[^\w: ]", " ", text).split())


def _sum(tens: str, ones: str) -> str:
    total = int(tens) + int(ones.removesuffix("th"))
    return f"{total}th" if ones.endswith("th") else str(total)


def _meant(mentions: list[_Mention[T]], text: str, quote: str) -> T | None:
    """The mention that is quoted; without a quote the last, as people correct themselves."""
    mentions = [m for m in mentions if not re.search(r"\bnot (on |at )?$", text[: m.start])]
    at = text.find(quote) if quote else -1
    quoted = [m for m in mentions if at >= 0 and m.overlaps(at, at + len(quote))]
    chosen = quoted or mentions
    return max(chosen, key=lambda m: m.start).value if chosen else None


# -- days -----------------------------------------------------------------------------------------


def day_of(said: str, today: date, quote: str = "") -> date | None:
    """The day that is meant by words such as "next Tuesday", "tomorrow" or "the 3rd of December".

    A day of the week is the next one of that name after today; "next" Tuesday is that of next week,
    from Monday on. A day of the month is the next that there will be.

    Args:
        said: what the caller said; other words among it do no harm.
        today: the day on which it is said.
        quote: those of the words that matter, if more than one day is named.
    """
    text = _plain(said)
    return _meant(_days(text, today), text, _plain(quote))


def _days(text: str, today: date) -> list[_Mention[date]]:
    """The days that are named, each once: "Tuesday the 1st of December" is one."""
    found: list[_Mention[date]] = []
    taken: list[tuple[int, int]] = []
    for pattern, value in _DAY_PATTERNS:
        for match in pattern.finditer(text):
            start, end = match.span()
            if any(start < upto and since < end for since, upto in taken):
                continue
            taken.append((start, end))  # even if there is no such day: it is no other then
            meant = value(match, today)
            if meant is not None:
                found.append(_Mention(start, end, meant))
    return found


def _in_days(match: re.Match[str], today: date) -> date:
    count = 1 if match[1] == "a" else int(match[1])
    return today + timedelta(days=count * (7 if match[2] == "week" else 1))


def _in_month(match: re.Match[str], today: date) -> date | None:
    day, name = match["day"], match["month"]
    month = _MONTHS.get(name) or _SHORT[name]
    years = (_date(year, month, int(day)) for year in range(today.year, today.year + 5))
    return next((meant for meant in years if meant is not None and meant >= today), None)


def _week_day(match: re.Match[str], today: date) -> date | None:
    number = _WEEKDAYS[match["name"]]
    meant = today + timedelta(days=(number - today.weekday() - 1) % 7 + 1)
    before, after = match["before"] or "", match["after"] or ""
    if before.startswith("next") or after == "next week":
        meant = today + timedelta(days=7 - today.weekday() + number)
    elif before == "a week" or after in {"week", "in a week"}:
        meant += timedelta(days=7)
    if match["day"]:  # "Tuesday the 15th" need not be the next Tuesday
        named = _of_month(int(match["day"]), today)
        return named if named is not None and named.weekday() == number else None
    return meant


def _of_month(day: int, today: date) -> date | None:
    months = ((today.year + (today.month + n - 1) // 12, (today.month + n - 1) % 12 + 1)
              for n in range(12))  # fmt: skip
    days = (_date(year, month, day) for year, month in months)
    return next((meant for meant in days if meant is not None and meant >= today), None)


def _date(year: int, month: int, day: int) -> date | None:
    try:
        return date(year, month, day)
    except ValueError:
        return None


_DAY_PATTERNS: Final[
    tuple[tuple[re.Pattern[str], Callable[[re.Match[str], date], date | None]], ...]
] = tuple(
    (re.compile(pattern), value)
    for pattern, value in (
        (rf"\b(?:the )?(?P<day>\d+)(?:th)?(?: of)? (?P<month>{_MONTH})\b", _in_month),
        (rf"\b(?P<month>{_MONTH}) (?:the )?(?P<day>\d+)(?:th)?\b(?! (?:am|pm)|:)", _in_month),
        (r"\bday after tomorrow\b", lambda _, today: today + timedelta(days=2)),
        (r"\btomorrow\b", lambda _, today: today + timedelta(days=1)),
        (r"\b(?:today|tonight|this (?:morning|afternoon|evening))\b", lambda _, today: today),
        (r"\bin (a|\d+) (day|week)s?\b", _in_days),
        (
            rf"\b(?:(?P<before>a week|next week|next|this)(?: on| from)? )?(?P<name>{_WEEKDAY})s?"
            r"(?: (?P<after>next week|in a week|week))?(?: (?:the )?(?P<day>\d+)th)?\b",
            _week_day,
        ),
        (
            r"\bthe (\d{1,2})th\b(?! (?:day|week|time|one)s?\b)",
            lambda match, today: _of_month(int(match[1]), today),
        ),
    )
)


# -- times ----------------------------------------------------------------------------------------

_TIME_PATTERNS: Final = tuple(
    re.compile(pattern)
    for pattern in (
        r"\bhalf (?:past )?(?P<half>\d+)\b",
        r"\b(?P<by>quarter|\d+) (?:minutes )?(?P<to>past|after|to|before) (?P<hour>\d+)\b",
        r"\b(?P<hour>\d{1,2}):(?P<minute>\d\d)\b",
        r"\b(?P<hour>\d{1,2}) (?P<minute>[0-5]\d)\b",
        r"\b(?P<hour>\d{1,2}) (?:o ?clock|am|pm|in the (?:morning|afternoon|evening))\b",
        r"\b(?:noon|midday)\b",
        r"\b(?:at|around|about|make it|rather|better) (?P<hour>\d{1,2})\b(?! (?:day|week|people))",
    )
)
_BARE_HOUR: Final = re.compile(
    r"(?<!in )\b(?P<hour>\d{1,2})\b(?! (?:days?|weeks?|months?|people|persons)\b)"
)
"""A time only if it is quoted as one."""


def time_of(
    said: str, opens: time = time(8), closes: time = time(20), quote: str = ""
) -> time | None:
    """The time that is meant by words such as "half past nine", "3 p.m." or "quarter to four".

    Without "a.m." or "p.m.", it is the one of the two that lies within the opening hours.

    Args:
        said: what the caller said; other words among it do no harm.
        opens: the earliest time that is likely.
        closes: the latest.
        quote: those of the words that matter; a mere "three" is a time only here.
    """
    text, quote = _plain(said), _plain(quote)
    mentions = list(_times(text, quote, (opens, closes)))
    return _meant(mentions, text, quote)


def _times(text: str, quote: str, hours: tuple[time, time]) -> Iterator[_Mention[time]]:
    days = _days(text, date(2000, 1, 1))  # whichever they are: their numbers are no times
    taken = [(day.start, day.end) for day in days]
    matches = [match for pattern in _TIME_PATTERNS for match in pattern.finditer(text)]
    at = text.find(quote) if quote else -1
    if at >= 0:
        matches += [*_BARE_HOUR.finditer(text, at, at + len(quote))]
    for match in matches:
        start, end = match.span()
        if any(start < upto and since < end for since, upto in taken):
            continue
        around = text[max(0, start - _NEAR) : end + _NEAR]
        meant = _time(match.groupdict(), around, hours)
        if meant is not None:
            taken.append((start, end))
            yield _Mention(start, end, meant)


def _time(parts: dict[str, str | None], around: str, hours: tuple[time, time]) -> time | None:
    hour, minute = int(parts.get("hour") or parts.get("half") or 12), 0
    if parts.get("half"):
        minute = 30
    elif by := parts.get("by"):
        minute = 15 if by == "quarter" else int(by)
        if parts["to"] in {"to", "before"}:
            minute, hour = 60 - minute, hour - 1
    elif parts.get("minute"):
        minute = int(parts["minute"] or 0)
    if not (0 <= hour < _HOUR_OF_DAY and 0 <= minute < 60):
        return None
    noon = 12
    if hour <= noon and re.search(r"\b(pm|afternoon|evening|tonight)\b", around):
        hour = hour % noon + noon
    elif hour <= noon and re.search(r"\b(am|morning)\b", around):
        hour %= noon
    elif hour < noon and not hours[0] <= time(hour, minute) <= hours[1]:
        later = time(hour + noon, minute)
        hour = later.hour if hours[0] <= later <= hours[1] else hour
    return time(hour, minute)


# -- names ----------------------------------------------------------------------------------------

_BEFORE_NAME: Final = re.compile(
    r"^(?:(?:yes|yeah|no|sure|oh|ah|well|um|uh|okay|ok|please|sorry|hi|hello|and|so)\b[\s,.]*)*"
    r"(?:(?:the|my|our)\s+(?:\w+\s+)?name(?:'s|\s+is|\s+would\s+be)?|name(?:'s|\s+is)|"
    r"it(?:'s|\s+is)|this\s+is|that(?:'s|\s+is|\s+would\s+be)|i(?:'m|\s+am)|here\s+is)?\s*"
    r"(?:for\s+|under\s+|by\s+)?",
    re.I,
)
_SPELLED: Final = re.compile(r"(?<![\w'’])(?:[A-Za-z](?:[\s,.\-–]+|$)){3,}")
_BEFORE_SPELLED: Final = re.compile(
    r"\b(?:that is|that's|it's|spelled|spelt|i spell|with an?)\b.*$", re.I
)
_LONGEST_NAME: Final = 4
_NEVER_NAMES: Final = frozenset({
    *_WEEKDAYS, *_NUMBERS, "tomorrow", "today", "morning", "afternoon", "evening", "next",
    "o'clock", "yes", "no", "please", "appointment", "dentist", "dental", "doctor", "cancel",
    "book", "make", "want", "my", "name", "i", "you", "me", "we", "it", "is", "the", "a", "an",
    "at", "on", "in", "for", "to",
})  # fmt: skip


def name_of(words: str, said: str = "") -> str | None:
    """The name in words such as "it's Ann Miller" or "Kowalski, K O W A L S K I".

    What is spelled takes the place of the last name before it.

    Args:
        words: those that are the name, more or less.
        said: all that the caller said, for the letters if they are not all among the words.
    """
    spelled = ""
    if found := _SPELLED.search(said or words):
        spelled = "".join(re.findall(r"[A-Za-z]", found[0])).capitalize()
        words = _SPELLED.split(words)[0] if not said else said[: found.start()]
        words = _BEFORE_SPELLED.sub("", words)
    words = _BEFORE_NAME.sub("", words.strip()).strip(" .,;:?!-")
    names = re.findall(r"[^\W\d_][\w'’\-]*\.?", words)
    if spelled:
        names = [*names[:-1], spelled] if len(names) <= _LONGEST_NAME else [spelled]
    if not 0 < len(names) <= _LONGEST_NAME or any(n.lower() in _NEVER_NAMES for n in names):
        return spelled or None
    return " ".join(name if name[0].isupper() else name.capitalize() for name in names)


# -- and back -------------------------------------------------------------------------------------


def spoken_day(day: date) -> str:
    """The day as one says it: "Tuesday, the 1st of December"."""
    teens = day.day in {11, 12, 13}
    ending = "th" if teens else {1: "st", 2: "nd", 3: "rd"}.get(day.day % 10, "th")
    return f"{day:%A}, the {day.day}{ending} of {day:%B}"


def spoken_time(at: time) -> str:
    """The time as one says it: "9:30 a.m."."""
    noon = 12
    minute = f":{at.minute:02}" if at.minute else ""
    return f"{(at.hour - 1) % noon + 1}{minute} {'a.m.' if at.hour < noon else 'p.m.'}"
