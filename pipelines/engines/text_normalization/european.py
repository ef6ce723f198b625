"""How texts in other European languages are read aloud.

Less than in English: numbers, prices, per cent, temperatures, times of day, phone numbers and
addresses. Dates, ordinals and abbreviations are left to the voices, which know those of their own
language.
"""

import re
from dataclasses import dataclass

from pipelines.engines.text_normalization.addresses import address_rules, phone_rules
from pipelines.engines.text_normalization.numbers import Numbers
from pipelines.engines.text_normalization.rules import (
    Normalizer,
    Rule,
    normalizer_of,
    rule,
    silent_rule,
)


@dataclass(frozen=True, slots=True)
class Language:
    """The words of one language; numbers are `1.234,5` in all of them."""

    code: str
    """As num2words calls it."""
    joins_money: str
    at: str
    dot: str
    slash: str
    percent: str
    degrees: str
    minus: str
    times: str
    signs: tuple[str, str, str, str]
    """Star, pound key, underscore, and."""
    to: str
    hour: str
    """Between hours and minutes; `{}` where it stands."""


LANGUAGES = {
    each.code: each
    for each in (
        Language("de", " ", "ät", "Punkt", "Schrägstrich", "Prozent", "Grad", "minus", "mal",
                 ("Sternchen", "Raute", "Unterstrich", "und"), "bis",
                 "{h} Uhr {m}"),
        Language("fr", " ", "arobase", "point", "slash", "pour cent", "degrés", "moins", "fois",
                 ("étoile", "dièse", "tiret bas", "et"), "à",
                 "{h} heures {m}"),
        Language("es", " con ", "arroba", "punto", "barra", "por ciento", "grados", "menos", "por",
                 ("asterisco", "almohadilla", "guion bajo", "y"), "a",
                 "{h} {m}"),
        Language("it", " e ", "chiocciola", "punto", "barra", "per cento", "gradi", "meno", "per",
                 ("asterisco", "cancelletto", "trattino basso", "e"), "a",
                 "{h} e {m}"),
        Language("nl", " ", "apenstaartje", "punt", "schuine streep", "procent", "graden", "min",
                 "keer", ("sterretje", "hekje", "liggend streepje", "en"), "tot",
                 "{h} uur {m}"),
        Language("pt", " e ", "arroba", "ponto", "barra", "por cento", "graus", "menos", "vezes",
                 ("asterisco", "cerquilha", "sublinhado", "e"), "a",
                 "{h} e {m}"),
    )
}  # fmt: skip

CURRENCIES = {"$": "USD", "€": "EUR", "£": "GBP"}
_WHOLE = r"(?:\d{1,3}(?:\.\d{3}){1,4}(?!\d)|\d{1,15}(?!\d))"
_DATE = r"\d{1,4}[./-]\d{1,2}[./-]\d{1,4}(?!\d)|\d{1,2}\.\s[^\W\d_]|\d{1,4}(?:st|er?|re|[ºª])\b"
"""Dates and ordinals."""
_NUMBER = rf"(?P<whole>{_WHOLE}|\d{{16,}})(?:,(?P<fraction>\d{{1,15}}))?(?!\d)"


def european(language: Language) -> Normalizer:
    """The normalizer of one of them."""
    return normalizer_of(_rules(language, Numbers(language.code, ".")))


def _rules(words: Language, numbers: Numbers) -> list[Rule]:
    def money(match: re.Match[str]) -> str:
        currency = CURRENCIES[match["before"] or match["after"]]
        cents = (match["cents"] or "").ljust(2, "0") if match["cents"] else ""
        return numbers.money(match["whole"], cents, currency, words.joins_money)

    def time(match: re.Match[str]) -> str:
        hour, minute = int(match[1]), int(match[2])
        if hour > 24 or minute > 59:
            return f"{match[1]} {match[2]}"
        said = words.hour.format(h=numbers.cardinal(str(hour)), m="{m}")
        return said.format(m=numbers.cardinal(str(minute)) if minute else "").strip()

    def number(match: re.Match[str]) -> str:
        if match["date"]:
            return match[0]
        if match["fraction"]:
            return numbers.decimal(match["whole"], match["fraction"])
        return numbers.cardinal(match["whole"])

    star, pound, underscore, and_ = words.signs
    said = {"*": star, "#": pound, "_": underscore, "&": and_}
    amount = rf"(?P<whole>{_WHOLE})(?:,(?P<cents>\d{{1,2}})(?!\d))?"
    return [
        *address_rules({"@": words.at, ".": words.dot, "/": words.slash, "_": underscore}),
        *phone_rules(numbers),
        rule(r"(?<=\d)[ \u00a0\u202f](?=\d{3}(?!\d))", ""),
        rule(r"(?<![\d:])(\d{1,2}):(\d{2})(?![\d:])(?: ?(?:Uhr|heures|uur)\b)?", time),
        rule(rf"(?<![\w.,])(?P<before>[$€£])\s?{amount}(?P<after>)", money),
        rule(rf"(?<![\w.,])(?P<before>){amount}\s?(?P<after>[$€£])", money),
        rule(r"(?<=\d)\s?%", f" {words.percent}"),
        rule(r"(?<=\d)\s?°\s?C\b", f" {words.degrees} Celsius"),
        rule(r"(?<=\d)\s?°", f" {words.degrees}"),
        rule(r"(?<![\w.,/-])(\d{1,4})\s?[-–~]\s?(?=\d{1,4}(?![\w/-]))", rf"\1 {words.to} "),
        rule(r"(?<=\d)\s?[*×]\s?(?=\d)", f" {words.times} "),
        rule(r"(?<![\w.,])[-−](?=\d)", f"{words.minus} "),
        rule(r"(?<=[^\W\d_])(?=\d)|(?<=\d)(?=[A-Z])", " "),
        rule(rf"(?<!\w)(?P<date>{_DATE})|{_NUMBER}", number),
        rule(r"\s?([*#_&])\s?", lambda match: f" {said[match[1]]} "),
        silent_rule(),
    ]
