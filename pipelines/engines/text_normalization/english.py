"""How English texts are read aloud: every number, date, price, unit and sign in words.

Rules go from the particular to the general, and what one has put into words the next ones no longer
see; after the last of them no digit is left.
"""

import re

from pipelines.engines.text_normalization.addresses import address_rules
from pipelines.engines.text_normalization.english_codes import code_rules
from pipelines.engines.text_normalization.english_dates import (
    MONTH_WORD,
    date_rules,
    time_rules,
    year_in_words,
)
from pipelines.engines.text_normalization.english_names import name_rules
from pipelines.engines.text_normalization.english_signs import (
    equation_rules,
    file_rules,
    key_rules,
    power_rules,
    sign_rules,
    sum_rules,
)
from pipelines.engines.text_normalization.english_words import (
    CODES,
    CURRENCIES,
    GLYPHS,
    MAGNITUDES,
    PER,
    SPECIAL_FRACTIONS,
    UNITS,
)
from pipelines.engines.text_normalization.numbers import Numbers
from pipelines.engines.text_normalization.rules import (
    Normalizer,
    Rule,
    after,
    before,
    either,
    normalizer_of,
    rule,
)

_NUMBERS = Numbers("en")
_WHOLE = r"\d{1,3}(?:,\d{3}){1,4}(?![\d,]\d)|\d{1,15}(?!\d)"


def english(*, month_first: bool) -> Normalizer:
    """The normalizer of English; `month_first`: 3/4 is in March, as in the USA."""
    marks = {"@": "at", ".": "dot", "/": "slash", "_": "underscore", "-": "dash", "+": "plus"}
    marks[":"] = "colon"
    return normalizer_of(
        [
            *address_rules(marks),
            *file_rules(),
            *power_rules(),
            *equation_rules(),
            *key_rules(_NUMBERS),
            *name_rules(_NUMBERS, MONTH_WORD),
            *date_rules(month_first=month_first),
            *_written_otherwise(),
            *code_rules(_NUMBERS),
            *sum_rules(),
            *_ranges(),
            *time_rules(),
            *_amounts(),
            *_fractions(),
            *_numbers(),
            *sign_rules(),
        ]
    )


def _digits(match: re.Match[str]) -> str:
    return _NUMBERS.digits(match[0])


# -- numbers of things ----------------------------------------------------------------------------


def _written_otherwise() -> list[Rule]:
    """Numbers that are grouped, and times that are cut short, as the next rules know them."""

    def regrouped(match: re.Match[str]) -> str:
        return f"{int(match[0].replace(',', '')):,}"

    def half_of_day(match: re.Match[str]) -> str:
        return f"{match[1]}{match[2].lower()}m"

    def ungrouped(match: re.Match[str]) -> str:
        return f"{int(''.join(filter(str.isdecimal, match[0]))):,}"

    units = either(unit for unit in UNITS if unit not in {"in", "%"})
    return [
        rule(r"(?<![\d.,])\d{1,2}(?:,\d{2}){1,5},\d{3}(?![\d,]\d|\d)", regrouped),
        rule(r"(?<![\w.,/-])\d{1,3}(?:[\u00a0\u202f'’]\d{3}){1,4}(?![\w'’])", ungrouped),
        rule(r"(?<![\w.,/-])(?<!\d )[1-9]\d{0,2}(?: \d{3}){0,3} 000(?![\w-]| \d)", ungrouped),
        rule(rf"(?<![\w.,])(0|[1-9]\d{{0,2}}),(\d{{1,2}})(?=\s?(?:{units})(?!\w))", r"\1.\2"),
        rule(r"(?<![\w.,])0,(?=\d{1,4}(?![\w,]))", "0."),
        rule(
            r"(?<![\w.,-])(\d{1,3}(?:\.\d{1,2})?)([kKM]|bn)(?= (?:[a-z]{3,20}s|people)\b)",
            lambda match: f"{match[1]} {MAGNITUDES[match[2].lower()]}",
        ),
        rule(r"(?<=\d)(\s?[kcm]?m)([23])(?![\w.])", lambda match: match[1] + "²³"[match[2] == "3"]),
        rule(
            r"(?<![\d.,])(\d{1,3}(?:\.\d{3}){1,4}),(\d{2})(?!\d)",
            lambda match: f"{match[1].replace('.', '')}.{match[2]}",
        ),
        rule(r"([€£$]\s?\d{1,3}),(\d{2})(?![\d,])", r"\1.\2"),
        rule(r"(?<![\d.,])(\d{1,6}),(\d{2})(?=\s?[€£])", r"\1.\2"),
        rule(
            r"(?<![\w:.])(\d{1,2}(?::\d\d)?)([ap])\s?[-–]\s?(\d{1,2}(?::\d\d)?)([ap])(?![\w-])",
            r"\1\2m to \3\4m",
        ),
        rule(r"(?<![\w:.])(\d{1,2}:\d{2})([apAP])(?!\w|\.[mM])", half_of_day),
        rule(r"\b50[-–]50\b", "50 50"),
        rule(r"\b(noon|midnight)\s?[-–]\s?(?=\d)", r"\1 to ", ignore_case=True),
        rule(r"(?<=[\dm])\s?[-–]\s?(?=(?:noon|midnight)\b)", " to ", ignore_case=True),
    ]


def _ranges() -> list[Rule]:
    number = r"[$€£]?\d{1,4}(?:[.,:]\d{1,3}){0,3}"
    unit = rf"(?:\s?(?:{either([*UNITS, 'k', 'K', 'M', 'bn', 'B'])}|[AaPp]\.?[Mm]\.?))?"
    ends = rf"(?={number}{unit}(?![\w/-]))"
    year = r"(?<![\w.,/-])((?:1[5-9]|20)\d\d)"

    def short_year(match: re.Match[str]) -> str:
        if int(match[2]) <= max(12, int(match[1][2:])):
            return match[0]
        return f"{year_in_words(match[1])} to {_NUMBERS.cardinal(match[2])}"

    return [
        rule(rf"{year}[-–](\d{{2}})(?![\w/.-])", short_year),
        rule(
            rf"([{_SIGNS}])(\d{{1,6}}(?:\.\d{{1,2}})?{_TIMES})\s?[-–—]\s?(?=\d{{1,6}}(?:\.\d{{1,2}})?(?![\w/-]\d))",
            r"\2 to \1",
        ),
        rule(rf"(?<![\w.,:/-])({number}{unit})\s?[-–—]\s?{ends}", r"\1 to "),
        rule(rf"(?<![\w.,])[-−](\d{{1,4}}(?:\.\d{{1,2}})?)\s?[–—]\s?{ends}", r"minus \1 to "),
        rule(r"(?<=\d(?:st|nd|rd|th))\s?[-–—]\s?(?=\d{1,4}(?:st|nd|rd|th)\b)", " to "),
    ]


_GLYPHS = "".join(GLYPHS)
_SIGNS = "".join(sign for sign in CURRENCIES if len(sign) == 1)
_TIMES = rf"(?:\s?(?:{either(MAGNITUDES)})\b)?"
_QUOTE = re.compile(r'(?<!\d)"')
_ARTICLE = re.compile(r"\b(?:[Aa]n?|[Aa]nother|[Ee]very|[Ee]ach) $")
_NOUN = re.compile(r" (?!(?:and|or|per|to|for|in|at|on|if|is|was|more|less|a)\b)[a-z]")


def _amounts() -> list[Rule]:
    def money(match: re.Match[str]) -> str:
        sign = match["sign"] or match["after"]
        one, several, cent, cents = CURRENCIES[CODES.get(sign, sign)]
        if _ARTICLE.search(before(match, 10)) and _NOUN.match(after(match, 20)):
            several, cents = one, cent  # a twenty dollar bill
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

    def per(match: re.Match[str]) -> str:
        return f"{match[1]} per {PER[match[2]]}" if match[2] != "each" else f"{match[1]} each"

    def unit(match: re.Match[str]) -> str:
        one, several = UNITS[match["unit"]]
        if match["fraction"]:
            return f"{_decimal(match['whole'], match['fraction'])} {several}"
        return _counted(match["whole"], one, several)

    def feet(match: re.Match[str]) -> str:
        return f"{_NUMBERS.cardinal(match[1])} foot {_NUMBERS.cardinal(match[2])}"

    def inches(match: re.Match[str]) -> str:
        said = before(match, 200)
        if len(_QUOTE.findall(said)) % 2 or said.count("“") > said.count("”"):
            return match[0]  # it ends what somebody said
        number = match[1].partition(".")
        return f"{_decimal(number[0], number[2])} {'inch' if match[1] == '1' else 'inches'}"

    def part_of(match: re.Match[str]) -> str:
        one, several = UNITS[match[2]]
        more_than_one = " " in match[1] or (match[1][0].isdecimal() and "/" not in match[1])
        return f"{match[1]} {several if more_than_one else one}"

    units = either(UNITS)
    amount = rf"(?P<whole>{_WHOLE})(?:\.(?P<cents>\d{{1,15}})(?!\d))?"
    magnitude = rf"(?:\s?(?P<times>{either(MAGNITUDES)})\b)?"
    signs = either([*CURRENCIES, *CODES])
    fraction = rf"(?P<whole>{_WHOLE})(?:\.(?P<fraction>\d{{1,15}})(?!\d))?"
    return [
        rule(r"([$€£])\s?[-−](?=\d)", r"-\1"),
        rule(rf"(?<![\w.,])[-−](?=[{_SIGNS}]?\d)", "minus "),
        rule(rf"(?<![\w.,])\+(?=[{_SIGNS}]?\d)", "plus "),
        rule(
            rf"(\d\s?[A-Za-z]{{0,10}})\s?/\s?({either(PER)})\b(?<!km/h)(?<!m/s)(?<!mi/h)(?<!bit/s)",
            per,
        ),
        rule(
            rf"(?:(?<!\w)|(?<=\b[A-Z]{{2}})(?=[$]))(?P<sign>{signs})(?P<after>)\s?{amount}(?i:{magnitude})",
            money,
        ),
        rule(rf"(?<![\w.,])(?P<sign>){amount}{magnitude}\s?(?P<after>{signs})(?!\w)", money),
        rule(
            r"(?<![\w.,])(\d{1,2})\s?(?:ft\.?|['’′])\s?(\d{1,2})\s?(?:[\"”″]|''|’’|in\b\.?)", feet
        ),
        rule(r"(?<![\w.,])(\d{1,2})['’′]\s?(\d{1,2})(?!\w)", feet),
        rule(
            r"(?<![\w.,])(\d{1,3})['’](?= (?:tall|wide|long|high|deep|of|by|x)\b)",
            lambda match: _counted(match[1], *UNITS["ft"]),
        ),
        rule(
            rf"(?<!\w)((?:\d{{1,3}} )?\d/\d{{1,2}}|\d{{0,3}} ?[{_GLYPHS}]) ?({units})(?!\w)",
            part_of,
        ),
        rule(r"(?<![\w.,])(\d{1,4}(?:\.\d{1,3})?)\s?[\"”](?!\w)", inches),
        rule(
            r"(?<![\w.,])(\d{1,4}(?:\.\d{1,3})?) in\b\.?"
            r"(?= (?:tall|wide|long|high|deep|thick|by|x)\b)",
            inches,
        ),
        rule(rf"(?<![\w.,]){fraction}\s?(?P<unit>{either(UNITS)})(?!\w)(?:\.(?=\s[a-z]))?", unit),
    ]


def _counted(digits: str, one: str, several: str) -> str:
    number = _NUMBERS.cardinal(digits.lstrip("0") or "0")
    return f"{number} {one if number == 'one' else several}"


def _decimal(whole: str, fraction: str | None) -> str:
    return _NUMBERS.decimal(whole, fraction) if fraction else _NUMBERS.cardinal(whole)


def _fractions() -> list[Rule]:
    def said(above: str, below: str) -> str:
        number = _NUMBERS.cardinal(above)
        one = {"2": "half", "4": "quarter"}.get(below) or _NUMBERS.ordinal(below)
        several = "halves" if below == "2" else f"{one}s"
        return f"{number} {one if above == '1' else several}"

    def fraction(match: re.Match[str]) -> str:
        if int(match[1]) >= int(match[2]):
            return match[0]
        return said(match[1], match[2])

    def mixed(match: re.Match[str]) -> str:
        if int(match[2]) >= int(match[3]):
            return match[0]
        return f"{_NUMBERS.cardinal(match[1])} and {said(match[2], match[3]).replace('one ', 'a ')}"

    def glyph(match: re.Match[str]) -> str:
        part = said(*GLYPHS[match[2]].split("/")).replace("one ", "a ")
        return f"{_NUMBERS.cardinal(match[1])} and {part}" if match[1] else part

    below = r"([2-9]|10|12|16|32|64|100)(?![\d/]|[.,]\d)"
    special = either(SPECIAL_FRACTIONS)
    return [
        rule(rf"(?<![\d/.,])({special})(?![\d/])", lambda match: SPECIAL_FRACTIONS[match[1]]),
        rule(r"(?<![\d/.,])(\d{1,3}\.\d{1,2}|5|10|100)/(5|10|100)(?![\d/])", r"\1 out of \2"),
        rule(r"(?<![\d/.,])([1-9])/(5|10)(?= stars?\b)", r"\1 out of \2"),
        rule(rf"(?<![\d/.,])(\d{{1,3}}) (\d)/{below}", mixed),
        rule(rf"(?<![\d/.,])([1-9]\d?)/{below}", fraction),
        rule(rf"(?<!\d)(\d{{0,3}})\s?([{_GLYPHS}])", glyph),
    ]


def _numbers() -> list[Rule]:
    def decade(match: re.Match[str]) -> str:
        said = year_in_words(match[1]) if len(match[1]) == 4 else _NUMBERS.cardinal(match[1])
        return f"{said[:-1]}ies" if said.endswith("y") else f"{said}s"

    def plain(match: re.Match[str]) -> str:
        # Nobody says a row of digits as a number, unless it is round.
        long_code = len(match[0]) > 4 and match[0].isdecimal() and not match[0].endswith("00")
        return _NUMBERS.digits(match[0]) if long_code else _NUMBERS.cardinal(match[0])

    when = "in|since|from|until|till|before|after|year|summer|spring|autumn|winter|q[1-4]|fy"
    years = r"((?:1[5-9]|20)\d{2})"
    return [
        rule(r"\d{16,}", _digits),
        rule(
            rf"(?<![\w.,]){years} to {years}(?![\d.,]\d|\d)",
            lambda match: f"{year_in_words(match[1])} to {year_in_words(match[2])}",
        ),
        rule(
            r"(?<![\w.,])(\d{1,3}(?:,\d{3}){1,4}|\d{1,15})(?:st|nd|rd|th)\b",
            lambda match: _NUMBERS.ordinal(match[1].replace(",", "")),
        ),
        rule(r"(?<![\w.,])((?:1\d|20)\d0|[2-9]0)s\b", decade),
        rule(
            rf"\b({when}) ((?:1[1-9]|20)\d{{2}})(?!\d|[.,]\d)",
            lambda match: f"{match[1]} {year_in_words(match[2])}",
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
