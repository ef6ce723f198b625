"""The tools that come with voicecli."""

import re
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Annotated, Any, Final, Literal, TypeAlias

from pydantic import Field

from pipelines.engines.tools import Tool
from telephony_sim.dtmf import dtmf
from voicecli.tools.schema import tool_of

Builtin: TypeAlias = Literal["end_call", "transfer_call", "send_dtmf"]
_NUMBER: Final = re.compile(r"\+?[0-9]{3,15}|sip:\S+")


def builtin_tool(name: Builtin, transfer_to: Mapping[str, str]) -> Tool:
    """One of them.

    Args:
        name: which.
        transfer_to: who may be reached by transfer_call, and under which number. The model names a
            person and never a number: it cannot be talked into calling another one.

    Raises:
        ValueError: there is nobody to transfer to, or what should be a number is none.
    """
    if name == "end_call":
        return tool_of(_end_call, "ends_call")
    if name == "send_dtmf":
        return replace(tool_of(_send_dtmf, "sends_keys"), tones=dtmf)
    if not transfer_to:
        raise ValueError('transfer_call needs transfer_to, such as { reception = "+15551234567" }')
    for who, number in transfer_to.items():
        if not _NUMBER.fullmatch(number):
            raise ValueError(
                f'transfer_to.{who} must be a number like +15551234567, not "{number}"'
            )
    return tool_of(_transfer(transfer_to), "transfers")


def _named(name: str) -> Callable[[Callable[..., Any]], Callable[..., Any]]:
    def rename(function: Callable[..., Any]) -> Callable[..., Any]:
        function.__name__ = name
        return function

    return rename


@_named("end_call")
def _end_call() -> None:
    """Hang up, once you have said goodbye and the caller has nothing more to ask."""


@_named("send_dtmf")
def _send_dtmf(digits: Annotated[str, Field(pattern="^[0-9A-D*#]{1,32}$")]) -> str:
    """Press keys of the telephone keypad, for a menu or an extension at the other end.

    Args:
        digits: the keys, one after the other.
    """
    return digits


def _transfer(numbers: Mapping[str, str]) -> Callable[..., Any]:
    @_named("transfer_call")
    def transfer_call(to: str) -> str:
        """Put the caller through to somebody else, once you have told them so.

        Args:
            to: who it is.
        """
        return numbers[to]

    transfer_call.__annotations__["to"] = Literal[tuple(numbers)]
    return transfer_call
