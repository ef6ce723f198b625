"""What a terminal can show, and text fit for it: changes with the terminals supported.

Colour only ever repeats what a word or a shape says already.
"""

import unicodedata
from dataclasses import dataclass
from typing import Final

from rich.console import Console

from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos

MAX_WIDTH: Final = 140
"""Columns beyond which lines get harder to read, not easier."""

_ASCII: Final = str.maketrans(
    {
        "…": "...", "–": "-", "—": "-", "“": '"', "”": '"', "‘": "'", "’": "'", "≥": ">=",
        "≤": "<=", "→": "->", "×": "x", "·": "-", "µ": "u",
    }
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Screen:
    """One terminal's abilities."""

    width: int
    unicode: bool
    """Whether box and block characters can be shown."""
    styled: bool
    """Whether colour and strike-through can."""

    def text(self, text: str) -> str:
        """The text on one line, in characters that this terminal can show."""
        line = " ".join(text.split())
        line = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in line)
        if self.unicode:
            return line
        decomposed = unicodedata.normalize("NFKD", line.translate(_ASCII))
        kept = (c for c in decomposed if not unicodedata.combining(c))
        return "".join(kept).encode("ascii", "replace").decode()

    def pick(self, symbol: str, plain: str) -> str:
        """A symbol, or its stand-in where only ASCII can be shown."""
        return symbol if self.unicode else plain


def open_console(*, stderr: bool = False, record: bool = False) -> Console:
    """A console that prints every text as it is: names and words from outside may look like markup.

    Styles are given beside the text, or as `Text`.
    """
    return Console(stderr=stderr, record=record, markup=False, emoji=False, highlight=False)


def screen_of(console: Console) -> Screen:
    """What a console can show; NO_COLOR, TERM=dumb and pipes mean plain text."""
    dumb = console.is_dumb_terminal
    plain = console.no_color or dumb or console.color_system is None
    return Screen(
        width=min(console.width, MAX_WIDTH),
        unicode=not (dumb or console.options.ascii_only),
        styled=not plain,
    )


def milliseconds(nanos: float) -> str:
    """A duration for people: whole milliseconds, a tenth below ten."""
    ms = nanos / MILLISECOND
    return f"{ms:.1f} ms" if 0 < abs(ms) < 9.95 and ms != round(ms) else f"{ms:,.0f} ms"


def clock(moment: Nanos) -> str:
    """A moment of the call as minutes:seconds to a tenth."""
    tenths = round(moment / (SECOND // 10))
    return f"{tenths // 600}:{tenths % 600 / 10:04.1f}"
