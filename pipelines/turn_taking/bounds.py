"""Bounds of a policy's or an engine's settings, declared beside each default."""

import dataclasses
from typing import Any


def bounded(default: float | str | None, low: float | None, high: float | None = None) -> Any:
    """A field whose value, if it is a number, lies between low and high inclusive."""
    return dataclasses.field(default=default, metadata={"range": (low, high)})


def check_bounds(settings: Any) -> None:
    """Refuse an instance of Settings that was not read from a profile, which is checked there.

    Raises:
        ValueError: a value is out of its bounds; names it.
    """
    for field in dataclasses.fields(settings):
        low, high = field.metadata.get("range", (None, None))
        value = getattr(settings, field.name)
        if not isinstance(value, int | float):
            continue
        if low is not None and not value >= low:
            raise ValueError(f"{field.name} must be at least {low:g}, not {value:g}")
        if high is not None and not value <= high:
            raise ValueError(f"{field.name} must be at most {high:g}, not {value:g}")
