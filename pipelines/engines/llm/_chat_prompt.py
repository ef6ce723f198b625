"""Turns the conversation into a model's own prompt format."""

import json
from collections.abc import Sequence
from itertools import zip_longest
from typing import Any, Literal, Protocol, TypeAlias

from pipelines.engines.llm import _tool_prompt
from pipelines.engines.llm._tool_prompt import as_written, described, harmless, instructions
from pipelines.engines.markup import ends_in_opened_reasoning
from pipelines.engines.tools import Tool
from pipelines.turn_taking.commands import History, Message, Role

ChatRole: TypeAlias = Literal["system", "user", "assistant"]
ChatMessage: TypeAlias = dict[str, Any]


class Render(Protocol):
    """A chat template."""

    def __call__(
        self, messages: list[ChatMessage], open_reply: bool, tools: Sequence[dict[str, Any]] = ()
    ) -> str:
        """The prompt, with the assistant's turn opened if so wished; raises whatever it likes."""
        ...


ROLES: dict[Role, ChatRole] = {
    "system": "system",
    "agent": "assistant",
    "caller": "user",
    "tool_call": "assistant",
    "tool_result": "user",
}
OPENING: ChatMessage = {"role": "user", "content": "Hello?"}
"""What whoever answers a phone is taken to have said, for templates in which the user begins."""


class ChatPrompt:
    """One model's chat template, applied to the history of a call.

    Templates differ in what they accept: some have no system role, some demand that the user speaks
    first, some write tools, calls and results themselves. All that is found out by trying, once,
    rather than by the model's name.
    """

    def __init__(self, render: Render, tools: Sequence[Tool] = (), examples: History = ()) -> None:
        """Try out the template.

        Args:
            render: the template.
            tools: what the model is told that it may call.
            examples: of a conversation, which the model is shown before every other.

        Raises:
            ValueError: it does not even render a question.
        """
        self._render = render
        self._examples = examples
        probe = "a-probe-of-the-system-role"
        user = {"role": "user", "content": "Hi"}
        try:
            opened = render([user], True)
        except Exception as error:
            raise ValueError(f"the model's chat template cannot be used: {error}") from error
        self.opens_reasoning = ends_in_opened_reasoning(opened)
        """Whether the model's own words begin in the middle of reasoning."""
        system = {"role": "system", "content": probe}
        self._system_role = probe in self._tried([system, user])
        assistant = {"role": "assistant", "content": "Good day"}
        self._assistant_first = bool(self._tried([assistant, user]))
        self._tools = described(tools)
        own = self._tried(_tool_prompt.probe(), self._tools) if tools else ""
        self.opening = _tool_prompt.opening_of(own, tools) or _tool_prompt.OPENING
        """What the model writes before the JSON of a call."""
        self._instructions = ""
        if not _tool_prompt.opening_of(own, tools):
            self._instructions, self._tools = instructions(tools), []

    def _tried(self, messages: list[ChatMessage], tools: Sequence[dict[str, Any]] = ()) -> str:
        try:
            return self._render(messages, True, tools) if tools else self._render(messages, True)
        except Exception:  # noqa: BLE001 (templates raise whatever they like)
            return ""

    def reply(self, history: History) -> str:
        """The prompt after which the model writes the agent's next words."""
        return self._rendered(self._messages(history), True)

    def open_turn(self, history: History) -> tuple[str, str]:
        """The prompt up to the caller's last word, and what ends a turn after it.

        `history` must end with words of the caller. The first part is a prefix of `reply`'s prompt.
        """
        messages = self._messages(history)
        prompt = self._rendered(messages, False)
        text = messages[-1]["content"].strip()
        end = prompt.rindex(text) + len(text)
        return prompt[:end], prompt[end:]

    def _rendered(self, messages: list[ChatMessage], open_reply: bool) -> str:
        if self._tools:
            return self._render(messages, open_reply, self._tools)
        return self._render(messages, open_reply)

    def _messages(self, history: History) -> list[ChatMessage]:
        first = next((at for at, each in enumerate(history) if each.role != "system"), len(history))
        messages: list[ChatMessage] = []
        for message in _told_once((*history[:first], *self._examples)):
            self._add(messages, message)
        for message in _told_once(history[first:]):
            if self._examples and message is history[first] and message.role == "agent":
                messages.append(dict(OPENING))  # or the greeting would end the last example
            self._add(messages, message)
        if self._instructions:
            if not messages or messages[0]["role"] != "system":
                messages.insert(0, {"role": "system", "content": ""})
            # In front: read once when the model is loaded, it is the beginning of every prompt.
            messages[0]["content"] = f"{self._instructions}\n\n{messages[0]['content']}".rstrip()
        if not self._assistant_first:
            first = next((i for i, each in enumerate(messages) if each["role"] != "system"), None)
            if first is not None and messages[first]["role"] == "assistant":
                messages.insert(first, dict(OPENING))
        if not self._system_role:
            messages = _folded(messages)
        return messages

    def _add(self, messages: list[ChatMessage], message: Message) -> None:
        # Templates take their own marks for control tokens wherever they stand.
        text = message.text.replace("<|", "< |")
        last: ChatMessage = messages[-1] if messages else {}
        if self._tools and message.role == "tool_call":
            if last.get("role") != "assistant" or "tool_calls" in last:
                last = {"role": "assistant", "content": ""}
                messages.append(last)
            last["tool_calls"] = [{"type": "function", "function": json.loads(text)}]
        elif self._tools and message.role == "tool_result":
            messages.append({"role": "tool", "content": harmless(text)})
        elif last.get("role") == ROLES[message.role] and "tool_calls" not in last:
            last["content"] += " " + as_written(message.role, text)
        else:
            messages.append(
                {"role": ROLES[message.role], "content": as_written(message.role, text)}
            )


def _told_once(history: History) -> History:
    """Without the results that the agent then said as they stood: each costs its time to read."""
    return tuple(
        message
        for message, after in zip_longest(history, history[1:])
        if message.role != "tool_result"
        or after is None
        or (after.role, after.text.strip()) != ("agent", message.text.strip())
    )


def _folded(messages: Sequence[ChatMessage]) -> list[ChatMessage]:
    """System messages put in front of the next user message."""
    folded: list[ChatMessage] = []
    instructions: list[str] = []
    for message in messages:
        if message["role"] == "system":
            instructions.append(message["content"])
        elif message["role"] == "user" and instructions:
            content = "\n\n".join([*instructions, message["content"]])
            folded.append({"role": "user", "content": content})
            instructions = []
        else:
            folded.append(message)
    if instructions:
        folded.append({"role": "user", "content": "\n\n".join(instructions)})
    return folded


def shortened(history: History, drop: int) -> History:
    """The history without its `drop` oldest messages, system messages not counted or dropped."""
    spoken = [index for index, message in enumerate(history) if message.role != "system"]
    gone = set(spoken[:drop])
    return tuple(message for index, message in enumerate(history) if index not in gone)
