"""How a model without a protocol of its own for tools is told of them, and calls them.

A chat template that knows tools writes them its own way. Any other model is given the format of
Hermes and Qwen, which many instruct models have been trained on: functions in the system message,
`<tool_call>` around the JSON of a call, `<tool_response>` around its result.
"""

import json
import re
from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from pipelines.engines.tools import Tool

OPENING = "<tool_call>\n"
"""What stands before the JSON, in the format of Hermes."""
PLACEHOLDER = "@quote@"
"""What a schema has in place of words that are known only when the caller has said them."""

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
_CALL = {"name": "probe_name", "arguments": {"probe_key": "probe-value"}}
_RESULT = "probe-result"
_WRITTEN = re.compile(r"(<[^<>|\s]+>\s*)" + re.escape(json.dumps(_CALL)))


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


def probe() -> list[dict[str, Any]]:
    """A conversation with a call and its result, to see how a chat template writes them."""
    return [
        {"role": "user", "content": "Hi"},
        {
            "role": "assistant",
            "content": "",
            "tool_calls": [{"type": "function", "function": _CALL}],
        },
        {"role": "tool", "name": _CALL["name"], "content": _RESULT},
    ]


def opening_of(rendered: str, tools: Sequence[Tool]) -> str:
    """What stands before the JSON of a call where a template wrote the probe; empty if it did not.

    That is so only if the tools, the call as `{"name": …, "arguments": …}` behind a mark, and the
    result all stand there.
    """
    written = _WRITTEN.search(rendered)
    told = all(tool.name in rendered for tool in tools)
    return written[1] if written and told and _RESULT in rendered[written.end() :] else ""


def instructions(tools: Iterable[Tool]) -> str:
    """What the system message says of the tools; empty if there are none."""
    functions = "\n".join(json.dumps(each, ensure_ascii=False) for each in described(tools))
    return _INSTRUCTIONS.format(functions=functions) if functions else ""


def as_written(role: str, text: str) -> str:
    """A message of the history as it stands in the prompt; nobody else can speak for a tool."""
    if role == "tool_call":
        return f"{OPENING}{text}\n</tool_call>"
    text = harmless(text)
    return f"<tool_response>\n{text}\n</tool_response>" if role == "tool_result" else text


def harmless(text: str) -> str:
    """Without the marks of calls and results, which are for models and templates to write."""
    return text.replace("<tool_", "< tool_").replace("</tool_", "< /tool_")


def before_mark(text: str, mark: str) -> tuple[str, str]:
    """What of the text can be spoken, and the rest: the mark, or what may become one."""
    whole = text.find(mark)
    if whole >= 0:
        return text[:whole], text[whole:]
    for length in range(min(len(text), len(mark) - 1), 0, -1):
        if mark.startswith(text[-length:]):
            return text[:-length], text[-length:]
    return text, ""


def call_schema(tools: Iterable[Tool]) -> Mapping[str, Any]:
    """JSON Schema of a call of any of the tools: nothing else can be written under it."""
    return {
        "oneOf": [
            {
                "type": "object",
                "properties": {"name": {"const": tool.name}, "arguments": _arguments(tool)},
                "required": ["name", "arguments"],
            }
            for tool in tools
        ]
    }


def _arguments(tool: Tool) -> Mapping[str, Any]:
    """Their schema, with a placeholder for each that must hold words of the caller's."""
    held = {name: {"const": PLACEHOLDER} for name in tool.quotes}
    properties = {**tool.parameters.get("properties", {}), **held}
    return {**tool.parameters, "properties": properties} if held else tool.parameters
