"""How dates and times of day are read in English."""

import re

from pipelines.engines.text_normalization.english_words import DAYS, MONTH_NAMES, MONTHS
from pipelines.engines.text_normalization.numbers import Numbers
from pipelines.engines.text_normalization.rules import Rule, after, either, full_stop, rule

_NUMBERS = Numbers("en")
_NOON = r"\s?(?P<half>[ap](?=\.?m)|[AP](?=\.?M))\.?[Mm]\b(?P<stop>\.?)"
MONTH_WORD = rf"(?:(?:{either([*MONTH_NAMES, *MONTHS])})\b)"
_MONTH = rf"(?P<month>{MONTH_WORD})\.?"
_DASH = r"\s?[-–—]\s?"


def date_rules(*, month_first: bool) -> list[Rule]:
    """Rules for dates; `month_first`: 3/4 is in March."""

    def spoken(day: str, month: int, year: str) -> str | None:
        if not (1 <= int(day) <= 31 and 1 <= month <= 12):
            return None
        said = f"{MONTH_NAMES[month - 1]} {_NUMBERS.ordinal(day)}"
        return f"{said}, {year_in_words(year)}" if year else said

    def iso(match: re.Match[str]) -> str:
        said = spoken(match[4], int(match[3]), match[1]) or match[0]
        return f"{said} " if match[5] else said

    def slashes(match: re.Match[str]) -> str:
        first, second, year = match[1], match[3], match[4]
        return slashed(first, second, year if len(year) == 4 else f"20{year}") or match[0]

    def named(match: re.Match[str]) -> str:
        said = spoken(match["day"], _month(match["month"]), match["year"] or "")
        return said or match[0]

    def month_and_year(match: re.Match[str]) -> str:
        return f"{MONTH_NAMES[_month(match['month']) - 1]} {year_in_words(match['year'])}"

    def range_of_days(match: re.Match[str]) -> str:
        first = spoken(match["day"], _month(match["month"]), "")
        last = spoken(match["last"], _month(match["month"]), match["year"] or "")
        if not first or not last:
            return match[0]
        return f"{first} to {last.partition(' ')[2]}"

    def in_context(match: re.Match[str]) -> str:
        return match[1] + (slashed(match[2], match[3], "") or match[0][len(match[1]) :])

    def slashed(first: str, second: str, year: str) -> str | None:
        month, day = (first, second) if month_first else (second, first)
        return spoken(day, int(month), year) or spoken(month, int(day), year)

    def expiry(match: re.Match[str]) -> str:
        month, year = int(match[2]), match[3] if len(match[3]) == 4 else f"20{match[3]}"
        return (
            f"{match[1]}{MONTH_NAMES[month - 1]} {year_in_words(year)}"
            if 1 <= month <= 12
            else match[0]
        )

    year = r"(?:,?\s(?P<year>[12]\d{3})(?![\d,:.]\d|\d))?"
    day = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    days = either(dict.fromkeys(DAYS.values()))
    return [
        rule(r"(?<![\w-])(\d{4})([-/.])(\d{2})\2(\d{2})(?:(T)(?=\d\d:)|(?![\w-]))", iso),
        rule(
            r"(?<![\w-])((?:19|20)\d\d)-(0[1-9]|1[0-2])(?![\w/-]|\.\d)",
            lambda match: f"{MONTH_NAMES[int(match[2]) - 1]} {year_in_words(match[1])}",
        ),
        rule(
            r"(?<![\w-])((?:19|20)\d\d)-W(\d\d)(?![\w-])",
            lambda match: f"week {int(match[2])} of {year_in_words(match[1])}",
        ),
        rule(r"(?<![\w/.-])(\d{1,2})([/.-])(\d{1,2})\2(\d{4}|\d{2})(?![\w/-])", slashes),
        rule(
            rf"\b((?:on|due|until|till|since|from|before|after|by|through|{days}),? )"
            r"(?!1/[234]\b|2/3\b|3/4\b)(\d{1,2})/(\d{1,2})(?![\w/])",
            in_context,
            ignore_case=True,
        ),
        rule(rf"\b((?:on|due|{days}),? )(\d)/(\d)(?![\w/])", in_context, ignore_case=True),
        rule(
            r"\b(exp(?:ires|iry|iration|\.)?(?: date)?(?: is)?:? )(\d{2})/(\d{2}|\d{4})(?![\w/])",
            expiry,
            ignore_case=True,
        ),
        rule(rf"\b({MONTH_WORD}\.?\s\d{{1,2}}(?:st|nd|rd|th)?){_DASH}(?={MONTH_WORD})", r"\1 to "),
        rule(
            rf"\b{_MONTH}\s{day}{_DASH}(?P<last>\d{{1,2}})(?:st|nd|rd|th)?(?![\w:-]){year}",
            range_of_days,
        ),
        rule(
            rf"(?<![\w.,:$€£-]){day}{_DASH}(?P<last>\d{{1,2}})(?:st|nd|rd|th)?\s{_MONTH}{year}(?!\w)",
            range_of_days,
        ),
        rule(rf"\b{_MONTH}\s{day}(?![\w:%]|[.,-]\d|\s?[ap]\.?m\b){year}", named),
        rule(rf"(?<![\w.,:$€£-])(?:the\s)?{day}\s(?:of\s)?{_MONTH}{year}(?!\w)", named),
        rule(rf"\b{_MONTH}\s(?P<year>[12]\d{{3}})(?![\d,:.]\d|\d)", month_and_year),
    ]


def _month(name: str) -> int:
    return MONTH_NAMES.index(MONTHS.get(name, name)) + 1


def year_in_words(digits: str) -> str:
    """`2026`: twenty twenty six."""
    return _NUMBERS.year(digits)


_WHEN_GOES_ON = re.compile(
    rf"\s(?:[ECMP][SD]?T|GMT|UTC|CES?T|BST|IST|{either([*DAYS, *DAYS.values()])}|{MONTH_WORD})\b"
)


def time_rules() -> list[Rule]:
    """Rules for times of day and how long something takes."""

    def time(match: re.Match[str]) -> str:
        hour, minute = int(match["hour"]), int(match["minute"])
        half = match["half"]
        if hour > 24 or minute > 59:
            return f"{match['hour']} {match['minute']}{match['tail']}"
        said = [_NUMBERS.cardinal(str(hour))]
        if minute:
            said += ["oh"] * (minute < 10) + [_NUMBERS.cardinal(str(minute))]
        elif not half:
            said = ["midnight"] if hour in {0, 24} else [*said, _full_hour(hour)]
        if int(match["second"] or 0):
            said.append(f"and {_NUMBERS.cardinal(str(int(match['second'])))} seconds")
        return " ".join([*said, f"{half.upper()}M"] if half else said) + _after(match)

    def hour(match: re.Match[str]) -> str:
        return f"{_NUMBERS.cardinal(match[1])} {match['half'].upper()}M" + _after(match)

    def _after(match: re.Match[str]) -> str:
        if _WHEN_GOES_ON.match(after(match, 20)):
            return ""
        return full_stop(match["stop"] or "", match)

    def offset(match: re.Match[str]) -> str:
        sign = "plus" if match[1] == "+" else "minus"
        minutes = f":{match[3]}" if int(match[3]) else ""
        return f" UTC {sign} {int(match[2])}{minutes}"

    clock = r"(?<![\w:.,])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?![\d:])"
    return [
        rule(r"(?<=\d:\d\d)Z\b", " UTC"),
        rule(r"(?<=\d\d:\d\d)([+-])(\d\d):?(\d\d)(?![\d:])", offset),
        rule(
            r"(?<![\w.])(\d{1,2})\s?h(?:rs?|ours?)?\s?(\d{1,2})\s?m(?:ins?)?(?![\w/])",
            r"\1 hr \2 min",
        ),
        rule(r"(?<![\w.])(\d{1,2})h(\d{2})(?!\w)", r"\1 hr \2 min"),
        rule(rf"{clock}(?P<tail>(?:{_NOON})?)", time),
        rule(rf"(?<![\w:.,])(\d{{1,2}}){_NOON}", hour),
    ]


def _full_hour(hour: int) -> str:
    return "o'clock" if hour <= 12 else "hundred"
