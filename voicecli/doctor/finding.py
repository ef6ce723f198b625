"""One line of the doctor's report."""

from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

Verdict: TypeAlias = Literal["ok", "warning", "failed"]


@dataclass(frozen=True, slots=True)
class Finding:
    """What was looked at, how it is, and what to do if it is not well."""

    name: str
    verdict: Verdict
    sentence: str
    numbers: dict[str, Any] = field(default_factory=dict[str, Any])
    """What was measured, as JSON values with the unit in the name."""
