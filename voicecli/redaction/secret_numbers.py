"""Which numbers may be somebody's secret: counts, times, prices and days to come are none."""

from collections.abc import Iterator
from typing import Final

from voicecli.redaction.number_words import Number, Words, listed

KEYWORDS: Final = listed(
    "pin code passcode password cvv cvc card account iban ssn social security birth birthday dob "
    "born zip postcode postal number expiry expires expiration extension routing sort "
    "reference policy member membership passport license licence"
)
_BIRTH: Final = listed("birth birthday dob born")
NEXT_TO: Final = listed("apartment apt flat suite box unit")
"""Make a number a secret only just before it."""
_KEYWORD_WITHIN: Final = 8
_BETWEEN_BEHIND: Final = listed("is was are it's my the your a for of one time last")
_KEYWORD_BEHIND: Final = listed(
    "pin code passcode password cvv cvc ssn social zip postcode birthday"
)
_CLOCK: Final = listed(
    "at around about by before after until till from past to for am pm tomorrow today"
)
_YEARS: Final = range(2020, 2040)
"""Of appointments rather than of births."""


def secret_words(words: Words, run: list[Number]) -> Iterator[int]:
    """The tokens of a run that may not be stored."""
    context = _context(words, run)
    plain = set() if "birth" in context else _dates(words, run)
    for at, number in enumerate(run):
        before = run[at - 1]
        alone = at == 0 or words.gap(before.last) != " " or before.last + 1 != number.first
        if number.counts and alone and words.counted(number.last):
            plain.add(at)
    plain |= _clock(words, run, bool(context))
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
                if words.kind(index) is not None:
                    yield index


def _context(words: Words, run: list[Number]) -> frozenset[str]:
    """What was said to be told: "secret", "birth"; empty if it may be any number."""
    first, last = run[0].first, run[-1].last
    for index in range(first - 1, max(-1, first - 1 - _KEYWORD_WITHIN), -1):
        word = words.word(index).removesuffix("'s")
        ends = word in {"ends", "ending"} and words.word(index + 1) in {"in", "with"}
        nothing = word == "number" and words.word(index + 1) == "of"
        if (word in KEYWORDS and not nothing) or ends:
            return frozenset({"secret", "birth"} if word in _BIRTH else {"secret"})
    if words.word(first - 1) in NEXT_TO:
        return frozenset({"secret"})
    for index in range(last + 1, last + 1 + _KEYWORD_WITHIN):
        word = words.word(index)
        if word in _KEYWORD_BEHIND and index > last + 1:
            return frozenset({"secret"})
        if word not in _BETWEEN_BEHIND:
            break
    return frozenset()


def _clock(words: Words, run: list[Number], secret: bool) -> set[int]:
    """Numbers that are a time of day."""
    found: set[int] = set()
    for at in range(len(run) - 1):
        hour, minute = run[at], run[at + 1]
        if not (0 <= hour.value <= 24 and 0 <= minute.value < 60):
            continue
        gap = words.gap(hour.last)
        if gap == ":" and minute.kind == hour.kind == "figure":
            found |= {at, at + 1}
        elif words.counted(minute.last) and words.word(minute.last + 1) in {
            "am",
            "pm",
            "a",
            "p",
        }:
            if len(run) == 2:
                found |= {at, at + 1}
        elif not secret and gap == " " and len(run) - at == 2 and minute.value > 9:
            earlier = at == 0 or _date_before(run, at)
            said = words.word(hour.first - 1) in _CLOCK or minute.value % 5 == 0
            if earlier and said and 1 <= hour.value <= 12:
                found |= {at, at + 1}
    return found


def _date_before(run: list[Number], at: int) -> bool:
    return run[at - 1].kind in {"month", "ordinal"}


def _dates(words: Words, run: list[Number]) -> set[int]:
    """Numbers that are a day, or a year to come."""
    found: set[int] = set()
    for at, number in enumerate(run):
        if number.kind == "month":
            beside = at - 1 if at and run[at - 1].kind == "ordinal" else at + 1
            if beside < len(run) and _is_day(run[beside]):
                found |= {at, beside}
    for at, number in enumerate(run):
        dated = (at - 1 in found) or words.word(number.first - 1) in {"in", "since", "year"}
        if not dated:
            continue
        after = run[at + 1].value if at + 1 < len(run) else -1
        if number.kind == "figure" and number.value in _YEARS:
            found.add(at)
        elif number.value == 20 and 100 * 20 + after in _YEARS:
            found |= {at, at + 1}
    # A day with the year of a birth is no appointment.
    last = max(found, default=-1)
    if found and len(run) > last + 1 and _is_year(run, last + 1):
        return set()
    return found


def _is_day(number: Number) -> bool:
    if number.kind == "ordinal":
        return True
    return number.kind in {"unit", "two", "figure"} and 1 <= number.value <= 31


def _is_year(run: list[Number], at: int) -> bool:
    number = run[at]
    if number.kind == "figure" and 1900 <= number.value < 2020:
        return True
    return (number.value in {18, 19, 20} and at + 1 < len(run)) or number.kind == "big"
