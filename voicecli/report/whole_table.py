"""A table of which nothing is lost, however narrow the terminal, and with whole rows in a pipe."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Console, ConsoleOptions, RenderableType, RenderResult
from rich.measure import Measurement
from rich.segment import Segment
from rich.table import Column, Table

from voicecli.foreign import one_line

_UNBOUNDED = 10_000
_ENOUGH = 24
"""Columns in which text can be read that is wrapped."""


class WholeTable(Table):
    """Rich's table, which squeezes columns until some vanish, but for that.

    On a terminal too narrow for all of it, texts are wrapped; if that does not do, the columns go
    into several tables one under the other, each beginning with the first column, which names the
    rows. Columns to the right are numbers, and never wrapped. In a pipe every row is one line.
    Print it with `crop=False`: a pipe has a width too.
    """

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        if not console.is_terminal:
            yield from _one_line_a_row(console, options, self)
            return
        blocks = list(self._blocks(console, options))
        if len(blocks) == 1:
            yield from super().__rich_console__(console, options)
            return
        for number, columns in enumerate(blocks):
            if number:
                yield ""
            yield _part(self, columns)

    def add_column(self, header: RenderableType = "", *args, **kwargs) -> None:
        """As Rich's; numbers are not wrapped."""
        if kwargs.get("justify") == "right":
            kwargs.setdefault("no_wrap", True)
        super().add_column(_on_one_line(header), *args, **kwargs)

    def add_row(self, *cells: RenderableType | None, **kwargs) -> None:
        """As Rich's; a text is one line, whatever is in it."""
        super().add_row(*map(_on_one_line, cells), **kwargs)

    def _blocks(self, console: Console, options: ConsoleOptions) -> Iterator[list[Column]]:
        """As many columns side by side as there is room for; the first is in all of them."""
        padding = self.padding[1] + self.padding[3]
        first, *others = self.columns
        least = _least(first, console, options) + padding
        block, taken = [first], least
        for column in others:
            needed = _least(column, console, options) + padding
            if len(block) > 1 and taken + needed > options.max_width:
                yield block
                block, taken = [first], least
            block.append(column)
            taken += needed
        yield block


def _on_one_line(cell: Any) -> Any:
    return one_line(cell) if isinstance(cell, str) else cell


def _least(column: Column, console: Console, options: ConsoleOptions) -> int:
    """The width that a column needs so that nothing is cut off, and little is wrapped."""
    whole = options.update(width=_UNBOUNDED)
    cells = [Measurement.get(console, whole, cell) for cell in (column.header, *column.cells)]
    most, longest_word = max(c.maximum for c in cells), max(c.minimum for c in cells)
    wrapped = most if column.no_wrap else max(min(most, _ENOUGH), longest_word)
    return max(wrapped, column.min_width or 0)


def _part(table: Table, columns: Sequence[Column]) -> Table:
    """The same rows with some of the columns."""
    part = Table(box=table.box, padding=table.padding, pad_edge=table.pad_edge)
    part.header_style = table.header_style
    for column in columns:
        part.add_column(column.header, justify=column.justify, no_wrap=column.no_wrap)
    for cells in zip(*(column.cells for column in columns), strict=True):
        part.add_row(*cells)
    return part


def _one_line_a_row(console: Console, options: ConsoleOptions, table: Table) -> RenderResult:
    plain = _part(table, table.columns)
    for line in console.render_lines(plain, options.update(width=_UNBOUNDED), pad=False):
        text = "".join(segment.text for segment in line).rstrip()
        yield Segment(text)
        yield Segment.line()
