"""What every screen and every panel of one has in common."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, TypeVar

from rich.style import Style
from rich.text import Span, Text
from textual.app import App
from textual.widgets import Static

from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import Nanos
from voicecli.foreign import one_line
from voicecli.report.screen import Screen, clean

_Result = TypeVar("_Result")


@dataclass(frozen=True, slots=True)
class Tick:
    """What a panel is told ten times a second."""

    entries: Sequence[Entry]
    """The journal's entries since the last time, in order."""
    now: Nanos
    """The moment of the journal's last entry: the screen has no clock of its own."""


class PlainApp(App[_Result]):
    """Textual's, with notices shown as they are: names, paths and errors from elsewhere."""

    def notify(self, message: str, **options: Any) -> None:
        """Textual's: show it for a while."""
        super().notify(one_line(message), markup=False, **options)


class Panel(Static):
    """A panel of the screen: takes entries, and draws itself again if they changed it."""

    _drawn: Text | None = None

    def take(self, tick: Tick) -> None:
        """Fold what is new."""
        raise NotImplementedError

    def picture(self, screen: Screen, height: int) -> Text:
        """The panel on a screen of `screen.width` by `height` cells."""
        raise NotImplementedError

    def redraw(self) -> None:
        """Show what has been folded."""
        size = self.content_size
        if size.width > 0 and size.height > 0:
            styled = not self.app.no_color
            picture = clean(self.picture(Screen(size.width, True, styled), size.height))
            if picture != self._drawn:
                self._drawn = picture
                # The style sheet says how large a panel is: no content asks for another layout.
                self.update(picture if styled else _colourless(picture), layout=False)

    def on_resize(self) -> None:
        """Textual's: the panel has another size."""
        self.redraw()


def _colourless(text: Text) -> Text:
    """The same in the terminal's own colour: as greys, red would be hard to read."""
    plain = text.copy()
    plain.spans = [
        Span(span.start, span.end, _style(span.style).without_color) for span in text.spans
    ]
    return plain


def _style(style: str | Style) -> Style:
    """A style by its definition."""
    return Style.parse(style) if isinstance(style, str) else style


def bar(share: float, cells: int, style: str) -> Text:
    """A meter of `cells` cells, `share` (0 to 1) of it filled."""
    halves = round(min(max(share, 0.0), 1.0) * cells * 2)
    full, half = divmod(halves, 2)
    text = Text().append("█" * full + "▌" * half, style)
    return text.append("·" * (cells - full - half), "dim")
