"""Why the core decided as it did: each rule by name, with the sentence that explains it."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

Number: TypeAlias = float | int | str


@dataclass(frozen=True, slots=True)
class Reason:
    """A rule of the core and the numbers on which it was applied."""

    rule: str
    numbers: Mapping[str, Number]

    def __str__(self) -> str:
        return RULES[self.rule].format(**self.numbers)


def because(rule: str, **numbers: Number) -> Reason:
    """A reason; `rule` is a key of RULES and `numbers` are the fields of its sentence."""
    return Reason(rule, numbers)


RULES: Mapping[str, str] = {}
