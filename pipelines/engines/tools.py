"""A tool as models and shells see it: how it is described, and how it is run."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from contextvars import ContextVar
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TypeAlias

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from pipelines.turn_taking.events import ToolEffect


@dataclass(frozen=True, slots=True)
class Say:
    """A sentence to be said as it stands."""

    text: str


@dataclass(frozen=True, slots=True)
class Transfer:
    """The caller is to be put through, by the tool transfer_call."""

    to: str


@dataclass(frozen=True, slots=True)
class EndCall:
    """The call is to end, with this goodbye or the profile's."""

    goodbye: str = ""


@dataclass(frozen=True, slots=True)
class Handover:
    """Another agent is to have the call (`pipelines.turn_taking.events.HandoverRequested`)."""

    name: str
    agent: Any
    """The object that is that agent in this call."""
    prompt: str = ""
    greeting: str = ""
    summary: str | None = None


Request: TypeAlias = Say | Transfer | EndCall | Handover
"""What the agent's own code asks of the call, from a tool or a hook."""


@dataclass(slots=True)
class ThisCall:
    """What a tool may know of the call that it runs for."""

    today: dt.date
    """The day on which the call began; in a replay, that of the recording."""
    caller_said: str = ""
    """The turn of the caller's that the tool is called for."""
    state: dict[str, Any] = field(default_factory=dict[str, Any])
    """Whatever the tools want to keep until the call is over."""
    agents: dict[str, Any] = field(default_factory=dict[str, Any])
    """The objects that are its agents, by name."""
    asked: list[Request] = field(default_factory=list[Request])
    """What was asked of it outside of a real call, for tests to read."""
    tell: Callable[[Request], None] | None = field(default=None, repr=False)
    """Takes what is asked of a real call."""

    def ask(self, request: Request) -> None:
        """Ask this of the call; raises ValueError if it cannot be done."""
        if self.tell is None:
            self.asked.append(request)
        else:
            self.tell(request)


CALL: ContextVar[ThisCall | None] = ContextVar("CALL", default=None)
"""The call of the tool that runs now."""


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
    simulated_time: bool = False
    """Takes only the time it says it does (`pipelines.engines.simulated_time`)."""
    quotes: frozenset[str] = frozenset()
    """Parameters that hold words of the caller's turn; an engine may hold the model to that."""
    instead: Callable[[], str] | None = field(default=None, repr=False)
    """Names the tool that is to be called instead, in this call and at this moment; or none. Does
    not block."""
    return_direct: bool = False
    """What it gives is said to the caller as it stands: no model is asked to put it into words."""
