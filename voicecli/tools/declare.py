"""The mark on a function that makes it a tool."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date
from typing import Annotated, Any, Final, TypeAlias, TypeVar, overload

from pydantic import Field

from pipelines.engines.tools import CALL, ThisCall

F = TypeVar("F", bound=Callable[..., Any])

MARK: Final = "__voicecli_tool__"

Quote: TypeAlias = Annotated[str, Field(json_schema_extra={"format": "quote"})]
"""Some of the words of the caller's last turn, one after the other, or none: "next Tuesday".

The embedded engine lets the model write nothing else there, so it cannot make up a day or a name;
what the words mean is for the tool to work out. Other engines are only told.
"""


def this_call() -> ThisCall:
    """The call that the tool runs for, with what tools keep of it; a new one outside of any."""
    call = CALL.get()
    if call is None:
        call = ThisCall(date.today())
        CALL.set(call)
    return call


@dataclass(frozen=True, slots=True)
class Declared:
    """What the author says of a tool beyond its signature."""

    read_only: bool
    timeout_s: float | None
    return_direct: bool


@overload
def tool(function: F) -> F: ...
@overload
def tool(
    *, read_only: bool = False, timeout_s: float | None = None, return_direct: bool = False
) -> Callable[[F], F]: ...
def tool(
    function: F | None = None,
    *,
    read_only: bool = False,
    timeout_s: float | None = None,
    return_direct: bool = False,
) -> F | Callable[[F], F]:
    """Let the agent call a function; its docstring and type hints are what the model is told.

    The function runs on a thread of its own. What it returns is read by the model, as text or JSON;
    so is the text of what it raises.

    Args:
        function: with type hints for its parameters and a docstring.
        read_only: it changes nothing. Only such a tool is called before the caller's turn is surely
            over, and given up when the caller interrupts; any other is called once, and its
            result is kept even if nobody waits for it any more.
        timeout_s: seconds after which the model is told that there is no answer; by default those
            of the profile's [policy.tools].
        return_direct: what it returns is said to the caller as it stands, at once; the model is not
            asked to put it into words. What it raises is still read by the model.
    """

    def mark(marked: F) -> F:
        setattr(marked, MARK, Declared(read_only, timeout_s, return_direct))
        return marked

    return mark if function is None else mark(function)
