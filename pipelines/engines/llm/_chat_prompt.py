"""Turns the conversation into a model's own prompt format; changes with chat templates' demands."""

from collections.abc import Callable, Sequence
from typing import Literal, TypeAlias

from pipelines.engines.llm._tool_prompt import as_written
from pipelines.turn_taking.commands import History, Role

ChatRole: TypeAlias = Literal["system", "user", "assistant"]
ChatMessage: TypeAlias = dict[str, str]
Render: TypeAlias = Callable[[list[ChatMessage], bool], str]
"""The template: (messages, whether to open the assistant's turn) -> prompt. May raise."""

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
    first. Both are found out by trying, once, rather than by the model's name.
    """

    def __init__(self, render: Render, instructions: str = "") -> None:
        """Try out the template; `instructions` come before every system message.

        Raises:
            ValueError: it does not even render a question.
        """
        self._render = render
        self._instructions = instructions
        probe = "a-probe-of-the-system-role"
        user = {"role": "user", "content": "Hi"}
        try:
            render([user], True)
        except Exception as error:
            raise ValueError(f"the model's chat template cannot be used: {error}") from error
        system = {"role": "system", "content": probe}
        self._system_role = probe in self._tried([system, user])
        assistant = {"role": "assistant", "content": "Good day"}
        self._assistant_first = bool(self._tried([assistant, user]))

    def _tried(self, messages: list[ChatMessage]) -> str:
        try:
            return self._render(messages, True)
        except Exception:  # noqa: BLE001 (templates raise whatever they like)
            return ""

    def reply(self, history: History) -> str:
        """The prompt after which the model writes the agent's next words."""
        return self._render(self._messages(history), True)

    def open_turn(self, history: History) -> tuple[str, str]:
        """The prompt up to the caller's last word, and what ends a turn after it.

        `history` must end with words of the caller. The first part is a prefix of `reply`'s prompt.
        """
        messages = self._messages(history)
        prompt = self._render(messages, False)
        text = messages[-1]["content"].strip()
        end = prompt.rindex(text) + len(text)
        return prompt[:end], prompt[end:]

    def _messages(self, history: History) -> list[ChatMessage]:
        messages: list[ChatMessage] = []
        for message in history:
            # Templates take their own marks for control tokens wherever they stand.
            text = as_written(message.role, message.text.replace("<|", "< |"))
            if messages and messages[-1]["role"] == ROLES[message.role]:
                messages[-1]["content"] += " " + text
            else:
                messages.append({"role": ROLES[message.role], "content": text})
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
