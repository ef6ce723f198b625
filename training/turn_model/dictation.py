"""Makes up turns in which callers dictate numbers and names, which the dialogue text hardly has.

Changes with what callers dictate. A pause between groups of digits is where agents cut callers off;
how many digits are still to come follows from what the agent asked for.
"""

import random
from collections.abc import Callable

from training.turn_model.samples import Sample, make_samples
from voicecli.synthetic_calls.dialogues import Turn

_FIRST = (
    "james", "mary", "john", "linda", "robert", "susan", "michael", "karen", "david", "lisa",
    "maria", "peter", "anna", "paul", "emma", "kevin", "laura", "brian", "sarah", "george",
    "rachel", "omar", "priya", "chen", "diego",
)  # fmt: skip
_LAST = (
    "smith", "johnson", "brown", "garcia", "miller", "davis", "lopez", "wilson", "anderson",
    "taylor", "moore", "jackson", "lee", "thompson", "white", "harris", "clark", "lewis",
    "walker", "young", "king", "wright", "scott", "novak",
)  # fmt: skip
_DOMAINS = ("gmail.com", "yahoo.com", "outlook.com", "hotmail.com", "icloud.com", "example.org")
_LEADS = ("", "", "", "it's ", "yes it's ", "sure it's ", "okay ", "that's ", "um it's ", "yeah ")


def dictated_turn(rng: random.Random) -> Turn:
    """One turn, written as a recogniser would write it, with the question before it."""
    makers: tuple[Callable[[random.Random], tuple[str, str]], ...] = (
        _phone, _phone, _zip, _email, _spelled, _code, _card, _birthday,
    )  # fmt: skip
    question, answer = rng.choice(makers)(rng)
    if rng.random() < 0.1:
        question = ""
    return Turn("dictation", 0, question, rng.choice(_LEADS) + answer)


def _grouped(digits: str, sizes: tuple[int, ...], rng: random.Random) -> str:
    groups, start = [], 0
    for size in sizes:
        groups.append(digits[start : start + size])
        start += size
    return rng.choice(("-", " ", "")).join(groups)


def _digits(count: int, rng: random.Random) -> str:
    return "".join(rng.choice("0123456789") for _ in range(count))


def _phone(rng: random.Random) -> tuple[str, str]:
    questions = ("What's your phone number?", "Can I have a number to reach you?",
                 "Which phone number should I use?", "And your telephone number, please?",
                 "What is the best number to call you back on?")  # fmt: skip
    sizes = rng.choice(((3, 3, 4), (3, 3, 2, 2), (3, 7), (10,)))
    return rng.choice(questions), _grouped(_digits(10, rng), sizes, rng)


def _zip(rng: random.Random) -> tuple[str, str]:
    questions = ("What's your zip code?", "Can you give me the zip code?", "And the zip code?")
    return rng.choice(questions), _digits(5, rng)


def _card(rng: random.Random) -> tuple[str, str]:
    if rng.random() < 0.5:
        return "What are the last four digits of your card?", _digits(4, rng)
    question = rng.choice(("What is your card number?", "Please read me the card number."))
    return question, _grouped(_digits(16, rng), (4, 4, 4, 4), rng)


def _code(rng: random.Random) -> tuple[str, str]:
    questions = ("What is your confirmation code?", "Do you have the booking reference?",
                 "Please give me your six character reservation code.")  # fmt: skip
    letters = "abcdefghijklmnopqrstuvwxyz" + "0123456789" * 2
    return rng.choice(questions), " ".join(rng.choice(letters) for _ in range(6))


def _email(rng: random.Random) -> tuple[str, str]:
    questions = ("What's your email address?", "Where should I send the confirmation?",
                 "Which e-mail address can I use?", "And your email?")  # fmt: skip
    name = rng.choice(_FIRST) + rng.choice((".", "", "_")) + rng.choice(_LAST)
    address = f"{name}{_digits(rng.choice((0, 0, 2)), rng)}@{rng.choice(_DOMAINS)}"
    if rng.random() < 0.8:
        address = address.replace("@", " at ").replace(".", " dot ").replace("_", " underscore ")
    return rng.choice(questions), address


def _spelled(rng: random.Random) -> tuple[str, str]:
    last = rng.choice(_LAST)
    if rng.random() < 0.3:
        questions = (
            "What's your name?",
            "What name is the booking under?",
            "May I have your name?",
        )
        return rng.choice(questions), f"{rng.choice(_FIRST)} {last}"
    questions = (
        "Could you spell your last name?",
        "How do you spell that?",
        "Please spell it for me.",
    )
    spelled = " ".join(last)
    answer = rng.choice((spelled, f"{last} {spelled}", f"{last} that's {spelled}"))
    return rng.choice(questions), answer


def _birthday(rng: random.Random) -> tuple[str, str]:
    months = (
        "january", "february", "march", "april", "may", "june", "july", "august", "september",
        "october", "november", "december",
    )  # fmt: skip
    year = str(rng.randint(1935, 2005))
    question = rng.choice(
        ("What's your date of birth?", "And your birthday?", "When were you born?")
    )
    day = rng.randint(1, 28)
    return question, rng.choice(
        (f"{rng.choice(months)} {day} {year}", f"{day} {rng.choice(months)} {year}")
    )


def dictated_samples(count: int, seed: str) -> list[Sample]:
    """Pauses in `count` dictated turns that training has not seen: the end and one before it."""
    rng = random.Random(f"dictated:{seed}")  # noqa: S311 (no secret)
    turns = [dictated_turn(rng) for _ in range(count)]
    numbered = [Turn(turn.dialogue, n, turn.agent, turn.caller) for n, turn in enumerate(turns)]
    return make_samples(numbered, frozenset(), spoken=True, seed=seed)
