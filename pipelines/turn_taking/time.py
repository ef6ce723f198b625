"""The core's unit of time: integer nanoseconds since the call began."""

from typing import Final, TypeAlias

Nanos: TypeAlias = int
"""Nanoseconds: a moment since the call began, or a duration."""

MILLISECOND: Final[Nanos] = 1_000_000
SECOND: Final[Nanos] = 1_000_000_000


def from_ms(milliseconds: float) -> Nanos:
    """Milliseconds as nanoseconds, rounded to the nearest."""
    return round(milliseconds * MILLISECOND)


def to_ms(nanos: Nanos) -> float:
    """Nanoseconds as milliseconds."""
    return nanos / MILLISECOND
