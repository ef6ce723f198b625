"""`voicecli recordings`: makes and lists labelled calls; changes with these verbs' surface."""

from pathlib import Path
from typing import Annotated

import typer

app = typer.Typer(help="Labelled synthetic calls: make, list.", no_args_is_help=True)

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415

Folder = Annotated[
    Path | None,
    typer.Option(metavar="DIR", help="Where the calls are; those that ship if left out."),
]


@app.command()
def make(
    names: Annotated[
        list[str] | None, typer.Argument(metavar="NAME…", help="Calls to make; all if left out.")
    ] = None,
    folder: Folder = None,
) -> None:
    """Speak each DIR/NAME/call.toml into caller.flac and labels.json beside it."""
    from voicecli.recording.synthetic import make_recordings

    for path in make_recordings(folder or _shipped(), names or ()):
        print(path)


@app.command("list")
def list_recordings(folder: Folder = None) -> None:
    """Show every labelled call: length, turns, what it is about."""
    import soundfile
    from rich.console import Console
    from rich.table import Table

    from voicecli.errors import InputError
    from voicecli.recording.call_script import read_script
    from voicecli.recording.labels import read_labels
    from voicecli.recording.synthetic import AUDIO, LABELS, SCRIPT

    table = Table("name", box=None, header_style="bold")
    for column in ("seconds", "turns"):
        table.add_column(column, justify="right")
    table.add_column("what it is")
    scripts = sorted((folder or _shipped()).glob(f"*/{SCRIPT}"))
    if not scripts:
        raise InputError(f"{folder} holds no labelled calls (NAME/{SCRIPT}).")
    for script in scripts:
        seconds = turns = "not made"
        if script.with_name(AUDIO).is_file() and script.with_name(LABELS).is_file():
            seconds = f"{soundfile.info(script.with_name(AUDIO)).duration:.0f}"
            turns = str(len(read_labels(script.with_name(LABELS)).turns))
        table.add_row(script.parent.name, seconds, turns, read_script(script).description)
    Console(highlight=False).print(table)


def _shipped() -> Path:
    # Beside the package, in a clone as in an installation.
    return Path(__file__).parents[2] / "recordings"
