"""The comparison on a terminal: one column a variant, then the turns in which they differ."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from rich.console import Console, ConsoleOptions, RenderResult

from pipelines.latency import distribution
from voicecli.compare.truth import Kind, Outcome
from voicecli.report.call_report import CallReport
from voicecli.report.metrics import turns_of, wer_of
from voicecli.report.screen import clock, milliseconds
from voicecli.report.whole_table import WholeTable


@dataclass(frozen=True, slots=True)
class Variant:
    """One profile's run over all calls."""

    name: str
    calls: Sequence[CallReport]
    outcomes: Sequence[Outcome]

    def count(self, *kinds: Kind) -> int:
        """How many labelled turns ended so."""
        return sum(outcome.kind in kinds for outcome in self.outcomes)

    def latency(self, kind: Kind, statistic: str) -> float | None:
        """p50, p95 or max, in nanoseconds, of the turns that ended so."""
        values = [o.latency for o in self.outcomes if o.kind == kind and o.latency is not None]
        found = distribution(values)
        return None if found is None else getattr(found, statistic)


Figure = Callable[[Variant], str]


_ENDS = ("end_of_turn", None)


def _ms(kind: Kind, statistic: str) -> Figure:
    def figure(variant: Variant) -> str:
        value = variant.latency(kind, statistic)
        return "-" if value is None else milliseconds(value)

    return figure


def _of(*kinds: Kind, out_of: Sequence[Kind]) -> Figure:
    def figure(variant: Variant) -> str:
        total = variant.count(*out_of)
        return f"{variant.count(*kinds)} of {total}" if total else "-"

    return figure


def _missed(variant: Variant) -> str:
    ends = sum(o.label.takes_floor and o.label.intent in _ENDS for o in variant.outcomes)
    return f"{variant.count('missed')} of {ends}" if ends else "-"


def _wer(variant: Variant) -> str:
    wer = wer_of(variant.calls)
    return "-" if wer is None else f"{wer:.1%}"


def _dropped(variant: Variant) -> str:
    turns = turns_of(variant.calls)
    dropped = sum(turn.speculations_dropped for turn in turns)
    begun = dropped + sum(turn.speculations_kept for turn in turns)
    return f"{dropped} of {begun}" if begun else "0"


def _spent(variant: Variant) -> str:
    """Per turn, as the budget has it."""
    spent = [turn.spent for turn in turns_of(variant.calls)]
    return milliseconds(sum(spent) / len(spent)) if spent else "-"


def _saved(variant: Variant) -> str:
    found = distribution(turn.saved for turn in turns_of(variant.calls) if turn.spans)
    return "-" if found is None else milliseconds(found.p50)


_FLOOR: tuple[Kind, ...] = ("answered", "missed", "cut in", "held")
FIGURES: dict[str, Figure] = {
    "answer after p50": _ms("answered", "p50"),
    "answer after p95": _ms("answered", "p95"),
    "cut-ins": _of("cut in", out_of=_FLOOR),
    "missed ends": _missed,
    "interruptions that stop it": _of("stopped", out_of=("stopped", "not stopped")),
    "silent after p50": _ms("stopped", "p50"),
    "silent after p95": _ms("stopped", "p95"),
    "stopped by backchannel or noise": _of("stopped for it", out_of=("stopped for it", "ignored")),
    "replies made in vain": _dropped,
    "computing in vain, per turn": _spent,
    "saved by working ahead, p50": _saved,
    "WER": _wer,
}
"""Rows of the table, from the labels' point of view."""


class Comparison:
    """The variants side by side, as a rich renderable."""

    def __init__(self, variants: Sequence[Variant]) -> None:
        self._variants = variants

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = WholeTable(box=None, header_style="bold")
        table.add_column("")
        for variant in self._variants:
            table.add_column(variant.name, justify="right")
        for name, figure in FIGURES.items():
            table.add_row(name, *(figure(variant) for variant in self._variants))
        yield table
        differing = self._differing()
        if differing.row_count:
            yield ""
            yield differing

    def _differing(self) -> WholeTable:
        table = WholeTable(box=None, header_style="bold")
        table.add_column("turns that differ")
        for variant in self._variants:
            table.add_column(variant.name)
        for outcomes in zip(*(variant.outcomes for variant in self._variants), strict=True):
            if len({outcome.kind for outcome in outcomes}) > 1:
                label = outcomes[0].label
                where = f"{outcomes[0].call} {clock(round(label.start_s * 1e9))} “{label.text}”"
                table.add_row(where, *(_shown(outcome) for outcome in outcomes))
        return table


def _shown(outcome: Outcome) -> str:
    if outcome.latency is None:
        return outcome.kind
    return f"{outcome.kind}, {milliseconds(outcome.latency)}"
