"""A language model with prepared answers."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.engines.protocols import StopSignal
from pipelines.engines.registry import Context
from pipelines.engines.simulated_time import spend
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.bounds import bounded, check_bounds
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.time import from_ms


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    replies: tuple[str, ...] = ("Of course. For what time shall I book it?",)
    """The answer to each of the caller's messages in turn; after the last, the first again.

    `<tool_call>{"name": …, "arguments": {…}}</tool_call>` in one asks for a tool; what stands
    behind it is said when the tool has answered, with that in place of `{result}`. Where there are
    tools, one that is not among them is passed over: it is another agent's.
    """
    first_token_ms: float = 80.0
    """Time to the first piece when the prompt has not been read in advance."""
    prepared_first_token_ms: float = 10.0
    """Time to the first piece when `prepare` has read exactly this prompt."""
    per_token_ms: float = 10.0
    """Time to each further piece."""
    end_probability: float = bounded(0.9, 0, 1)
    """How probable every end of turn looks to it."""


class ScriptedLlm:
    """The same history always gets the same reply, however often it is asked for.

    The reply is chosen by the number of caller messages, not by the number of calls, so that a
    speculative reply that is thrown away does not shift the script.
    """

    simulated_time = True

    def __init__(self, settings: Settings, tools: tuple[Tool, ...] = ()) -> None:
        self._settings = settings
        self._tools = {tool.name for tool in tools}
        self._prepared: History | None = None

    def prepare(self, history: History) -> None:
        """Take `first_token_ms`, once for each prompt."""
        if history != self._prepared:
            spend(from_ms(self._settings.first_token_ms))
            self._prepared = history

    def stream(self, history: History, stop: StopSignal) -> Iterator[str | ToolRequest]:
        """The reply word by word, each with the space before it, up to and with the next tools."""
        ready = history == self._prepared
        self._prepared = history
        wait = self._settings.prepared_first_token_ms if ready else self._settings.first_token_ms
        turn = sum(message.role == "caller" for message in history)
        reply = self._settings.replies[(turn - 1) % len(self._settings.replies)]
        for piece in _next_pieces(_CALL.sub(self._own, reply), history):
            spend(from_ms(wait))
            if stop.is_set():
                return
            yield piece
            wait = self._settings.per_token_ms

    def _own(self, call: re.Match[str]) -> str:
        """The call, if its tool is there."""
        return call[0] if not self._tools or json.loads(call[1])["name"] in self._tools else ""

    def end_probability(self, history: History, text: str) -> float:  # noqa: ARG002 (NextTokenLlm)
        """The configured probability; 0 when nothing has been said."""
        return self._settings.end_probability if text.strip() else 0.0


_CALL = re.compile(r"<tool_call>(.*?)</tool_call>", re.DOTALL)


def _next_pieces(reply: str, history: History) -> list[str | ToolRequest]:
    """The words and tools of a reply that come after the tools that have answered."""
    answered = 0
    for message in reversed(history):
        if message.role == "caller":
            break
        answered += message.role == "tool_result"
    texts, calls = _CALL.split(reply)[::2], _CALL.findall(reply)
    result = history[-1].text if history and history[-1].role == "tool_result" else ""
    text = texts[answered].replace("{result}", result)
    pieces: list[str | ToolRequest] = list(re.findall(r"\s*\S+", text))
    for call, following in zip(calls[answered:], texts[answered + 1 :], strict=True):
        asked = json.loads(call)
        pieces.append(ToolRequest(asked["name"], json.dumps(asked.get("arguments", {}))))
        if following.strip():
            break
    return pieces


def build(settings: Settings, context: Context) -> ScriptedLlm:
    """Build it.

    Raises:
        ValueError: a setting is out of range.
    """
    if not settings.replies:
        raise ValueError("replies must hold at least one reply")
    for reply in settings.replies:
        for call in _CALL.findall(reply):
            if not isinstance(json.loads(call), dict) or "name" not in json.loads(call):
                raise ValueError(f'a tool call is {{"name": …, "arguments": …}}, not {call}')
    check_bounds(settings)
    return ScriptedLlm(settings, context.tools)
