"""Settings of parts: declared as dataclasses, read from TOML, checked.

A part of a line declares a frozen dataclass `Settings` whose annotations carry the allowed range:

    probability: Annotated[float, Range(0, 1)]

and `__post_init__ = check`, so that no instance with a value out of range can exist, whether it
came from TOML or from Python.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from dataclasses import MISSING, dataclass, fields
from functools import cache
from pathlib import Path
from typing import Any, NamedTuple, TypeVar, get_args, get_type_hints

from telephony_sim.errors import SettingError

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class Range:
    """Lowest and highest allowed value, both included, in the unit that the key's name ends in."""

    low: float
    high: float = math.inf

    def __str__(self) -> str:
        if self.high == math.inf:
            return f"at least {self.low:g}"
        return f"between {self.low:g} and {self.high:g}"


@dataclass(frozen=True, slots=True)
class Choice:
    """The words that a text key may hold."""

    words: tuple[str, ...]

    def __str__(self) -> str:
        return "one of " + ", ".join(self.words)


class Hint(NamedTuple):
    """What a key takes."""

    kind: type
    limit: Range | Choice | None


@cache
def hints(cls: type) -> Mapping[str, Hint]:
    """What each key of a Settings class takes."""
    found: dict[str, Hint] = {}
    for name, hint in get_type_hints(cls, include_extras=True).items():
        kind, *extras = get_args(hint) or (hint,)
        limit = next((e for e in extras if isinstance(e, Range | Choice)), None)
        found[name] = Hint(kind, limit)
    return found


def check(settings: object) -> None:
    """Raise SettingError unless every value is of its type, finite and within its limit."""
    for name, (kind, limit) in hints(type(settings)).items():
        value = getattr(settings, name)
        # bool is an int to Python; to whoever writes a TOML file it is not.
        right_type = isinstance(value, int | float if kind is float else kind)
        if not right_type or (isinstance(value, bool) and kind is not bool):
            word = {float: "a number", int: "a whole number", str: "text", bool: "true or false"}
            raise SettingError(name, f"is {value!r}; it must be {word.get(kind, 'a file name')}")
        if isinstance(limit, Choice) and value not in limit.words:
            raise SettingError(name, f"is {value!r}; it must be {limit}")
        if kind in (int, float) and not math.isfinite(value):
            raise SettingError(name, f"is {value}; it must be {limit or 'finite'}")
        if isinstance(limit, Range) and not limit.low <= value <= limit.high:
            raise SettingError(name, f"is {value:g}; it must be {limit}")


def read(cls: type[T], table: Mapping[str, Any], where: str, folder: Path) -> T:
    """An instance of the Settings class `cls` from a TOML table.

    `where` names file and table for the SettingError that a missing, unknown or bad key raises;
    file names in the table are relative to `folder`.
    """
    known = hints(cls)
    for key in table:
        if key not in known:
            names = ", ".join(known) or "none"
            raise SettingError(key, f"is not a key here; the keys are: {names}", where)
    required = {f.name for f in fields(cls) if f.default is MISSING}  # type: ignore[arg-type]
    for key in sorted(required - table.keys()):
        limit = known[key].limit
        raise SettingError(key, f"is missing; it must be {limit}" if limit else "is missing", where)
    values = dict(table)
    for key, (kind, _) in known.items():
        if kind is Path and isinstance(values.get(key), str):
            values[key] = folder / values[key]
            if not values[key].is_file():
                raise SettingError(key, f"names {values[key]}, which is not a file", where)
    try:
        return cls(**values)
    except SettingError as error:
        raise error.at(where) from None
