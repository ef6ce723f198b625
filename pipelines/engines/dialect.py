"""The fields of a request as one server wants them.

Interfaces that many servers offer are not quite the same on any two: what one needs, another
refuses. A profile may say so beforehand; else it is learnt from the first refusal.
"""

import json
import re
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import Any

OTHER_NAMES: Mapping[str, str] = MappingProxyType({"max_tokens": "max_completion_tokens"})
"""What a field may be called elsewhere."""


@dataclass(frozen=True, slots=True)
class Dialect:
    """What is done to a request's fields before they are sent."""

    renamed: Mapping[str, str] = field(default_factory=dict)
    added: Mapping[str, Any] = field(default_factory=dict)
    dropped: frozenset[str] = frozenset()

    def applied(self, fields: Mapping[str, Any]) -> dict[str, Any]:
        """The fields as this server wants them."""
        named = {self.renamed.get(name, name): value for name, value in fields.items()
                 if name not in self.dropped}  # fmt: skip
        return {**named, **self.added}

    def after(self, objection: str, optional: Collection[str]) -> tuple["Dialect", str] | None:
        """The dialect that heeds an objection, and what changes with it, in words.

        Args:
            objection: what the server wrote, be it JSON or not.
            optional: fields that may be renamed or left out, by our own names.

        Returns:
            None: it is about nothing that can be helped.
        """
        sent = {
            self.renamed.get(name, name): name
            for name in optional
            if name not in self.dropped and self.renamed.get(name, name) not in self.added
        }
        found = _first_named(objection, sent)
        if found is None:
            return None
        name = sent[found]
        other = OTHER_NAMES.get(found)
        if other and other not in self.added:
            return replace(self, renamed={**self.renamed, name: other}), f"with {other}"
        return replace(self, dropped=self.dropped | {name}), f"without {found}"


def read_dialect(
    table: Mapping[str, Any], known: Collection[str], kept: Collection[str]
) -> Dialect:
    """The dialect that a profile's table describes.

    `name = value` adds or sets a field, `name = { rename = "other" }` sends it by another name,
    `name = { drop = true }` leaves it out.

    Args:
        table: as TOML has it.
        known: names of all fields that may be renamed or dropped.
        kept: names of fields that are as they must be.

    Raises:
        ValueError: a field is to change that must not or is not there, or JSON has no such value.
    """
    renamed: dict[str, str] = {}
    added: dict[str, Any] = {}
    dropped: set[str] = set()
    for name, value in table.items():
        if name in kept:
            raise ValueError(f"body must not change {name}")
        match value:
            case {"rename": str() as other, **rest} if not rest and other:
                renamed[name] = other
            case {"drop": True, **rest} if not rest:
                dropped.add(name)
            case _:
                added[name] = value
    if unknown := sorted((renamed.keys() | dropped) - set(known)):
        there = ", ".join(sorted(known))
        raise ValueError(f"body cannot rename or drop {unknown[0]}; there are: {there}")
    if taken := sorted(set(renamed.values()) & {*kept, *known}):
        raise ValueError(f"body cannot rename to {taken[0]}: that is another field")
    try:
        json.dumps(added, allow_nan=False)
    except (TypeError, ValueError):
        raise ValueError("body holds a value that JSON has not, such as a date") from None
    return Dialect(renamed, added, frozenset(dropped))


def _first_named(objection: str, names: Collection[str]) -> str | None:
    """Which of the names a server complains of: the one in `error.param`, or named first."""
    try:
        param = json.loads(objection)["error"]["param"]
    except (ValueError, KeyError, TypeError):
        param = None
    if isinstance(param, str) and param:
        return param if param in names else None
    places = [(found.start(), name) for name in names
              if (found := re.search(rf"(?<!\w){re.escape(name)}(?!\w)", objection))]  # fmt: skip
    return min(places)[1] if places else None
