"""Tools in OpenAI's chat interface: how servers are told of them, and how they ask for them."""

import json
from dataclasses import dataclass
from typing import Any

from pipelines.engines.llm._chat_prompt import OPENING, ROLES
from pipelines.engines.tools import ToolRequest
from pipelines.turn_taking.commands import History, Message


def chat_messages(history: History) -> list[dict[str, Any]]:
    """The value of a request's `messages`; each tool call gets an id by its place."""
    messages: list[dict[str, Any]] = []
    for place, message in enumerate(history):
        text = message.text.encode("utf-8", "replace").decode()
        if message.role == "tool_call":
            call = _call(message, f"call_{place}")
            last = messages[-1] if messages else {}
            if last.get("role") == "assistant" and "tool_calls" not in last:
                last["tool_calls"] = [call]
            else:
                messages.append({"role": "assistant", "content": None, "tool_calls": [call]})
        elif message.role == "tool_result":
            answered = {"role": "tool", "tool_call_id": f"call_{place - 1}", "content": text}
            messages.append(answered)
        else:
            messages.append({"role": ROLES[message.role], "content": text})
    return messages or [dict(OPENING)]


def _call(message: Message, name: str) -> dict[str, Any]:
    call = json.loads(message.text)
    # Servers read the arguments again to fill a template: broken ones would fail every later turn.
    arguments = call["arguments"] if isinstance(call["arguments"], dict) else {}
    function = {"name": call["name"], "arguments": json.dumps(arguments)}
    return {"id": name, "type": "function", "function": function}


@dataclass(slots=True)
class _Fragment:
    identity: str
    name: str = ""
    arguments: str = ""


class RequestedTools:
    """Puts together the calls of one streamed reply, which come in pieces, side by side."""

    def __init__(self) -> None:
        self._calls: list[_Fragment] = []
        self._at: dict[int, _Fragment] = {}

    def take(self, pieces: Any) -> bool:
        """The `tool_calls` of one delta; whether that brought more of a call.

        Raises:
            AttributeError, TypeError: they are none.
        """
        before = sum(len(call.name) + len(call.arguments.strip()) for call in self._calls)
        for piece in pieces or ():
            index, identity = piece.get("index"), piece.get("id") or ""
            function = piece.get("function") or {}
            if index is None:  # a new call has a name, and what has none goes on with the last
                index = len(self._calls) - (not function.get("name") and bool(self._calls))
            call = self._at.get(index)
            # Some servers number all calls 0 and send each whole: only the id tells them apart.
            if call is None or (identity and call.identity and identity != call.identity):
                call = self._at[index] = _Fragment(identity)
                self._calls.append(call)
            call.name += function.get("name") or ""
            arguments = function.get("arguments") or ""
            if isinstance(arguments, dict):  # some servers send the object itself
                arguments = json.dumps(arguments)
            call.arguments += arguments
        after = sum(len(call.name) + len(call.arguments.strip()) for call in self._calls)
        return after > before

    def whole(self) -> list[ToolRequest]:
        """The calls, once the stream has ended."""
        return [ToolRequest(call.name, call.arguments or "{}") for call in self._calls]
