"""How codes are read in English: digit by digit, and short rows of capitals letter by letter."""

import re

from pipelines.engines.text_normalization.addresses import BEGINS, ENDS, phone_rules
from pipelines.engines.text_normalization.english_words import CODES, MONTHS
from pipelines.engines.text_normalization.numbers import Numbers
from pipelines.engines.text_normalization.rules import Rule, before, either, rule

_WORDS = (
    "pin|code|passcode|password|account|reference|confirmation|ext|extension|flight|zip|order"
    "|dial|call|text|member|id|ticket|case|policy|invoice|tracking|otp|serial|ssn|token|booking"
    "|cvv|cvc"
)
"""What is followed by a code."""
_VERBS = frozenset({"order", "call", "text"})
"""Those after which a number may also say how many: "order 500 boxes"."""
_DETERMINER = re.compile(r"\b(?:your|the|my|our|this|that|his|her|their|an?) $", re.IGNORECASE)
_HOW_MANY = re.compile(r" (?:(?!is\b|was\b|has\b|as\b)[a-z]{2,20}s|people)\b")
_ENDING = (
    r"(?:(?:ending|ends?)(?: in| with)|(?:card|account|number|phone) ending"
    r"|last (?:two|three|four|[234])(?: digits)?(?: are| is|:)?)"
)
_LONGEST_SPELLED = 3
"""Letters of a code that are said one by one; more of them make a word."""
_YEARS = range(1500, 2100)


def code_rules(numbers: Numbers) -> list[Rule]:
    """Rules for numbers of phones, cards, accounts, orders and flights."""

    def digits(match: re.Match[str]) -> str:
        return numbers.digits(match[0])

    def spelled(code: str) -> str:
        parts = re.findall(r"[A-Z]+|\d+", code)
        return " ".join(
            numbers.digits(part) if part.isdecimal()
            else " ".join(part) if len(part) <= _LONGEST_SPELLED else part
            for part in parts
        )  # fmt: skip

    def alternating(match: re.Match[str]) -> str:
        return spelled(match[0])

    def named(match: re.Match[str]) -> str:
        letters = match["letters"].rstrip("- ")
        how_many = not letters and match["word"].lower() in _VERBS and _HOW_MANY.match(
            match.string, match.end()
        )  # fmt: skip
        if how_many and not _DETERMINER.search(before(match, 10)):
            return match[0]
        said = f"{letters} " if letters else ""
        return f"{match['what']}{said}{numbers.digits(match['digits'])}"

    def hyphened(match: re.Match[str]) -> str:
        text = match[0]
        parts = text.removeprefix("#").split("-")
        if not (re.search(r"[A-Z]", text) and re.search(r"\d", text)):
            return text
        if any(part.title() in MONTHS for part in parts):
            return text
        mixed = any(len(re.findall(r"[A-Z]+|\d+", part)) > 2 for part in parts)
        if len(parts) < 3 and not mixed and not re.search(r"\d{3}", text):
            return text  # COVID-19, F-16
        return ", ".join(map(spelled, parts))

    def grouped(match: re.Match[str]) -> str:
        enough = len(match[0].replace("-", "")) >= 6
        return numbers.digits(match[0]) if enough else match[0]

    def two_fours(match: re.Match[str]) -> str:
        years = int(match[1]) in _YEARS and int(match[2]) in _YEARS
        is_range = years or "0" in {match[1][-1], match[2][-1]}
        return match[0] if is_range else numbers.digits(match[0])

    groups = r"\d{2,15}(?:[ -]\d{2,15}){1,8}"
    return [
        rule(r"(?<=\d{3}[ .-]\d{4}),? ?x\.? ?(?=\d{1,6}(?!\w))", " extension "),
        rule(rf"{BEGINS}\(\d{{2,5}}\) ?\d{{3,4}}(?:[ .-]\d{{2,4}}){{0,3}}{ENDS}", digits),
        rule(
            rf"\b([A-Z]{{2}})(\d{{2}}(?: ?\d{{4}}){{2,7}}(?: ?\d{{1,4}})?){ENDS}",
            lambda match: f"{match[1]} {numbers.digits(match[2])}",
        ),
        rule(
            rf"\b[A-Z]{{2}}\d{{2}} ?[A-Z]{{4}}(?: ?\d{{4}}){{2,6}}(?: ?\d{{1,4}})?{ENDS}",
            lambda match: re.sub(
                r"([A-Z]+|\d+)\W*",
                lambda part: (
                    f"{' '.join(part[1]) if part[1].isalpha() else numbers.digits(part[1])}, "
                ),
                match[0],
            ).rstrip(", "),
        ),
        *phone_rules(numbers),
        rule(rf"{BEGINS}(?:1[ .-])?\d{{3}}([ .-])\d{{3}}\1\d{{4}}{ENDS}", digits),
        rule(rf"{BEGINS}\d{{3}}-\d{{4}}{ENDS}", digits),
        rule(rf"{BEGINS}\d{{4}}([ -])\d{{4}}\1\d{{4}}\1\d{{1,7}}{ENDS}", digits),
        rule(rf"{BEGINS}\d{{4}}([ -])\d{{6}}\1\d{{5}}{ENDS}", digits),
        rule(rf"{BEGINS}\d{{5}}[ -]\d{{5}}{ENDS}|{BEGINS}\d{{5}}-\d{{4}}{ENDS}", digits),
        rule(rf"{BEGINS}(\d{{4}})-(\d{{4}}){ENDS}", two_fours),
        rule(rf"{BEGINS}\d{{1,15}}(?:-\d{{1,15}}){{2,8}}{ENDS}", grouped),
        rule(r"\b(?P<quarter>Q[1-4]|FY)-(?=20\d\d\b)", r"\1 "),
        rule(
            r"(?<![\w/.-])#?[A-Z\d]{1,16}(?:-[A-Z\d]{1,16}){1,6}(?![\w-]|\.\d)",
            hyphened,
        ),
        rule(
            r"\b(?P<what>flights?(?: number| no\.?)?:? )"
            rf"(?P<code>(?:[A-Z]{{2,3}}|[A-Z]\d|\d[A-Z]) ?\d{{1,4}}[A-Z]?){ENDS}",
            lambda match: match["what"] + spelled(match["code"].upper()),
            ignore_case=True,
        ),
        rule(
            rf"\b(?P<what>(?P<word>{_WORDS})(?: number| id)?(?: is)?:? )#?"
            rf"(?P<letters>(?:[A-Z]{{2}} |(?-i:[A-Z]{{1,5}})-?)?)"
            rf"(?P<digits>{groups}|\d{{3,15}}){ENDS}",
            named,
            ignore_case=True,
        ),
        rule(
            rf"\b({_ENDING} )(\d{{2,6}}){ENDS}",
            lambda match: match[1] + numbers.digits(match[2]),
            ignore_case=True,
        ),
        rule(r"\b(?:[A-Z]{1,20}\d{1,20}[A-Z]|\d{1,20}[A-Z]{1,20}\d)[A-Z\d]{0,40}\b", alternating),
        rule(
            rf"\b(?!(?:{either(each for each in CODES if each.isalpha())}|FY|Q[1-4]?)\d)"
            rf"([A-Z]{{1,5}})(\d{{3,9}})(?![\w,]|[.:]\d)",
            lambda match: f"{match[1]} {numbers.digits(match[2])}",
        ),
    ]
