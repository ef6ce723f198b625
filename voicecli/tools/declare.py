"""The mark on a function that makes it a tool; changes with what its author decides about it."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, TypeVar, overload

F = TypeVar("F", bound=Callable[..., Any])

MARK: Final = "__voicecli_tool__"


@dataclass(frozen=True, slots=True)
class Declared:
    """What the author says of a tool beyond its signature."""

    read_only: bool
    timeout_s: float | None


@overload
def tool(function: F) -> F: ...
@overload
def tool(*, read_only: bool = False, timeout_s: float | None = None) -> Callable[[F], F]: ...
def tool(
    function: F | None = None, *, read_only: bool = False, timeout_s: float | None = None
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
    """

    def mark(marked: F) -> F:
        setattr(marked, MARK, Declared(read_only, timeout_s))
        return marked

    return mark if function is None else mark(function)
