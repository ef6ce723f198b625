"""Calls of tools that a model wrote into its text, in whatever protocol it was trained on."""

import ast
import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from pipelines.engines.call_text import Balance, bare_name, called, calls_in, python_calls, value_of
from pipelines.engines.remarks import remark
from pipelines.engines.tools import Tool, ToolRequest

EXCERPT = 160
_LONGEST = 8000
_PARAMETER = re.compile(
    r"<[^<>]{0,40}\b(?:parameter|param|arg)(?:=|\s[^<>]{0,40}?name=)[\"']?(?P<name>[\w.-]{1,60})"
    r"[^<>]{0,60}>(?P<value>[^<]{0,2000})</"
    r"|<arg_key>(?P<key>[^<]{1,60})</arg_key>\s*<arg_value>(?P<of_key>[^<]{0,2000})</arg_value>"
    r"|<(?P<tag>\w{1,60})>(?P<inside>[^<]{0,2000})</(?P=tag)>"
)
"""`<parameter=day>`, `<parameter name="day">`, `<arg_key>day</arg_key>`, `<day>`."""
_KINDS = {
    "string": (str,), "integer": (int,), "number": (int, float), "boolean": (bool,),
    "array": (list,), "object": (dict,),
}  # fmt: skip
_OPENS = re.compile(r"[\[{]")
_TAG = re.compile(r"<[^<>]{0,300}>|`{3}\w{0,20}")


def requested_in_text(written: Iterable[str], tools: Sequence[Tool]) -> list[ToolRequest]:
    """What of the calls can be run: those of tools that there are, whose arguments fit the schema.

    The others are remarked. None is asked for twice.

    Args:
        written: calls as the model wrote them, with their marks (`Markup.calls`).
        tools: those that it was told of.
    """
    by_name = {tool.name: tool for tool in tools}
    requests: list[ToolRequest] = []
    for text in written:
        named = list(_named(text[:_LONGEST], by_name))
        fitting = [
            ToolRequest(name, json.dumps(arguments, ensure_ascii=False))
            for name, arguments in named
            if name in by_name and _fits(arguments, by_name[name])
        ]
        requests += [each for each in dict.fromkeys(fitting) if each not in requests]
        if not fitting and text.strip():
            remark(f"the model wrote a tool call that cannot be run: {text.strip()[:EXCERPT]}")
    return requests


def _fits(arguments: Any, tool: Tool) -> bool:
    """Whether all that must be there is, nothing else is, and is of the right kind.

    No more: the tool itself reads them strictly.
    """
    if not isinstance(arguments, dict):
        return False
    properties = tool.parameters.get("properties", {})
    return (
        arguments.keys() >= set(tool.parameters.get("required", ()))
        and arguments.keys() <= properties.keys()
        and all(_is_of(value, properties[name]) for name, value in arguments.items())
    )


def _is_of(value: Any, schema: Mapping[str, Any]) -> bool:
    if "enum" in schema and value not in schema["enum"]:
        return False
    kinds = _KINDS.get(schema.get("type", ""), (object,))
    return isinstance(value, kinds) and (bool in kinds or not isinstance(value, bool))


def _named(text: str, tools: Mapping[str, Tool]) -> Iterator[tuple[str, Any]]:
    """Name and arguments of each call in a text, which holds nothing but calls and their marks."""
    found = False
    for start, value in _values(text):
        calls = list(calls_in(value, tools))
        if not calls and (name := _last_named(text[:start], tools)):
            calls = [(name, value)]
        for name, arguments in calls:
            found = True
            yield name, value_of(arguments) if isinstance(arguments, str) else arguments
    if found:
        return
    for start, name in _places(text, tools):
        inside = text[start + len(name) :]
        if arguments := _of_tags(inside, tools[name]):
            yield name, arguments
        elif call := re.match(r"(?:\.call|\.invoke|\.run)?\(", inside):
            end = Balance(start + len(name) + call.end() - 1, "\"'").closed(text)
            for node in python_calls(text[start:end]):
                yield called(node), _of_python(node, tools[name])
        elif bare_name(_TAG.sub(" ", text).replace("Action Input:", "")) == name:
            yield name, {}


def _values(text: str) -> Iterator[tuple[int, Any]]:
    """The objects and lists of JSON in a text, with where they begin."""
    at = 0
    while opened := _OPENS.search(text, at):
        quotes = "\"'" if re.match(r"[\[{\s]*'", text[opened.start() :]) else '"'
        end = Balance(opened.start(), quotes).closed(text)
        value = value_of(text[opened.start() : end]) if end else None
        if isinstance(value, (dict, list)):
            yield opened.start(), value
        at = end if end and value is not None else opened.end()


def _places(text: str, tools: Mapping[str, Tool]) -> list[tuple[int, str]]:
    """Where the names of tools stand in it."""
    names = "|".join(re.escape(name) for name in sorted(tools, key=len, reverse=True))
    if not names:
        return []
    return [
        (each.start(), each[0]) for each in re.finditer(rf"(?<![\w-])(?:{names})(?![\w-])", text)
    ]


def _last_named(text: str, tools: Mapping[str, Tool]) -> str:
    places = _places(text, tools)
    return places[-1][1] if places else ""


def _of_tags(text: str, tool: Tool) -> dict[str, Any]:
    properties = tool.parameters.get("properties", {})
    arguments: dict[str, Any] = {}
    for each in _PARAMETER.finditer(text):
        name = each["name"] or each["key"] or each["tag"]
        written = (each["value"] or each["of_key"] or each["inside"] or "").strip()
        if name.strip() in properties:
            arguments[name.strip()] = _typed(written, properties[name.strip()])
    return arguments


def _typed(written: str, schema: Mapping[str, Any]) -> Any:
    """The value that a text stands for, where all values are written as text."""
    if schema.get("type") == "string" or "enum" in schema:
        return written
    value = value_of(written)
    return written if value is None else value


def _of_python(node: ast.Call, tool: Tool) -> dict[str, Any] | None:
    names = list(tool.parameters.get("properties", {}))
    try:
        given = dict(zip(names, map(ast.literal_eval, node.args), strict=False))
        return given | {each.arg or "": ast.literal_eval(each.value) for each in node.keywords}
    except ValueError:
        return None
