"""`voicecli paths`: where everything lies that voicecli has put on this computer."""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

# Imports stand inside the functions: `voicecli --help` registers this module and must stay fast.
# ruff: noqa: PLC0415


def paths() -> None:
    """Show where weights and kept calls lie, how large they are, and how to remove them.

    Nothing is kept elsewhere but what you name yourself, such as `replay --out`. VOICECLI_HOME
    moves the data folder.
    """
    from voicecli.foreign import one_line
    from voicecli.models.files import megabytes
    from voicecli.paths import home, models_folder
    from voicecli.report.screen import Console
    from voicecli.report.whole_table import WholeTable
    from voicecli.shipped import PROFILES, RECORDINGS
    from voicecli.talk.record import calls_folder

    table = WholeTable(box=None, header_style="bold", pad_edge=False)
    for column in ("what", "where"):
        table.add_column(column, no_wrap=column == "what")
    table.add_column("size", justify="right", no_wrap=True)
    table.add_column("to remove it")
    for what, path, removal in (
        ("weights", models_folder(), "voicecli models remove NAME"),
        ("kept calls", calls_folder(), "voicecli recordings delete CALL"),
        ("all data", home(), "delete the folder"),
        ("profiles that ship", PROFILES, "comes with voicecli"),
        ("recordings that ship", RECORDINGS, "comes with voicecli"),
    ):
        size = megabytes(_bytes_in(path)) if path.is_dir() else "not there"
        table.add_row(what, one_line(path), size, removal)
    Console().print(table, crop=False)


def _bytes_in(folder: "Path") -> int:
    files = (path for path in folder.rglob("*") if path.is_file() and not path.is_symlink())
    return sum(path.stat().st_size for path in files)
