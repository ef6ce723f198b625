"""Writes docs/reference/python.md, the Python interface, from signatures and docstrings."""

import ast
import inspect
import re
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import voicecli

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "python.md"
HEAD = """# Python interface

`from voicecli import NAME`; each name is loaded when it is first used. How to use them:
[from Python](../how-to/python.md). This file is made by `make docs`; do not edit it.

"""
_SECTION = re.compile(r"^(Args|Returns|Raises):$", re.M)


def drawn() -> str:
    """The whole document."""
    return HEAD + "\n".join(part for name in voicecli.__all__ for part in _entry(name))


def _entry(name: str) -> Iterator[str]:
    thing = getattr(voicecli, name)
    if not inspect.isclass(thing):
        yield f"## `{name}`\n\n{_signature(thing)}\n{_text(thing)}"
        return
    yield f"## `{name}`\n\n{_text(thing)}"
    for field, annotation, about in _fields(thing):
        yield f"- `{field}: {annotation}`{': ' if about else ''}{about}"
    yield ""
    for method in vars(thing).values():
        function = method.fget if isinstance(method, property) else method
        shown = inspect.isfunction(function) and function.__module__ == thing.__module__
        if shown and not function.__name__.startswith("_"):
            yield f"### `{name}.{function.__name__}`\n\n{_signature(function)}\n{_text(function)}"


def _signature(function: Any) -> str:
    """As its source has it: with the names of types, not what they stand for."""
    found: Any = ast.parse(textwrap.dedent(inspect.getsource(function))).body[0]
    given = [ast.unparse(each) for each in found.decorator_list if ast.unparse(each) == "property"]
    returns = f" -> {ast.unparse(found.returns)}" if found.returns else ""
    lines = [*(f"@{each}" for each in given), f"{found.name}({ast.unparse(found.args)}){returns}"]
    return "```text\n" + "\n".join(lines) + "\n```\n"


def _fields(kind: type) -> Iterator[tuple[str, str, str]]:
    """Public attributes that a class declares: name, type, docstring below it."""
    [declared] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    body = getattr(declared, "body", [])
    for node, after in zip(body, [*body[1:], None], strict=True):
        if not (isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name)):
            continue
        annotation = ast.unparse(node.annotation)
        if node.target.id.startswith("_") or "ClassVar" in annotation:
            continue
        about = ""
        if isinstance(after, ast.Expr) and isinstance(after.value, ast.Constant):
            about = " ".join(str(after.value.value).split())
        yield node.target.id, annotation, about


def _text(thing: Any) -> str:
    """The docstring; its lists of arguments and errors as lists."""
    first, *sections = _SECTION.split(inspect.getdoc(thing) or "")
    parts = [_flowing(first)]
    for title, body in zip(sections[::2], sections[1::2], strict=True):
        parts.append(f"{title}:\n" if title != "Returns" else "")
        parts.extend(_items(textwrap.dedent(body).strip("\n"), title))
    return "\n".join(part for part in parts if part) + "\n"


def _items(body: str, title: str) -> Iterator[str]:
    if title == "Returns":
        yield f"Returns: {' '.join(body.split())}\n"
        return
    for item in re.split(r"\n(?=\S)", body):
        name, _, about = " ".join(item.split()).partition(": ")
        yield f"- `{name}`: {about}"
    yield ""


def _flowing(text: str) -> str:
    return "\n\n".join(" ".join(part.split()) for part in text.strip().split("\n\n")) + "\n"


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(), encoding="utf-8")
