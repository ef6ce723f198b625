"""A call on one screen: a line a turn, and the slowest turn with its why in plain words.

For somebody who sees such a report for the first time; the waterfalls say all of it.
"""

from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.table import Table
from rich.text import Text

from pipelines.latency import SpanName, Turn
from voicecli.report.bars import VOICE_TO_VOICE, Axis
from voicecli.report.call_report import CallReport, TurnReport
from voicecli.report.screen import Screen, milliseconds, screen_of

_BAR: Final = 12
_SHOWN: Final = 0.02
"""Spans of less than this part of the slowest turn are left out."""

_WHY: Final[dict[SpanName, str]] = {
    "ingress": "the network took so long to bring the caller's words",
    "vad_hangover": "only some silence tells a pause from a gap between two words",
    "endpoint_wait": "it was in doubt whether the caller had finished, and waited",
    "asr_final": "the words had to be written down to the last",
    "tools": "the answer waited for a tool",
    "llm_ttft": "the language model had to read before it wrote a word",
    "first_clause": "the language model had to write something that can be spoken",
    "tts_ttfb": "the voice had to be made",
    "pacing": "the line sends only every 20 ms",
    "egress": "the network took so long to bring the answer",
}


class Brief:
    """A call as a rich renderable of about 20 lines."""

    def __init__(self, call: CallReport) -> None:
        self._call = call

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen, call = screen_of(console), self._call
        title = f"{screen.text(call.name)}, answered by {call.profile}"
        yield Text(title, "bold").append(_how_long(call), "not bold dim")
        if not call.turns:
            yield Text("  The caller completed no turn.")
            return
        yield _turns(screen, call.turns)
        answered = [turn for turn in call.turns if turn.comparable]
        if answered:
            slowest = max(answered, key=lambda report: report.turn.voice_to_voice or 0)
            yield from _slowest(screen, slowest.turn)


def _how_long(call: CallReport) -> str:
    run = f", run in {call.wall_s:.0f} s" if call.wall_s else ""
    return f"  {call.duration_s:.0f} s of call{run}"


def _turns(screen: Screen, turns: Sequence[TurnReport]) -> Table:
    longest = max((report.turn.voice_to_voice or 0 for report in turns), default=0)
    grid = Table(box=None, padding=(0, 1, 0, 0), header_style="dim", width=screen.width)
    grid.add_column("", justify="right")
    for heading in ("the caller said", "the agent was heard to say"):
        overflow = "ellipsis" if screen.unicode else "crop"
        grid.add_column(heading, ratio=1, no_wrap=True, overflow=overflow)
    grid.add_column("after", justify="right", no_wrap=True)
    grid.add_column("", width=_BAR, no_wrap=True)
    for report in turns:
        turn, latency = report.turn, report.turn.voice_to_voice
        after, bar = Text("no answer", "bold red"), Text()
        if latency is not None:
            style = VOICE_TO_VOICE.style(latency)
            after = Text(milliseconds(latency), style)
            cells = max(1, round(_BAR * max(latency, 0) / max(longest, 1)))
            bar = Text(screen.pick("█", "#") * cells, style)
        if report.cut_in:
            after, bar = Text("cut in", "bold red"), Text()
        said, heard = screen.text(turn.text), screen.text(turn.heard)
        grid.add_row(str(turn.index), Text(said or "(no words)"), Text(heard), after, bar)
    return grid


def _slowest(screen: Screen, turn: Turn) -> Iterator[Text]:
    total = turn.voice_to_voice or 0
    name = VOICE_TO_VOICE.name(total)
    title = f"the slowest answer: turn {turn.index}, {milliseconds(total)}"
    yield Text(title, "bold").append(f" ({name})", VOICE_TO_VOICE.style(total))
    axis = Axis(total, VOICE_TO_VOICE, screen)
    yield axis.ruler()
    start = 0
    for span, took in turn.spans.items():
        if took >= _SHOWN * total:
            yield axis.row(span, start, start + took)
        start += took
    span, took = max(turn.spans.items(), key=lambda item: item[1])
    yield Text(f"  why: {_why(turn, span)}, which took {milliseconds(took)} of it.")


def _why(turn: Turn, span: SpanName) -> str:
    if span != "endpoint_wait" or turn.p_end_of_turn is None:
        return _WHY[span]
    return f"{_WHY[span]} (the chances that they had: {turn.p_end_of_turn:.0%})"
