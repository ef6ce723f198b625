"""A table on screens of several widths, and in a pipe."""

import io

import pytest
from rich.console import Console

from voicecli.report.whole_table import WholeTable

PROFILES = ("naive", "streaming", "semantic", "overlapped", "speculative")


def table() -> WholeTable:
    made = WholeTable(box=None)
    made.add_column("")
    for name in PROFILES:
        made.add_column(name, justify="right")
    made.add_column("what it is")
    for row in ("answer after p50", "stopped by backchannel or noise"):
        numbers = [f"{row[0]}{number},234 ms" for number, _ in enumerate(PROFILES)]
        made.add_row(row, *numbers, f"a long text of many words about {row}")
    return made


def printed(width: int, *, terminal: bool) -> list[str]:
    file = io.StringIO()
    console = Console(file=file, width=width, force_terminal=terminal, color_system=None)
    console.print(table(), crop=False)
    return file.getvalue().splitlines()


@pytest.mark.parametrize("width", [200, 120, 80, 60, 40])
def test_no_column_is_lost_or_cut_and_no_line_too_long(width):
    lines = printed(width, terminal=True)
    assert all(len(line.rstrip()) <= width for line in lines)
    words = " ".join(lines).split()
    for name in (*PROFILES, "a0,234", "a4,234", "s0,234", "s4,234"):
        assert words.count(name) == 1
    assert {"backchannel", "noise", "answer", "words", "many"} <= set(words)


def test_columns_that_do_not_fit_come_below_beside_the_names_of_the_rows():
    text = "\n".join(printed(80, terminal=True))
    blocks = text.split("\n\n")
    assert len(blocks) > 1
    assert all("answer after p50" in block for block in blocks)


def test_in_a_pipe_each_row_is_one_line_whatever_the_width():
    lines = printed(40, terminal=False)
    assert len(lines) == 3
    assert lines[0].split() == [*PROFILES, "what", "it", "is"]
    assert lines[2].endswith("about stopped by backchannel or noise")
