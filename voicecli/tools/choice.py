"""What a profile may say of tools."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal

from pipelines.turn_taking.commands import History, Message
from voicecli.tools.mcp_settings import McpServer


@dataclass(frozen=True, slots=True)
class Example:
    """A turn in which a tool is called; what a small model is shown, it does."""

    caller: str
    """What the caller says ..."""
    call: str
    """... which tool that asks for ..."""
    arguments: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """... and with what."""
    agent: str = ""
    """What the agent had said before."""

    def messages(self) -> History:
        """As the model is shown it."""
        call = {"name": self.call, "arguments": dict(self.arguments)}
        before = (Message("agent", self.agent),) if self.agent else ()
        text = json.dumps(call, ensure_ascii=False)
        return (*before, Message("caller", self.caller), Message("tool_call", text))


@dataclass(frozen=True, slots=True)
class ToolsChoice:
    """Keys of the table; `tools = "my_tools.py"` is short for its `file`."""

    file: str = ""
    """Python file of functions marked with @tool; relative to the profile."""
    builtin: tuple[Literal["end_call", "transfer_call", "send_dtmf"], ...] = ()
    """Tools that come with voicecli."""
    transfer_to: Mapping[str, str] = field(default_factory=dict)
    """For transfer_call: who can be reached, and under which number."""
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Given to the file's function `setup` before any call."""
    mcp: Mapping[str, McpServer] = field(default_factory=dict[str, McpServer])
    """MCP servers by name, whose tools the agent may call too."""
    examples: tuple[Example, ...] = ()
    """Of calls, which the embedded LLM engine is shown before every conversation."""
