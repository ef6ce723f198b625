"""Word error rate between what was said and what was transcribed.

Close to Whisper's English normaliser where that matters on the phone: case, punctuation, fillers
and whole numbers make no difference.
"""

import re
import unicodedata
from dataclasses import dataclass
from typing import Final

import jiwer

from pipelines.engines.numerals import ONES, TENS

_FILLERS: Final = {"uh", "um", "er", "hm", "hmm", "mm", "mhm", "mmm", "ah"}
_TENS: Final = tuple(TENS)
_ASIDE: Final = re.compile(r"\[[^\]]*\]|\([^)]*\)")
_THOUSANDS: Final = re.compile(r"(?<=\d),(?=\d{3}\b)")
_APOSTROPHE: Final = re.compile(r"(?<=\w)[’'](?=\w)")
_NOT_WORD: Final = re.compile(r"[^\w\s]|_")
_DIGITS: Final = re.compile(r"\d+")


def normalise(text: str) -> str:
    """The words of a text in the form in which they are compared, a space between them."""
    text = unicodedata.normalize("NFKC", text).lower()
    text = _THOUSANDS.sub("", _ASIDE.sub(" ", text))
    text = _NOT_WORD.sub(" ", _APOSTROPHE.sub("", text))
    text = _DIGITS.sub(lambda match: f" {_spoken(match.group())} ", text)
    return " ".join(word for word in text.split() if word not in _FILLERS)


@dataclass(frozen=True, slots=True)
class WordErrors:
    """What was misheard of something said; those of several calls add up."""

    said: int
    """Words said; at least one."""
    wrong: int
    """Wrong, missing and added words."""

    @property
    def rate(self) -> float:
        """Errors per word said; may exceed 1."""
        return self.wrong / self.said


def word_errors(reference: str, hypothesis: str) -> WordErrors | None:
    """Compare what was said with what was transcribed; None if nothing was said."""
    said = normalise(reference)
    if not said:
        return None
    found = jiwer.process_words(said, normalise(hypothesis))
    wrong = found.substitutions + found.deletions + found.insertions
    return WordErrors(len(said.split()), wrong)


def word_error_rate(reference: str, hypothesis: str) -> float | None:
    """Wrong, missing and added words per word said; None if nothing was said. May exceed 1."""
    errors = word_errors(reference, hypothesis)
    return None if errors is None else errors.rate


def _spoken(digits: str) -> str:
    """A number below 100 in words; a longer one, or one with a leading 0, digit by digit."""
    if len(digits) > 2 or digits.startswith("0"):
        return " ".join(ONES[int(digit)] for digit in digits)
    number = int(digits)
    if number < len(ONES):
        return ONES[number]
    tens, ones = divmod(number, 10)
    return _TENS[tens - 2] + (f" {ONES[ones]}" if ones else "")
