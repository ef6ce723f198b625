"""Numbers in words, in any language that num2words knows."""

import re
from decimal import Decimal

from num2words import num2words

LONGEST = 15
"""Digits of the longest number that is read as one; longer ones are read digit by digit."""


class Numbers:
    """One language's numbers.

    Args:
        language: as num2words calls it: `en`, `pt_BR`.
        mark: what separates the thousands.
    """

    def __init__(self, language: str, mark: str = ",") -> None:
        self._language, self._mark = language, mark

    def cardinal(self, digits: str) -> str:
        """`1,234` or `007`, which is read digit by digit."""
        digits = digits.replace(self._mark, "")
        if len(digits) > LONGEST or (len(digits) > 1 and digits[0] == "0"):
            return self.digits(digits)
        return self._plain(num2words(int(digits), lang=self._language))

    def digits(self, text: str) -> str:
        """The digits in a text one by one, with a pause between groups of them."""
        groups = re.findall(r"\d+", text)
        return ", ".join(
            " ".join(num2words(int(digit), lang=self._language) for digit in group)
            for group in groups
        )

    def decimal(self, whole: str, fraction: str) -> str:
        """`3` and `14`: the fraction is read digit by digit."""
        whole = whole.replace(self._mark, "")
        if len(whole) + len(fraction) > LONGEST:
            return self.digits(f"{whole} {fraction}")
        # The library leaves out zeros at the end, which say how exact a number is.
        zeros = len(fraction) - len(fraction.rstrip("0"))
        if zeros == len(fraction):
            point = num2words(Decimal("0.5"), lang=self._language).split()[1]
            return f"{self.cardinal(whole)} {point} {self.digits(fraction)}"
        said = num2words(Decimal(f"{whole}.{fraction}"), lang=self._language)
        return self._plain(said) + f" {self.digits('0')}" * zeros

    def ordinal(self, digits: str) -> str:
        """`21` in `21st`."""
        if len(digits) > LONGEST:
            return self.digits(digits)
        return self._plain(num2words(int(digits), lang=self._language, to="ordinal"))

    def year(self, digits: str) -> str:
        """`2026`: twenty twenty-six."""
        return num2words(int(digits), lang=self._language, to="year").replace("-", " ")

    def money(self, whole: str, cents: str, currency: str, joined_by: str) -> str:
        """`12` and `50` (or nothing) of a currency by its code; what is zero is not said."""
        whole = whole.replace(self._mark, "")
        if len(whole) > LONGEST:
            return self.digits(whole + cents)
        # With the mark, the library's own word between the two parts is left out.
        said = num2words(
            Decimal(f"{whole}.{cents or '00'}"),
            lang=self._language, to="currency", currency=currency, separator="|",
        )  # fmt: skip
        parts = [self._plain(part.strip()) for part in said.split("|")]
        if not int(cents or 0):
            return parts[0]
        return joined_by.join(parts if int(whole) else parts[1:])

    @staticmethod
    def _plain(said: str) -> str:
        """Without the commas, which a voice would pause at."""
        return said.replace(",", "")
