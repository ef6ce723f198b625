"""Says written numbers as people say them."""

import random
import re

_ONES = (
    "zero", "one", "two", "three", "four", "five", "six", "seven", "eight", "nine", "ten",
    "eleven", "twelve", "thirteen", "fourteen", "fifteen", "sixteen", "seventeen", "eighteen",
    "nineteen",
)  # fmt: skip
_TENS = (
    "zero", "ten", "twenty", "thirty", "forty", "fifty", "sixty", "seventy", "eighty", "ninety",
)  # fmt: skip
_TIME = re.compile(r"(\d{1,2}):(\d{2})")
_DIGITS = re.compile(r"\d+")


def say_digits(digits: str, rng: random.Random) -> list[str]:
    """Digit by digit, with "oh" for some zeros."""
    zero = rng.choice(("oh", "zero"))
    return [zero if digit == "0" else _ONES[int(digit)] for digit in digits]


def say_numbers(text: str, rng: random.Random) -> str:
    """The text with its clock times, amounts and numbers in words."""
    text = _TIME.sub(lambda m: f" {_say_time(int(m[1]), int(m[2]))} ", text)
    if "$" in text:
        text = re.sub(r"\$\s?(\d[\d,.]*)", r"\1 dollars", text).replace(",", "")
    return _DIGITS.sub(lambda m: f" {' '.join(_say(m[0], rng))} ", text)


def _say_time(hour: int, minute: int) -> str:
    if minute == 0:
        return _small(hour)
    return f"{_small(hour)} {'oh ' if minute < 10 else ''}{_small(minute)}"


def _say(digits: str, rng: random.Random) -> list[str]:
    if len(digits) > 4 or digits.startswith("0") or (len(digits) == 3 and rng.random() < 0.5):
        return say_digits(digits, rng)
    number = int(digits)
    if len(digits) == 4 and number // 100 % 10:
        return [_small(number // 100), _small(number % 100) if number % 100 else "hundred"]
    parts = [f"{_ONES[number // 1000]} thousand"] if number >= 1000 else []
    if number % 1000 >= 100:
        parts.append(f"{_ONES[number % 1000 // 100]} hundred")
    if number % 100 or not parts:
        parts.append(_small(number % 100))
    return parts


def _small(number: int) -> str:
    if number < 20:
        return _ONES[number]
    return _TENS[number // 10 % 10] + (f" {_ONES[number % 10]}" if number % 10 else "")
