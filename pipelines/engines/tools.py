"""A tool as models and shells see it: how it is described, and how it is run."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipelines.turn_taking.events import ToolEffect


@dataclass(frozen=True, slots=True)
class ToolRequest:
    """A model asks for a tool in the midst of its reply."""

    name: str
    arguments: str
    """As the model wrote them: JSON, if all is well."""


@dataclass(frozen=True, slots=True)
class Tool:
    """Something that a model may call."""

    name: str
    description: str
    parameters: Mapping[str, Any]
    """JSON Schema of an object, without references."""
    call: Callable[[str], str] = field(repr=False)
    """Takes the arguments as JSON, gives what the model is to read. Blocks; raises anything.

    Of a tool that transfers it gives the number, of one that sends keys the digits.
    """
    effect: ToolEffect = "acts"
    timeout_ms: int = 0
    """0: as long as the policy gives any tool."""
    tones: Callable[[str], npt.NDArray[np.int16]] | None = None
    """Digits as sound, shape (n,), int16, 8000 Hz; of a tool that sends keys."""
    modelled: bool = False
    """Takes only the time it says it does (`pipelines.engines.modelled`)."""
