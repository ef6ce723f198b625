"""Bars over a time axis."""

from bisect import bisect_left
from dataclasses import dataclass
from typing import Final

from rich.text import Text

from pipelines.turn_taking.time import MILLISECOND, Nanos, from_ms
from voicecli.report.screen import Screen, milliseconds

LABEL: Final = 16
NUMBER: Final = 9
_INDENT: Final = 2
_SCALES_MS: Final = (250, 600, 1000, 1600, 2500, 4000, 6000)


@dataclass(frozen=True, slots=True)
class Bands:
    """Latencies told apart: up to each limit, and beyond the last, a name and a style."""

    limits: tuple[Nanos, ...]
    names: tuple[str, ...]
    styles: tuple[str, ...]

    def name(self, latency: Nanos) -> str:
        """What people call this latency."""
        return self.names[bisect_left(self.limits, latency)]

    def style(self, latency: Nanos) -> str:
        """How it is coloured."""
        return self.styles[bisect_left(self.limits, latency)]


VOICE_TO_VOICE: Final = Bands(
    limits=(from_ms(500) - 1, from_ms(800), from_ms(1500)),
    names=("natural", "acceptable", "delayed", "broken"),
    styles=("green", "yellow", "red", "bold magenta"),
)
"""DESIGN's bands: natural < 500 ms, acceptable ≤ 800, delayed > 800, broken > 1500."""

BARGE_IN: Final = Bands(
    limits=(from_ms(200), from_ms(500)),
    names=("prompt", "slow", "too slow"),
    styles=("green", "yellow", "red"),
)


@dataclass(frozen=True, slots=True)
class Axis:
    """Maps time to columns of a screen."""

    longest: Nanos
    bands: Bands
    screen: Screen

    @property
    def cells(self) -> int:
        """Columns for the bar itself."""
        return self.screen.width - _INDENT - LABEL - NUMBER - 2

    @property
    def full(self) -> Nanos:
        """The time at the right end: one of few scales, so that most turns can be compared."""
        fits = (scale for scale in _SCALES_MS if from_ms(scale) >= self.longest)
        return from_ms(scale) if (scale := next(fits, None)) else self.longest

    def ruler(self) -> Text:
        """The line above the bars that names the limits of the bands."""
        line = " " * self.cells
        for nanos in (0, *self.bands.limits):
            text = f"{nanos / MILLISECOND:.0f}"
            column = max(0, min(self._cell(nanos) - len(text) // 2, self.cells - len(text)))
            if nanos <= self.full:
                line = line[:column] + text + line[column + len(text) :]
        return self._line("", "ms", Text(line, "dim"))

    def row(self, label: str, start: Nanos, end: Nanos, *, thin: bool = False) -> Text:
        """One labelled bar from `start` to `end`; `thin` for totals."""
        bar = Text()
        first, last = self._half(start), self._half(end)
        if end > start and first == last:
            first, last = (first, first + 1) if first < 2 * self.cells else (first - 1, first)
        guides = {self._cell(limit) for limit in self.bands.limits if limit < self.full}
        for cell in range(self.cells):
            left, right = (first <= half < last for half in (2 * cell, 2 * cell + 1))
            middle = (2 * cell + 1) * self.full // (2 * self.cells)
            if left or right:
                bar.append(self._block(left=left, right=right, thin=thin), self._style(middle, end))
            elif end == start and cell == min(first // 2, self.cells - 1):
                bar.append(self.screen.pick("·", "."), "dim")
            elif cell in guides:
                bar.append(self.screen.pick("┊", ":"), "dim")
            else:
                bar.append(" ")
        return self._line(label, milliseconds(end - start), bar)

    def _style(self, middle: Nanos, end: Nanos) -> str:
        return self.bands.style(min(middle, end))

    def _block(self, *, left: bool, right: bool, thin: bool) -> str:
        if thin:
            return self.screen.pick("━", "=")
        symbol = "█" if left and right else "▌" if left else "▐"
        return self.screen.pick(symbol, "#")

    def _half(self, moment: Nanos) -> int:
        return round(min(moment, self.full) * 2 * self.cells / self.full)

    def _cell(self, moment: Nanos) -> int:
        return min(self._half(moment) // 2, self.cells - 1)

    def _line(self, label: str, number: str, bar: Text) -> Text:
        head = f"{'':{_INDENT}}{label:<{LABEL}}{number:>{NUMBER}}  "
        return Text(head, no_wrap=True, overflow="crop").append_text(bar)
