"""Writes what docs/reference/journal.md says of the lines, from the core's own dataclasses."""

import ast
import inspect
import textwrap
from collections.abc import Iterator
from pathlib import Path
from typing import get_args

from pipelines.turn_taking.commands import Command
from pipelines.turn_taking.decisions import Decision
from pipelines.turn_taking.events import Event
from voicecli.profile_keys import field_docs
from voicecli.recording.journal import VERSION

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "journal.md"
BEGIN, END = "<!-- entries: begin -->", "<!-- entries: end -->"


def drawn() -> str:
    """Every event, command and decision with its fields."""
    commands = [kind for kind in get_args(Command) if kind not in get_args(Decision)]
    parts = [
        *_chapter("Events", "What happened; written with the key `event`.", get_args(Event)),
        *_chapter("Commands", "What the core asked for; with the key `command`.", commands),
        *_chapter(
            "Decisions",
            "What the core decided where nothing need be done; with the key `command`, too.",
            get_args(Decision),
        ),
    ]
    version = f"The lines of a journal of version {VERSION}.\n"
    return "\n".join([BEGIN, "", version, *parts]) + f"\n{END}"


def replaced(document: str) -> str:
    """The document with fresh tables between its marks."""
    before, _, rest = document.partition(BEGIN)
    _, _, after = rest.partition(END)
    return before + drawn() + after


def _chapter(title: str, about: str, kinds: tuple[type, ...] | list[type]) -> Iterator[str]:
    yield f"## {title}\n\n{about}\n"
    for kind in kinds:
        yield f"### `{kind.__name__}`\n\n{_summary(kind)}\n"
        docs = field_docs(kind)
        rows = [
            f"| `{name}` | `{_cell(annotation)}` | {_cell(docs.get(name, ''))} |"
            for name, annotation in _fields(kind)
            if name != "at"
        ]
        if rows:
            yield "| field | type | |\n|---|---|---|\n" + "\n".join(rows) + "\n"


def _fields(kind: type) -> Iterator[tuple[str, str]]:
    """Names and types, as its source has them."""
    [declared] = ast.parse(textwrap.dedent(inspect.getsource(kind))).body
    for node in getattr(declared, "body", []):
        if isinstance(node, ast.AnnAssign) and isinstance(node.target, ast.Name):
            annotation = ast.unparse(node.annotation)
            if "ClassVar" not in annotation:
                yield node.target.id, annotation


def _summary(kind: type) -> str:
    return " ".join((inspect.getdoc(kind) or "").split("\n\n")[0].split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(replaced(DOCUMENT.read_text(encoding="utf-8")), encoding="utf-8")
