"""Which rows of digits are phone numbers."""

import re

from pipelines.engines.spoken.numbers import Numbers
from pipelines.engines.spoken.rules import Rule, rule

BEGINS = r"(?<![\w.,:/-])"
ENDS = r"(?![\w/-]|[.,:]\d)"


def phone_rules(numbers: Numbers) -> list[Rule]:
    """Rules for numbers that begin with + or, in groups, with 0: those are the same everywhere."""

    def digits(match: re.Match[str]) -> str:
        return numbers.digits(match[0])

    return [
        rule(
            r"(?<!\w)(?=\+(?:[ .()-]{0,2}\d){7})"
            rf"\+\d{{1,15}}(?:[ .-]\(?\d{{1,12}}\)?|\(\d{{1,5}}\)){{0,5}}{ENDS}",
            digits,
        ),
        rule(rf"{BEGINS}0\d{{1,5}}(?:[ /-]\d{{2,9}}){{1,4}}{ENDS}", digits),
    ]
