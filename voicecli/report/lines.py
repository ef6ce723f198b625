"""What each phone line costs: one row a line, side by side."""

from collections.abc import Sequence

from rich.console import Console, ConsoleOptions, RenderResult

from pipelines.latency import distribution
from voicecli.report.call_report import CallReport
from voicecli.report.metrics import turns_of, wer_of
from voicecli.report.screen import milliseconds
from voicecli.report.whole_table import WholeTable


class LineTable:
    """The degradation tax as a rich renderable: the same calls over several lines."""

    def __init__(self, calls: Sequence[CallReport]) -> None:
        self._calls = calls

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        table = WholeTable("line", box=None, header_style="bold")
        for column in ("turns", "v2v p50", "v2v p95", "cut-ins", "WER"):
            table.add_column(column, justify="right")
        for line in dict.fromkeys(call.line for call in self._calls):
            calls = [call for call in self._calls if call.line == line]
            turns = turns_of(calls)
            latency = distribution(
                turn.voice_to_voice for turn in turns if turn.voice_to_voice is not None
            )
            wer = wer_of(calls)
            table.add_row(
                line,
                str(len(turns)),
                "" if latency is None else milliseconds(latency.p50),
                "" if latency is None else milliseconds(latency.p95),
                str(sum(call.cut_ins for call in calls)),
                "" if wer is None else f"{wer:.1%}",
            )
        yield table
