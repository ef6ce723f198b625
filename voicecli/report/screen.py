"""What a terminal can show, and text fit for it.

Colour only ever repeats what a word or a shape says already.
"""

import unicodedata
from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any, Final

import rich.console
from rich.console import ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.foreign import one_line, visible

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
        shown = one_line(" ".join(text.split()))
        if self.unicode:
            return shown
        decomposed = unicodedata.normalize("NFKD", shown.translate(_ASCII))
        kept = (c for c in decomposed if not unicodedata.combining(c))
        return "".join(kept).encode("ascii", "replace").decode()

    def pick(self, symbol: str, plain: str) -> str:
        """A symbol, or its stand-in where only ASCII can be shown."""
        return symbol if self.unicode else plain


def clean(text: Text) -> Text:
    """The same styled text, visible; as long, so that the styles stay where they are."""
    if not text.plain.isprintable():
        text = text.copy()
        text.plain = visible(text.plain)
    return text


class Console(rich.console.Console):
    """Rich's, for words of others: no markup, emoji or highlights, and only what is `visible`.

    The codes for colours come after that, from styles: they are ours.
    """

    def __init__(self, **options: Any) -> None:
        super().__init__(**{"markup": False, "emoji": False, "highlight": False, **options})

    def render(
        self, renderable: RenderableType, options: ConsoleOptions | None = None
    ) -> Iterable[Segment]:
        """Rich's: everything that is printed, drawn again and again, or exported comes by here."""
        for segment in super().render(renderable, options):
            text, style, control = segment
            yield segment if control or text.isprintable() else Segment(visible(text), style)


def screen_of(console: rich.console.Console) -> Screen:
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
