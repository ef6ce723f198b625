"""Writes docs/reference/cli.md, every command with its options, from the program's own help."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer
from typer.core import TyperGroup

from voicecli.cli import app

DOCUMENT = Path(__file__).parents[1] / "docs" / "reference" / "cli.md"
HEAD = """# Commands

What `voicecli COMMAND --help` says of each command. [Exit codes](exit-codes.md) are what the
numbers mean that a command ends with. This file is made by `make docs`; do not edit it.

"""
_COMMENT = re.compile(r"\s{2,}\((.*)\)$")


def drawn() -> str:
    """The whole document."""
    command = typer.main.get_command(app)
    return HEAD + "\n".join(_sections(command, typer.Context(command, info_name="voicecli")))


def _sections(command: Any, context: typer.Context) -> Iterator[str]:
    """Of a command, or of those below it."""
    if not isinstance(command, TyperGroup):
        yield _section(command, context)
        return
    for name, inner in command.commands.items():
        yield from _sections(inner, typer.Context(inner, parent=context, info_name=name))


def _section(command: Any, context: typer.Context) -> str:
    usage = " ".join([context.command_path, *command.collect_usage_pieces(context)])
    parts = [
        f"## {context.command_path}",
        *_help(command.help or ""),
        f"```text\nusage: {usage}\n```",
    ]
    for kind in ("argument", "option"):
        found = [p for p in command.get_params(context) if p.param_type_name == kind]
        rows = [_row(*record) for p in found if (record := p.get_help_record(context))]
        if rows:
            parts.append(f"| {kind} | |\n|---|---|\n" + "\n".join(rows))
    return "\n\n".join(parts) + "\n"


def _help(text: str) -> Iterator[str]:
    """The paragraphs; examples, which are indented, as one block of shell."""
    examples: list[str] = []
    for paragraph in text.split("\n\n"):
        if paragraph.startswith(" "):
            examples += [_COMMENT.sub(r"  # \1", line.strip()) for line in paragraph.split("\n")]
        elif paragraph.strip() != "Examples:":
            yield _plain(paragraph)
    if examples:
        yield "```sh\n" + "\n".join(examples) + "\n```"


def _row(names: str, about: str) -> str:
    return f"| `{_cell(names)}` | {_cell(_plain(about))} |"


def _plain(text: str) -> str:
    """Without the marks that keep Rich from taking brackets for its own."""
    return " ".join(text.replace("\\[", "[").split())


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


if __name__ == "__main__":
    DOCUMENT.write_text(drawn(), encoding="utf-8")
