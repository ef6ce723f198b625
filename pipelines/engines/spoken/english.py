"""How English texts are read aloud; changes with what a voice would otherwise read wrongly.

Rules go from the particular to the general, and what one has put into words the next ones no longer
see; after the last of them no digit is left.
"""

import re
from collections.abc import Iterable

from pipelines.engines.spoken.addresses import address_rules
from pipelines.engines.spoken.english_words import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    CODES,
    CURRENCIES,
    DAYS,
    FRACTIONS,
    GLYPHS,
    MAGNITUDES,
    MONTH_NAMES,
    MONTHS,
    STREETS,
    TITLES,
    UNITS,
)
from pipelines.engines.spoken.numbers import Numbers
from pipelines.engines.spoken.phones import BEGINS, ENDS, phone_rules
from pipelines.engines.spoken.rules import Reader, Rule, reader_of, rule

_NUMBERS = Numbers("en")
_WHOLE = r"\d{1,3}(?:,\d{3}){1,4}(?![\d,]\d)|\d{1,15}(?!\d)"
_NOON = r"\s?(?P<half>[ap](?=\.?m)|[AP](?=\.?M))\.?[Mm]\b(?P<stop>\.?)"
_NEW_SENTENCE = re.compile(r"\s+[A-Z]")


def _digits(match: re.Match[str]) -> str:
    return _NUMBERS.digits(match[0])


def _either(words: Iterable[str]) -> str:
    """A pattern for one of them, the longest that fits."""
    return "|".join(re.escape(word) for word in sorted(words, key=len, reverse=True))


_MONTH = rf"(?P<month>(?:{_either([*MONTH_NAMES, *MONTHS])})\b)\.?"


def english(*, month_first: bool) -> Reader:
    """The reader of English; `month_first`: 3/4 is in March, as in the USA."""
    return reader_of(
        [
            *address_rules({"@": "at", ".": "dot", "/": "slash", "_": "underscore"}),
            *_abbreviations(),
            *_dates(month_first=month_first),
            *_phone_numbers(),
            *_ranges(),
            *_times(),
            *_amounts(),
            *_numbers(),
            *_marks(),
        ]
    )


# -- abbreviations --------------------------------------------------------------------------------


def _abbreviations() -> list[Rule]:
    def street(match: re.Match[str]) -> str:
        return STREETS[match[1]] + _stop(match[2], match)

    def spelled_out(match: re.Match[str]) -> str:
        written = match[1].lower()
        ends = written == "etc" or not match.string[match.end() :].strip()
        return ABBREVIATIONS[written] + (_stop(match[2], match) if ends else "")

    def day(match: re.Match[str]) -> str:
        return f"{DAYS[match[1]]} to {DAYS[match[2]]}" if match[2] else DAYS[match[1]]

    days, titles = _either(DAYS), _either(TITLES)
    return [
        rule(rf"(?<=[a-z\d] )(?<!\bthe )({_either(STREETS)})\b(\.?)(?![\w-]| [A-Z][a-z])", street),
        rule(rf"\b({titles})(?:\.(?=\s)|(?=\s[A-Z]))", lambda match: TITLES[match[1]]),
        rule(
            rf"\b({_either(BEFORE_NUMBERS)})\.\s?(?=[\d(+])",
            lambda match: BEFORE_NUMBERS[match[1].lower()] + " ",
            ignore_case=True,
        ),
        rule(r"[№#]\s?(?=\d)", "number "),
        rule(rf"\b({_either(ABBREVIATIONS)})(\.)(?!\w)", spelled_out, ignore_case=True),
        rule(rf"\b({days})\.?\s?[-–]\s?({days})\b\.?", day),
        rule(rf"\b({days})\b()\.?(?=,?\s+\d|,?\s+{_MONTH})", day),
    ]


def _stop(stop: str, match: re.Match[str]) -> str:
    """The full stop of an abbreviation, if the sentence ends there too."""
    followed = match.string[match.end() : match.end() + 20]
    return "." if stop and (not followed.strip() or _NEW_SENTENCE.match(followed)) else ""


# -- dates and times ------------------------------------------------------------------------------


def _dates(*, month_first: bool) -> list[Rule]:
    def spoken(day: str, month: int, year: str) -> str | None:
        if not (1 <= int(day) <= 31 and 1 <= month <= 12):
            return None
        said = f"{MONTH_NAMES[month - 1]} {_NUMBERS.ordinal(day)}"
        return f"{said}, {_year(year)}" if year else said

    def iso(match: re.Match[str]) -> str:
        return spoken(match[3], int(match[2]), match[1]) or match[0]

    def slashes(match: re.Match[str]) -> str:
        first, second, year = match[1], match[3], match[4]
        month, day = (first, second) if month_first else (second, first)
        year = year if len(year) == 4 else f"20{year}"
        return spoken(day, int(month), year) or spoken(month, int(day), year) or match[0]

    def named(match: re.Match[str]) -> str:
        said = spoken(match["day"], _month(match["month"]), match["year"] or "")
        return said or match[0]

    def month_and_year(match: re.Match[str]) -> str:
        return f"{MONTH_NAMES[_month(match['month']) - 1]} {_year(match['year'])}"

    year = r"(?:,?\s(?P<year>[12]\d{3})(?![\d,:.]\d|\d))?"
    day = r"(?P<day>\d{1,2})(?:st|nd|rd|th)?"
    return [
        rule(r"(?<![\w-])(\d{4})-(\d{2})-(\d{2})(?![\w-])", iso),
        rule(r"(?<![\w/.])(\d{1,2})([/.])(\d{1,2})\2(\d{4}|\d{2})(?![\w/])", slashes),
        rule(rf"\b{_MONTH}\s{day}(?![\w:%]|[.,-]\d|\s?[ap]\.?m\b){year}", named),
        rule(rf"(?<![\w.,:$€£-])(?:the\s)?{day}\s(?:of\s)?{_MONTH}{year}(?!\w)", named),
        rule(rf"\b{_MONTH}\s(?P<year>[12]\d{{3}})(?![\d,:.]\d|\d)", month_and_year),
    ]


def _month(name: str) -> int:
    return MONTH_NAMES.index(MONTHS.get(name, name)) + 1


def _year(digits: str) -> str:
    return _NUMBERS.year(digits)


def _times() -> list[Rule]:
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
        if match["second"]:
            said.append(f"and {_NUMBERS.cardinal(str(int(match['second'])))} seconds")
        return " ".join([*said, f"{half.upper()}M"] if half else said) + _after(match)

    def hour(match: re.Match[str]) -> str:
        return f"{_NUMBERS.cardinal(match[1])} {match['half'].upper()}M" + _after(match)

    def _after(match: re.Match[str]) -> str:
        return _stop(match["stop"] or "", match)

    clock = r"(?<![\w:.,])(?P<hour>\d{1,2}):(?P<minute>\d{2})(?::(?P<second>\d{2}))?(?![\d:])"
    return [
        rule(rf"{clock}(?P<tail>(?:{_NOON})?)", time),
        rule(rf"(?<![\w:.,])(\d{{1,2}}){_NOON}", hour),
    ]


def _full_hour(hour: int) -> str:
    return "o'clock" if hour <= 12 else "hundred"


# -- numbers of things ----------------------------------------------------------------------------


def _phone_numbers() -> list[Rule]:
    codes = "pin|code|account|reference|confirmation|ext|extension|flight|zip|order|dial|call"
    return [
        rule(rf"{BEGINS}\(\d{{2,5}}\) ?\d{{3,4}}(?:[ .-]\d{{2,4}}){{0,3}}{ENDS}", _digits),
        *phone_rules(_NUMBERS),
        rule(rf"{BEGINS}(?:1[ .-])?\d{{3}}([ .-])\d{{3}}\1\d{{4}}{ENDS}", _digits),
        rule(rf"{BEGINS}\d{{3}}-\d{{4}}{ENDS}", _digits),
        rule(
            rf"\b((?:{codes})(?: number)?(?: is)?:? )(\d{{3,15}}){ENDS}",
            lambda match: match[1] + _NUMBERS.digits(match[2]),
            ignore_case=True,
        ),
    ]


def _ranges() -> list[Rule]:
    number = r"[$€£]?\d{1,4}(?:[.,:]\d{1,3}){0,3}"
    unit = rf"(?:\s?(?:{_either(UNITS)}|[AaPp]\.?[Mm]\.?))?"
    return [
        rule(rf"(?<![\w.,:/-])({number}{unit})\s?[-–—]\s?(?={number}{unit}(?![\w/-]))", r"\1 to ")
    ]


def _amounts() -> list[Rule]:
    def money(match: re.Match[str]) -> str:
        sign = match["sign"] or CODES.get(match["after"], match["after"])
        one, several, cent, cents = CURRENCIES[sign]
        whole, part = match["whole"], match["cents"] or ""
        if magnitude := MAGNITUDES.get((match["times"] or "").lower()):
            return f"{_decimal(whole, part)} {magnitude} {several}"
        if len(part) > 2:
            return f"{_decimal(whole, part)} {several}"
        parts = [_counted(whole, one, several), _counted(part.ljust(2, "0"), cent, cents)]
        said = [
            each for each, digits in zip(parts, (whole, part), strict=True) if digits.strip("0")
        ]
        return " and ".join(said or parts[:1])

    def unit(match: re.Match[str]) -> str:
        one, several = UNITS[match["unit"]]
        if match["fraction"]:
            return f"{_decimal(match['whole'], match['fraction'])} {several}"
        return _counted(match["whole"], one, several)

    amount = rf"(?P<whole>{_WHOLE})(?:\.(?P<cents>\d{{1,15}})(?!\d))?"
    magnitude = rf"(?:\s?(?P<times>{_either(MAGNITUDES)})\b)?"
    signs = _either(CURRENCIES)
    return [
        rule(r"(?<![\w.,])[-−](?=[$€£¥₹]?\d)", "minus "),
        rule(
            rf"(?:\b(?:US|AU|CA|NZ))?(?P<sign>[{signs.replace('|', '')}])(?P<after>)\s?{amount}"
            rf"{magnitude}",
            money,
            ignore_case=True,
        ),
        rule(
            rf"(?<![\w.,])(?P<sign>){amount}{magnitude}\s?(?P<after>{signs}|{_either(CODES)})(?!\w)",
            money,
        ),
        rule(
            rf"(?<![\w.,])(?P<whole>{_WHOLE})(?:\.(?P<fraction>\d{{1,15}})(?!\d))?"
            rf"\s?(?P<unit>{_either(UNITS)})(?!\w)",
            unit,
        ),
    ]


def _counted(digits: str, one: str, several: str) -> str:
    number = _NUMBERS.cardinal(digits.lstrip("0") or "0")
    return f"{number} {one if number == 'one' else several}"


def _decimal(whole: str, fraction: str | None) -> str:
    return _NUMBERS.decimal(whole, fraction) if fraction else _NUMBERS.cardinal(whole)


def _numbers() -> list[Rule]:
    def decade(match: re.Match[str]) -> str:
        said = _year(match[1]) if len(match[1]) == 4 else _NUMBERS.cardinal(match[1])
        return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"

    def glyph(match: re.Match[str]) -> str:
        half = FRACTIONS[GLYPHS[match[2]]].replace("one ", "a ")
        return f"{_NUMBERS.cardinal(match[1])} and {half}" if match[1] else half

    def plain(match: re.Match[str]) -> str:
        # Nobody says a row of digits as a number, unless it is round.
        long_code = len(match[0]) > 4 and match[0].isdecimal() and not match[0].endswith("00")
        return _NUMBERS.digits(match[0]) if long_code else _NUMBERS.cardinal(match[0])

    when = "in|since|from|until|till|before|after|year|summer|spring|autumn|winter"
    years = r"((?:1[5-9]|20)\d{2})"
    return [
        rule(r"\d{16,}", _digits),
        rule(
            rf"(?<![\w.,]){years} to {years}(?![\d.,]\d|\d)",
            lambda match: f"{_year(match[1])} to {_year(match[2])}",
        ),
        rule(r"(?<![\w.,])(\d{1,15})(?:st|nd|rd|th)\b", lambda m: _NUMBERS.ordinal(m[1])),
        rule(r"(?<![\w.,])((?:1\d|20)\d0|[2-9]0)s\b", decade),
        rule(rf"(?<![\d/.,])({_either(FRACTIONS)})(?![\d/])", lambda m: FRACTIONS[m[1]]),
        rule(r"(?<!\d)(\d{0,3})\s?([½⅓⅔¼¾])", glyph),
        rule(
            rf"\b({when}) ((?:1[1-9]|20)\d{{2}})(?!\d|[.,]\d)",
            lambda match: f"{match[1]} {_year(match[2])}",
            ignore_case=True,
        ),
        # Letters and digits of one name, such as B2 or BA284.
        rule(r"(?<=[^\W\d_])-?(?=\d)", " "),
        rule(r"(?<=\d)(?=[^\W\d_])", " "),
        rule(
            rf"(?<![.\d])(?P<whole>{_WHOLE})\.(?P<fraction>\d{{1,15}})(?!\d|\.\d)",
            lambda match: _decimal(match["whole"], match["fraction"]),
        ),
        rule(r"(?<=\d)\.(?=\d)", " point "),
        rule(rf"(?:{_WHOLE})", plain),
        rule(r"(?<=[a-z]),(?=[a-z])", ", "),
    ]


def _marks() -> list[Rule]:
    return [
        rule(r"\s?&\s?", " and "),
        rule(r"\s?@\s?", " at "),
        rule(r"\s?=\s?", " equals "),
        rule(r"\s?\+\s?", " plus "),
        rule(r"\s?%", " percent"),
        rule(r"\s?°", " degrees"),
        rule(r"(?<=\w)\s?×\s?(?=\w)", " times "),
        rule(r"(?<=\w)[/:](?=\w)", " "),
    ]
