"""How signs are read in English: star and pound, plus and minus, arrows, powers."""

import re

from pipelines.engines.text_normalization.numbers import Numbers
from pipelines.engines.text_normalization.rules import Rule, rule

_WORDS = {
    "&": "and", "@": "at", "=": "equals", "+": "plus", "%": "percent", "°": "degrees",
    "×": "times", "÷": "divided by", "<": "less than", ">": "greater than",
    "≤": "less than or equal to", "≥": "greater than or equal to", "≠": "not equal to",
    "±": "plus or minus", "≈": "about", "→": "to", "←": "from", "|": "or", "\\": "backslash",
    "_": "underscore", "^": "caret", "~": "tilde", "*": "star", "#": "pound", "√": "square root of",
    "∞": "infinity", "−": "minus", "′": "feet", "″": "inches",
    "²": "squared", "³": "cubed", "№": "number", "§": "section",
}  # fmt: skip
_SHIFTED = {"*": "star", "#": "pound"}
_FILES = (
    "txt|pdf|docx?|xlsx?|pptx?|csv|json|ya?ml|toml|py|js|ts|md|html?|png|jpe?g|gif|zip|wav|mp[34]"
)


def key_rules(numbers: Numbers) -> list[Rule]:
    """What is to be pressed, `*123#`, and numbers of which only the end is shown, `****1234`."""

    def keys(match: re.Match[str]) -> str:
        said = (_SHIFTED.get(char) or numbers.digits(char) for char in match[0])
        return " ".join(said)

    return [
        rule(
            r"(?<![\w*#•·])(?:ending (?:in |with ))?"
            r"(?:(?:(?:[*•·]{2,8}|[xX]{3,8})[ -]?){1,4}(?<! )|(?:[*•·xX]{4}[ -]){1,4})"
            r"(\d{3,6})(?!\d)",
            lambda match: "ending in " + numbers.digits(match[1]),
        ),
        rule(
            r"(?<![\w*#])(?:\*{1,2}(?=[\d#])[\d*#]{1,30}|#{1,2}\d[\d*#]{0,30}[*#])(?![\w*#])", keys
        ),
    ]


_POWERS = str.maketrans("⁰¹²³⁴⁵⁶⁷⁸⁹⁻⁺", "0123456789-+")
_SUBSCRIPTS = str.maketrans("₀₁₂₃₄₅₆₇₈₉", "0123456789")
_NUMBER = r"(?:[$€£]?\d{1,15}(?:[.,]\d{1,15}){0,4}|[a-z](?![A-Za-z]))"
_SUM = rf"{_NUMBER}(?:\s?[-−–+*/×÷]\s?{_NUMBER}){{1,6}}"


def power_rules() -> list[Rule]:
    """Small digits above and below the line."""
    return [
        rule(r"[₀-₉]{1,9}", lambda match: match[0].translate(_SUBSCRIPTS)),
        rule(
            r"(?:(?<=[\d)])|(?<=\b[A-Za-z]))(?![²³](?![⁰¹²³⁴-⁹]))[⁻⁺]?[⁰¹²³⁴-⁹]{1,9}",
            lambda match: "^" + match[0].translate(_POWERS),
        ),
        rule(r"(?:(?<=[^\W\d_]{2})|(?<=[.,!?]))[¹⁰⁴-⁹][⁰¹²³⁴-⁹]{0,2}(?!\w)", ""),  # of a footnote
        rule(r"(?<![\w.])(\d{1,3}(?:\.\d{1,9})?)e([+-]?\d{1,3})(?![\w.])", r"\1 × 10^\2"),
    ]


def equation_rules() -> list[Rule]:
    """Sums beside an equals sign, in which a dash is a minus, and a slash no fraction."""

    def in_words(match: re.Match[str]) -> str:
        subtracted = re.sub(r"(?<=[\w])\s?[-−–]\s?(?=[$€£\w])", " minus ", match[0])
        return re.sub(r"(?<=\w)\s?/\s?(?=\w)", " divided by ", subtracted)

    return [
        rule(rf"(?<![\w.,/-]){_SUM}(?=\s?=(?![=>])| (?:equals|makes) )", in_words),
        rule(rf"(?:(?<=[^=<>!]=)|(?<=[^=<>!]= )){_SUM}(?![\w/-])", in_words),
    ]


def sum_rules() -> list[Rule]:
    """Sums and comparisons, while their numbers are still digits."""
    return [
        rule(r"(?<=\d) [-−–] (?=\d{1,15}(?:\.\d{1,15})?\s?=)", " minus "),
        rule(r"(?<=[\w)])\s?(?:\^|\*\*)\s?2(?![\w.])", " squared"),
        rule(r"(?<=[\w)])\s?(?:\^|\*\*)\s?3(?![\w.])", " cubed"),
        rule(r"(?<=[\w)])\s?\^\s?(?=[\w(-])|(?<=\d)\*\*(?=\d)", " to the power of "),
        rule(r"(?<=[\w)])\*(?=[\w(])|(?<=\d) \* (?=\d)|(?<=\b[a-z]) \* (?=[a-z]\b)", " times "),
        rule(r"(?<=[\d\"″])\s?x\s?(?=\d)", " by "),
        rule(r"(?<=\d)\s?×\s?(?=\d)", " times "),
        rule(r"(?<=\d)x\b(?!\s?[-+=*/^])", " times"),
        rule(r"(?<=[\d%])\s?[~～]\s?(?=[$€£₹]?\d)", " to "),
        rule(r"[~～]\s?(?=[$€£₹]?\d)", "about "),
        rule(r"(?<=\d) ?: ?1(?!\d)(?<![:\d]\d:1)(?<!\d\d:1)", " to 1"),
        rule(r"(?<![\w.])\.(?=\d)", "0."),
    ]


def file_rules() -> list[Rule]:
    """Names of files."""
    return [rule(rf"(?<=\w)\.(?=(?:{_FILES})\b(?!\.\w))", " dot ")]


def sign_rules() -> list[Rule]:
    """Every sign that is left, once no digit is; those that have no name are left out."""
    return [
        rule(
            r"\b([A-Z]{1,2})&([A-Z]{1,2})\b",
            lambda match: f"{' '.join(match[1])} and {' '.join(match[2])}",
        ),
        rule(r"<[-=]+>|[-=]+>|⇒|⟶", " to "),
        rule(r"<=", " less than or equal to "),
        rule(r">=", " greater than or equal to "),
        rule(r"!=", " not equal to "),
        rule(r"&{2,}", " and "),
        rule(r"={2,}", " equals "),
        rule(r"(?<=\b[A-G])#", " sharp"),
        rule(r"(?<!\w)#(?=[^\W\d_])", "hashtag "),
        rule(r"_{2,}", " blank "),
        rule(r"[•·]", ","),
        rule(rf"\s?([{re.escape(''.join(_WORDS))}])\s?", lambda match: f" {_WORDS[match[1]]} "),
        rule(r"(?<=\w)[/:](?=\w)", " "),
        rule(r"[\[\]{}`]", " "),
        rule(r" (?=[,.;:!?](?:\s|$))", ""),
    ]
