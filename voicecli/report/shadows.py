"""What other endpointers would have done, in a terminal."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from pipelines.turn_taking.time import Nanos
from voicecli.report.call_report import CallReport
from voicecli.report.screen import Screen, clock, milliseconds, screen_of
from voicecli.report.whole_table import WholeTable
from voicecli.shadow.verdicts import ShadowReport, Side


class ShadowDetails:
    """Every pause in which one shadow disagrees, as a rich renderable."""

    def __init__(self, shadow: ShadowReport, call: str = "") -> None:
        self._shadow = shadow
        self._call = call

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen, found = screen_of(console), self._shadow.disagreements
        of_call = f"{screen.text(self._call)}: " if self._call else ""
        yield Text(
            f"{of_call}shadow {self._shadow.name} disagrees in {len(found)} of "
            f"{len(self._shadow.verdicts)} pauses",
            "bold",
        )
        table = WholeTable(box=None, padding=(0, 2, 0, 0), header_style="dim")
        for heading in ("at", "ours", "shadow", "went on"):
            table.add_column(heading, justify="right", no_wrap=True)
        table.add_column("right", no_wrap=True)
        table.add_column("words so far")
        for verdict in found:
            table.add_row(
                clock(verdict.at),
                _did(verdict.ours, verdict.ours_p),
                _did(verdict.shadow, verdict.shadow_p),
                "" if verdict.went_on is None else milliseconds(verdict.went_on),
                verdict.right or "",
                screen.text(verdict.text),
            )
        if found:
            yield table


class ShadowSummary:
    """All calls together, a row for ours and each shadow, as a rich renderable."""

    def __init__(self, calls: Sequence[CallReport]) -> None:
        self._calls = calls

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen = screen_of(console)
        table = WholeTable(box=None, padding=(0, 2, 0, 0), header_style="dim")
        table.add_column("endpointer", no_wrap=True)
        for heading in ("disagrees", "is right", "cut-ins", "missed", "waits p50", "p95"):
            table.add_column(heading, justify="right")
        reports = [shadow for call in self._calls for shadow in call.shadows]
        names = list(dict.fromkeys(shadow.name for shadow in reports))
        for name in names:
            verdicts = [v for shadow in reports if shadow.name == name for v in shadow.verdicts]
            together = ShadowReport(name, tuple(verdicts))
            if name == names[0]:
                table.add_row("ours", "", "", *_tally(screen, together, "ours"))
            table.add_row(
                name,
                f"{len(together.disagreements)} of {len(verdicts)}",
                _share_right(together),
                *_tally(screen, together, "shadow"),
            )
        yield table


def _did(wait: Nanos | None, p: float | None) -> str:
    """The silence after which an endpointer answers, if it does, and its P(end)."""
    by = "" if p is None else f", P {p:.2f}"
    return ("holds" if wait is None else milliseconds(wait)) + by


def _share_right(report: ShadowReport) -> str:
    labelled = [verdict.right for verdict in report.disagreements if verdict.right is not None]
    return f"{labelled.count('shadow')} of {len(labelled)}" if labelled else "no labels"


def _tally(screen: Screen, report: ShadowReport, side: Side) -> list[str]:
    """Cut-ins, missed ends and waits of one side, where labels tell."""
    holds, ends = report.labelled("hold"), report.labelled("end")
    wait, none = report.wait(side), screen.pick("–", "-")
    return [
        f"{len(report.answers(side, 'hold'))} of {holds}" if holds else none,
        f"{ends - len(report.answers(side, 'end'))} of {ends}" if ends else none,
        none if wait is None else milliseconds(wait.p50),
        none if wait is None else milliseconds(wait.p95),
    ]
