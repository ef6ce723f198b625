"""How English names and abbreviations are read: titles, streets, days, Roman numerals."""

import re

from pipelines.engines.text_normalization.english_words import (
    ABBREVIATIONS,
    BEFORE_NUMBERS,
    DAYS,
    DIRECTIONS,
    MONTHS,
    NO_STREETS,
    NUMBERED,
    RULERS,
    SAINT_PLACES,
    SLASHED,
    STOPLESS,
    STOPLESS_BEFORE_NUMBERS,
    STOPPED_TITLES,
    STREETS,
    SURE_DAYS,
    TITLES,
)
from pipelines.engines.text_normalization.numbers import Numbers
from pipelines.engines.text_normalization.rules import Rule, after, before, either, full_stop, rule

_WORD_BEFORE = re.compile(r"(?P<start>^|[.!?]\s|\s)(?P<word>[\w'’-]+) $")
_NAME_AHEAD = re.compile(r"\s+[A-Z]")
_ROMAN = re.compile(r"(?=.)M{0,3}(?:CM|CD|D?C{0,3})(?:XC|XL|L?X{0,3})(?:IX|IV|V?I{0,3})")
_VALUES = {"I": 1, "V": 5, "X": 10, "L": 50, "C": 100, "D": 500, "M": 1000}
_FULL_DAYS = either(dict.fromkeys(DAYS.values()))
_JOINS = r"\s?(?:,\s?(?:and|or)\s|,|&|/|[-–]|and|or|to|through)\s?"


def name_rules(numbers: Numbers, month: str) -> list[Rule]:
    """Rules for names and abbreviations; `month`: the pattern of one's name."""
    return [*_titles_and_streets(), *_abbreviations(), *_days(month), *_roman(numbers)]


def _titles_and_streets() -> list[Rule]:
    places, titles, stopped = either(DIRECTIONS), either(TITLES), either(STOPPED_TITLES)
    return [
        rule(r"\b(Dr|St|Mrs?|Ms|Prof)\.(?=[A-Z][a-z])", r"\1. "),
        rule(
            rf"(?<=\d )({places})\b\.?(?= (?:[A-Z][a-z]|\d{{1,4}}(?:st|nd|rd|th)))"
            rf"|\b(?:[NS][EW])\b\.?(?= \d{{1,4}}(?:st|nd|rd|th))",
            lambda match: DIRECTIONS[match[0].rstrip(".")],
        ),
        rule(
            rf"\b({titles})(?:\.(?=\s)|(?=\s[A-Z]))|(?<=[a-z] )(Jr|Sr)\b(?P<stop>\.?)",
            lambda match: TITLES[match[1] or match[2]] + full_stop(match["stop"] or "", match),
        ),
        rule(
            rf"(?<!\d )(?<![\d\w])({stopped})\.(?=\s[A-Z])", lambda match: STOPPED_TITLES[match[1]]
        ),
        rule(
            rf"(?<=\w )({either(STREETS)})\b(\.?)(?![\w-]| \d)",
            lambda match: (
                STREETS[match[1]] + full_stop(match[2], match) if _names_street(match) else match[0]
            ),
        ),
        rule(r"(?<![\w.'’-])(St|Dr)\b(\.?)(?![\w-])", _title_or_street),
    ]


def _names_street(match: re.Match[str]) -> bool:
    """Whether a capital word or an ordinal stands before it: Elm, 42nd."""
    found = _WORD_BEFORE.search(before(match))
    word = found["word"] if found else ""
    ordinal = word[:1].isdigit() and word.endswith(("st", "nd", "rd", "th"))
    named = word[:1].isupper() and word not in NO_STREETS and word.title() not in _TIMES
    return ordinal or named


_TIMES = frozenset([*DAYS, *DAYS.values(), *MONTHS, *MONTHS.values()])


def _title_or_street(match: re.Match[str]) -> str:
    """`Dr. Lee` is a doctor, `12 Elm Dr.` a drive; so with `St.`"""
    title, street = ("Saint", "Street") if match[1] == "St" else ("Doctor", "Drive")
    found = _WORD_BEFORE.search(before(match))
    word, begins = (found["word"], not found["start"].isspace()) if found else ("", True)
    is_street = _names_street(match)
    if _NAME_AHEAD.match(after(match)):
        first_word = begins and not word[:1].isdigit()  # as in "Ask Dr. Lee": a verb, no name
        place = match[1] == "St" and word in SAINT_PLACES
        is_street = is_street and not first_word and not place
        return street + full_stop(match[2], match) if is_street else title
    if is_street or match[1] == "St":
        return street + full_stop(match[2], match) if word else match[0]
    return "doctor" + full_stop(match[2], match)


def _abbreviations() -> list[Rule]:
    def spelled_out(match: re.Match[str]) -> str:
        written = match[1].lower()
        ends = written in {"etc", "inc", "ltd", "corp", "co", "resp", "cont"}
        ends = ends or not after(match, 20).strip()
        return ABBREVIATIONS[written] + (full_stop(match[2], match) if ends else "")

    numbered = {**BEFORE_NUMBERS, **STOPLESS_BEFORE_NUMBERS}
    return [
        rule(
            rf"\b({either(BEFORE_NUMBERS)})\.\s?(?=[\d(+])"
            rf"|\b({either(STOPLESS_BEFORE_NUMBERS)})(?:\.\s?|\s)#?(?=[\d(+])",
            lambda match: numbered[(match[1] or match[2]).lower()] + " ",
            ignore_case=True,
        ),
        rule(r"№\s?(?=\d)|#\s?(?=\d)(?!\d{1,20}[*#])", "number "),
        rule(r"§§?\s?(?=\d)", "section "),
        rule(r"\bPh\.?\s?D\b\.?(?=\W|$)", "P H D"),
        rule(
            rf"(?<![\w/])({either(SLASHED)})(?![\w/])|(?<![\w/])w/(?=\w)",
            lambda match: SLASHED[match[0].lower()],
            ignore_case=True,
        ),
        rule(
            rf"(?<![\w.])(?<!\d )({either(ABBREVIATIONS)})(\.)(?!\w)", spelled_out, ignore_case=True
        ),
        rule(rf"(?<![\w.])(?<!\d )({either(STOPLESS)})()(?![\w.])", spelled_out, ignore_case=True),
    ]


def _days(month: str) -> list[Rule]:
    def day(match: re.Match[str]) -> str:
        return DAYS[match[1]] + full_stop(match[2] or "", match)

    days = either(DAYS)
    return [
        rule(
            rf"\b({days})\.?\s?[-–]\s?({days})\b\.?",
            lambda match: f"{DAYS[match[1]]} to {DAYS[match[2]]}",
        ),
        rule(rf"\b({days})\b(\.?)(?=,?\s+\d|,?\s+{month})", lambda match: DAYS[match[1]]),
        rule(rf"\b({either(SURE_DAYS)})\b(\.?)(?![\w'’])", day),
        rule(rf"\b(Sat|Sun)\b()\.?(?={_JOINS}(?:Sat|Sun|{_FULL_DAYS})\b)", day),
        rule(
            rf"\b((?:{_FULL_DAYS})\b{_JOINS})(Sat|Sun)\b(\.?)",
            lambda match: match[1] + DAYS[match[2]] + full_stop(match[3], match),
        ),
        rule(rf"\b({_FULL_DAYS})[-–](?=(?:{_FULL_DAYS})\b)", r"\1 to "),
    ]


def _roman(numbers: Numbers) -> list[Rule]:
    def value(numeral: str) -> str:
        if not _ROMAN.fullmatch(numeral):
            return ""
        values = [_VALUES[char] for char in numeral]
        pairs = zip(values, [*values[1:], 0], strict=True)
        return str(sum(-each if each < following else each for each, following in pairs))

    def counted(match: re.Match[str]) -> str:
        number = value(match[2])
        return f"{match[1]} {numbers.cardinal(number)}" if number else match[0]

    def ruler(match: re.Match[str]) -> str:
        number = value(match[2])
        return f"{match[1]} the {numbers.ordinal(number)}" if number else match[0]

    def century(match: re.Match[str]) -> str:
        number = value(match[1])
        return f"{numbers.ordinal(number)} {match[2]}" if number else match[0]

    numeral = r"[IVXLC]{1,8}(?![\w'’])"
    small = r"(?:i{2,3}|iv|vi{1,3}|ix|xi{0,3})(?![\w'’])"
    return [
        rule(rf"\b({NUMBERED}) (?![CL]\b)({numeral})", counted),
        rule(rf"\b({NUMBERED.lower()}) (?![ICL]\b)({numeral})", counted),
        rule(
            rf"\b((?i:{NUMBERED})) ({small})",
            lambda match: f"{match[1]} {numbers.cardinal(value(match[2].upper()))}",
        ),
        rule(r"\b([IVX]{1,6}) (century|centuries)\b", century),
        rule(rf"\b({RULERS}) (?!I\b|C\b|L\b)({numeral})", ruler),
        rule(r"\b([A-Z][a-z]{1,20}) ((?:X{0,2}V?I{2,3}|XI?V|XI?X|XXI?)(?![\w'’]))", counted),
    ]
