"""Makes a tool of a Python function: what models are told of it, and how its arguments are read."""

import inspect
import re
from collections.abc import Callable, Mapping
from typing import Any, Final

from pydantic import TypeAdapter, ValidationError
from pydantic.errors import PydanticUserError
from pydantic_core import PydanticSerializationError, to_json

from pipelines.engines.tools import Tool
from pipelines.turn_taking.events import ToolEffect

_PARAMETER: Final = re.compile(r"^\s{2,}(\w+)(?:\s*\(.*?\))?:\s*(.+)$")
_QUOTED: Final = "words of the caller's last message, exactly; empty if it has none"
_SECTION: Final = re.compile(r"^(Args|Arguments|Returns|Raises|Yields|Examples?):\s*$")


def tool_of(
    function: Callable[..., Any],
    effect: ToolEffect = "acts",
    timeout_s: float | None = None,
    *,
    return_direct: bool = False,
) -> Tool:
    """The tool that calls this function.

    Raises:
        ValueError: it has no docstring, or a parameter without a type hint or with one that JSON
            cannot carry; says which.
    """
    name = function.__name__
    _check(function)
    adapter, schema = _reader(function)
    summary, parameters = _described(inspect.getdoc(function) or "")
    for parameter, what in parameters.items():
        if parameter in schema["properties"]:
            schema["properties"][parameter].setdefault("description", what)
    quotes = [name for name, each in schema["properties"].items() if each.get("format") == "quote"]
    for parameter in quotes:
        del schema["properties"][parameter]["format"]
        schema["properties"][parameter].setdefault("description", _QUOTED)
    return Tool(
        name,
        summary,
        schema,
        lambda arguments: _answer(adapter, arguments),
        effect,
        round((timeout_s or 0) * 1000),
        quotes=frozenset(quotes),
        return_direct=return_direct,
    )


def _check(function: Callable[..., Any]) -> None:
    name = function.__name__
    if inspect.iscoroutinefunction(function):
        raise ValueError(f"{name} is async; write `def`: it runs on a thread of its own")
    if not (inspect.getdoc(function) or "").strip():
        raise ValueError(f"{name} has no docstring: the model would not know what it does")
    for parameter in inspect.signature(function).parameters.values():
        if parameter.kind not in {parameter.POSITIONAL_OR_KEYWORD, parameter.KEYWORD_ONLY}:
            raise ValueError(f"{name}: parameter {parameter} cannot be named by a model")
        if parameter.annotation is parameter.empty:
            raise ValueError(f"{name}: parameter {parameter.name} has no type hint")


def _reader(function: Callable[..., Any]) -> tuple[TypeAdapter[Any], dict[str, Any]]:
    """What reads JSON arguments and calls the function, and the schema of the arguments."""
    try:
        annotated: Any = function
        adapter: TypeAdapter[Any] = TypeAdapter(annotated)
        schema = adapter.json_schema()
        return adapter, _inlined(schema, schema.get("$defs", {}))
    except (PydanticUserError, NameError, RecursionError) as error:
        what = str(error).splitlines()[0].removesuffix(".")
        raise ValueError(
            f"{function.__name__}: a type hint cannot be made JSON: {what}; use str, int, float, "
            "bool, date, time, Literal, Enum, or lists of those"
        ) from None


def without_references(schema: Mapping[str, Any]) -> dict[str, Any]:
    """A schema from elsewhere as `Tool.parameters` has it; ValueError says why it cannot be."""
    try:
        return _inlined(schema, schema.get("$defs", {}))
    except (KeyError, AttributeError, TypeError, RecursionError):
        raise ValueError("its parameters refer to what is not there, or to themselves") from None


def _inlined(node: Any, definitions: Mapping[str, Any]) -> Any:
    """The schema without references and titles, which only cost a model's attention."""
    if isinstance(node, list):
        return [_inlined(item, definitions) for item in node]
    if not isinstance(node, dict):
        return node
    if "$ref" in node:
        target = definitions[node["$ref"].rpartition("/")[2]]
        rest = {key: value for key, value in node.items() if key != "$ref"}
        return _inlined({**target, **rest}, definitions)
    kept = {key: value for key, value in node.items() if key != "$defs"}
    if not isinstance(kept.get("title"), dict):  # a parameter may be called so
        kept.pop("title", None)
    return {key: _inlined(value, definitions) for key, value in kept.items()}


def _described(docstring: str) -> tuple[str, dict[str, str]]:
    """The docstring up to its sections, and what its Args section says of each parameter."""
    summary: list[str] = []
    parameters: dict[str, str] = {}
    section = ""
    for line in docstring.splitlines():
        if heading := _SECTION.match(line):
            section = heading[1]
        elif not section:
            summary.append(line.strip())
        elif section.startswith("Arg") and (found := _PARAMETER.match(line)):
            parameters[found[1]] = found[2].strip()
    return " ".join(filter(None, summary)), parameters


def _answer(adapter: TypeAdapter[Any], arguments: str) -> str:
    """Call the function with JSON arguments; what it gives, as text."""
    if not arguments.lstrip().startswith("{"):
        raise ValueError(f"the arguments are no JSON object: {arguments[:80]}")
    try:
        result = adapter.validate_json(arguments)
    except ValidationError as error:
        problems = [
            f"{'.'.join(map(str, problem['loc'])) or 'arguments'}: {problem['msg']}"
            for problem in error.errors(include_url=False)
        ]
        raise ValueError("; ".join(problems)) from None
    if result is None:
        return "done"
    if isinstance(result, str):
        return result
    try:
        return to_json(result).decode()
    except PydanticSerializationError:
        return str(result)
