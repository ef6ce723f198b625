"""What a call of a tool looks like where a model wrote it as text: as JSON or as Python."""

import ast
import json
import re
from collections.abc import Collection, Iterator
from typing import Any, Literal

NAMES = ("name", "tool", "tool_name", "function", "function_name", "action", "recipient_name")
"""What the JSON of a call has the tool's name under."""
ARGUMENTS = ("arguments", "parameters", "args", "params", "kwargs", "input", "action_input",
             "tool_input")  # fmt: skip
"""What it has the arguments under."""
WRAPPERS = ("tool_calls", "tool_call", "function_call", "tool_uses")
_BESIDE = frozenset({"type", "id", "index", "thought", "reasoning"})
"""What may stand beside the name in a call without arguments."""

_ANY_NAME, _ANY_ARGUMENTS = "|".join(NAMES), "|".join(ARGUMENTS)
_LOOKS_LIKE_CALL = re.compile(
    rf"""["'](?:{_ANY_NAME})["']\s?:[^:]*["'](?:{_ANY_ARGUMENTS})["']\s?:"""
)
_MARK = re.compile(r"""[\\"'()\[\]{}]""")


class Balance:
    """Finds where a bracket is closed, in a text that grows.

    Args:
        start: where in the text the bracket is opened.
        quotes: marks between which brackets do not count.
    """

    def __init__(self, start: int, quotes: str) -> None:
        self._at, self._quotes = start, quotes
        self._depth = 0
        self._quote = ""

    def move(self, by: int) -> None:
        """So much of the text's beginning was dropped."""
        self._at -= by

    def closed(self, text: str) -> int | None:
        """The end behind the closing bracket; None: it is not there yet."""
        while mark := _MARK.search(text, self._at):
            char, end = mark[0], mark.end()
            if char == "\\":
                if end == len(text):
                    return None
                end += 1
            elif self._quote:
                self._quote = "" if char == self._quote else self._quote
            elif char in self._quotes:
                self._quote = char
            elif char in "([{":
                self._depth += 1
            elif char in ")]}":
                self._depth -= 1
            self._at = end
            if self._depth == 0 and char in ")]}" and not self._quote:
                return end
        self._at = len(text)
        return None


def value_of(text: str) -> Any:
    """What a JSON text, or the same as Python writes it, stands for; None if it is neither."""
    try:
        return json.loads(text, strict=False)
    except (ValueError, RecursionError):
        pass
    try:
        return ast.literal_eval(text.strip())
    except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
        return None


def calls_in(value: Any, known: Collection[str]) -> Iterator[tuple[str, Any]]:
    """Name and arguments of each call that a value of JSON stands for.

    Args:
        value: as `value_of` gives it.
        known: names of tools; a call of one need not say what its arguments are.
    """
    match value:
        case [*items]:
            for item in items:
                yield from calls_in(item, known)
        case {"function": dict() as function, **_others}:
            yield from calls_in(function, known)
        case dict():
            wrapped = [value[key] for key in WRAPPERS if isinstance(value.get(key), (dict, list))]
            if wrapped:
                yield from calls_in(wrapped, known)
            elif call := _call(value, known):
                yield call
        case _:
            pass


def _call(value: dict[Any, Any], known: Collection[str]) -> tuple[str, Any] | None:
    key = next((key for key in NAMES if isinstance(value.get(key), str)), None)
    if key is None:
        [*keys] = value
        if len(keys) == 1 and keys[0] in known and isinstance(value[keys[0]], dict):
            return keys[0], value[keys[0]]
        return None
    name = bare_name(value[key])
    given = next((each for each in ARGUMENTS if each in value and each != key), None)
    if given is not None:
        return name, value[given]
    others = {each: value[each] for each in value if each not in {key, *_BESIDE}}
    if name in known or not (others or known):
        return name, others
    return None


def bare_name(name: str) -> str:
    """A tool's name without what stands before it: `functions.book`."""
    return name.strip().rpartition(".")[2]


def is_call(text: str, known: Collection[str], kind: Literal["json", "python"]) -> bool:
    """Whether a whole text in brackets is one call, or a list of them."""
    if kind == "json":
        value = value_of(text)
        if value is None:
            return _LOOKS_LIKE_CALL.search(text) is not None
        return next(calls_in(value, known), None) is not None
    if named := re.match(r"[\w.]+(?=[\[{])", text):
        return value_of(text[named.end() :]) is not None
    nodes = python_calls(text)
    return bool(nodes) and all(called(node) in known or not node.args for node in nodes)


def python_calls(text: str) -> list[ast.Call]:
    """The calls that a text of Python makes; empty if it is no such text."""
    try:
        node = ast.parse(text.strip(), mode="eval").body
    except (ValueError, SyntaxError, MemoryError, RecursionError):
        return []
    nodes = node.elts if isinstance(node, (ast.List, ast.Tuple)) else [node]
    calls = [each for each in nodes if isinstance(each, ast.Call)]
    if len(calls) != len(nodes):
        return []
    if len(calls) == 1 and called(calls[0]) == "print":
        calls = [each for each in calls[0].args if isinstance(each, ast.Call)]
    return calls


def called(node: ast.Call) -> str:
    """The name of what is called: `book` in `functions.book(…)` and in `book.call(…)`."""
    path = ast.unparse(node.func).split(".")
    return path[-2] if len(path) > 1 and path[-1] in {"call", "invoke", "run"} else path[-1]
