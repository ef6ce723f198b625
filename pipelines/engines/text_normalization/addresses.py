"""How e-mail and web addresses and phone numbers are read."""

import re
from collections.abc import Mapping

from pipelines.engines.text_normalization.numbers import Numbers
from pipelines.engines.text_normalization.rules import Rule, rule

_DOMAIN = r"[\w-]{1,63}(?:\.[\w-]{1,63}){1,8}"
_KNOWN = "com|org|net|edu|gov|info|io|ai|app|dev|eu|uk|us|de|fr|es|it|nl|be|at|ch|pt|br|ie|ca|au"


def address_rules(words: Mapping[str, str]) -> list[Rule]:
    """Rules for addresses, the marks in which are said with the words of `words`."""

    colon = words.get(":", "")

    def said(text: str) -> str:
        return "".join(f" {words[char]} " if char in words else char for char in text)

    def web(match: re.Match[str]) -> str:
        path = (match["path"] or "").partition("?")[0].partition("#")[0].rstrip("/")
        domain, _, port = match["domain"].partition(":")
        return said(domain + (f" {colon} {' '.join(port)}" if port.isdecimal() else "") + path)

    path = r"(?P<path>/[^\s]{0,200}[\w/])?"
    return [
        rule(r"\bmailto:(?=[\w.+-]{1,64}@)", ""),
        rule(rf"(?<![\w.+-])[\w.+-]{{1,64}}@{_DOMAIN}", lambda match: said(match[0])),
        rule(rf"\b(?:https?|ftp|wss?)://(?:www\.)?(?P<domain>[^\s/?#]{{1,100}}[\w]){path}", web),
        rule(rf"\bwww\.(?P<domain>{_DOMAIN}){path}", web),
        rule(
            rf"(?<![\w.@-])(?P<domain>[A-Za-z][\w-]{{0,62}}(?:\.[\w-]{{1,63}}){{0,3}}\.(?:{_KNOWN}))"
            rf"(?![\w-]|\.\w){path}",
            web,
        ),
    ]


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
