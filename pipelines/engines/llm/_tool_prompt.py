"""How a model without a protocol of its own for tools is told of them, and calls them.

The format is that of Hermes and Qwen, which many instruct models have been trained on: functions
in the system message, `<tool_call>` around the JSON of a call, `<tool_response>` around its result.
"""

import json
from collections.abc import Iterable, Mapping
from typing import Any

from pipelines.engines.tools import Tool

MARK = "<tool_call>"
OPENING = f"{MARK}\n"
"""What stands before the JSON."""

_INSTRUCTIONS = """\
# Tools

You may call one or more functions to assist with the user query.

You are provided with function signatures within <tools></tools> XML tags:
<tools>
{functions}
</tools>

For each function call, return a json object with function name and arguments within \
<tool_call></tool_call> XML tags:
<tool_call>
{{"name": <function-name>, "arguments": <args-json-object>}}
</tool_call>"""


def described(tools: Iterable[Tool]) -> list[dict[str, Any]]:
    """The tools as OpenAI's interface has them, and models know them."""
    return [
        {
            "type": "function",
            "function": {
                "name": tool.name,
                "description": tool.description,
                "parameters": tool.parameters,
            },
        }
        for tool in tools
    ]


def instructions(tools: Iterable[Tool]) -> str:
    """What the system message says of the tools; empty if there are none."""
    functions = "\n".join(json.dumps(each, ensure_ascii=False) for each in described(tools))
    return _INSTRUCTIONS.format(functions=functions) if functions else ""


def as_written(role: str, text: str) -> str:
    """A message of the history as it stands in the prompt; nobody else can speak for a tool."""
    if role == "tool_call":
        return f"{OPENING}{text}\n</tool_call>"
    text = text.replace("<tool_", "< tool_").replace("</tool_", "< /tool_")
    return f"<tool_response>\n{text}\n</tool_response>" if role == "tool_result" else text


def before_mark(text: str) -> tuple[str, str]:
    """What of the text can be spoken, and the rest: the mark, or what may become one."""
    whole = text.find(MARK)
    if whole >= 0:
        return text[:whole], text[whole:]
    for length in range(min(len(text), len(MARK) - 1), 0, -1):
        if MARK.startswith(text[-length:]):
            return text[:-length], text[-length:]
    return text, ""


def call_schema(tools: Iterable[Tool]) -> Mapping[str, Any]:
    """JSON Schema of a call of any of the tools: nothing else can be written under it."""
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": tool.parameters},
                "required": ["name", "arguments"],
            }
            for tool in tools
        ]
    }
