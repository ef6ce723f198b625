"""Where every millisecond of a turn went and why, in a terminal."""

from collections.abc import Iterable, Iterator, Mapping
from typing import Any, Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from pipelines.latency import BargeIn, Decision, Turn, spans_worth_showing
from pipelines.turn_taking.time import MILLISECOND, Nanos
from voicecli.report.bars import BARGE_IN, VOICE_TO_VOICE, Axis
from voicecli.report.call_report import CallReport, TurnReport
from voicecli.report.screen import Screen, clock, milliseconds, screen_of

_STYLES: Final = {
    "turn_ended": "bold",
    "turn_held": "cyan",
    "overlap_interrupts": "bold red",
    "engine_failed": "bold red",
}


class CallWaterfall:
    """A call as a rich renderable: every turn, every barge-in, every decision."""

    def __init__(self, call: CallReport) -> None:
        self._call = call

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen, call = screen_of(console), self._call
        yield _heading(screen, call)
        yield from _opening(screen, call)
        for report in call.turns:
            yield Text()
            after = call.diverged is not None and report.turn.start > call.diverged
            yield from _turn(screen, report, after_divergence=after)
            for barge_in in call.barge_ins:
                if barge_in.turn == report.turn.index:
                    yield from _barge_in(screen, barge_in)


class TurnWaterfall:
    """One turn as a rich renderable."""

    def __init__(self, report: TurnReport) -> None:
        self._report = report

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        yield from _turn(screen_of(console), self._report)


def _heading(screen: Screen, call: CallReport) -> Text:
    parts = [f"{call.duration_s:.1f} s", f"profile {screen.text(call.profile)}"]
    if call.line:
        parts.append(f"line {screen.text(call.line)}")
    if call.wall_s:
        parts.append(f"run in {call.wall_s:.1f} s ({call.duration_s / call.wall_s:.0f}x real time)")
    dot = screen.pick(" · ", ", ")
    heading = Text(screen.text(call.name), "bold").append("  " + dot.join(parts), "not bold dim")
    if call.partial:
        heading.append("\nPARTIAL: the call was broken off; this is what there was.", "bold yellow")
    if call.diverged is not None:
        heading.append(
            f"\nOTHER THAN RECORDED from {clock(call.diverged)} on: the recorded caller could not "
            "react to that; turns after it are marked *.",
            "yellow",
        )
    return heading


def _opening(screen: Screen, call: CallReport) -> Iterator[Text | Table]:
    """What happened before the first turn; all there is if there was none."""
    of_turns = [decision for report in call.turns for decision in report.turn.decisions]
    rest = [decision for decision in call.decisions if decision not in of_turns]
    if not call.turns:
        yield Text("  The caller completed no turn.")
    if rest:
        yield _decisions(screen, rest, since=0)
    for barge_in in call.barge_ins:
        if barge_in.turn is None:
            yield from _barge_in(screen, barge_in)


def _turn(
    screen: Screen, report: TurnReport, *, after_divergence: bool = False
) -> Iterator[Text | Table | Padding]:
    turn, latency = report.turn, report.turn.voice_to_voice
    verdict = Text("not answered", "bold red")
    if latency is not None:
        name = VOICE_TO_VOICE.name(latency)
        verdict = Text(f"{milliseconds(latency)} {name}", VOICE_TO_VOICE.style(latency))
    if report.cut_in:
        verdict.append(screen.pick(" · ", ", ") + "CUT IN", "bold red")
    mark = "*" if after_divergence else ""
    yield _rule(screen, f"turn {turn.index}{mark} at {clock(turn.start)}", verdict)
    yield _speech(screen, turn.text, turn.written, turn.heard)
    if latency is not None:
        axis = Axis(latency, VOICE_TO_VOICE, screen)
        yield axis.ruler()
        yield from _cascade(axis, spans_worth_showing(turn.spans))
        yield axis.row("voice_to_voice", 0, latency, thin=True)
        heard = report.acoustic_voice_to_voice
        if heard is not None:
            yield axis.row("by waveform", 0, max(0, heard), thin=True)
        elif report.acoustic_missing:
            yield Text(f"  by waveform        no gap: {report.acoustic_missing}", "dim")
    ahead = _work_ahead(turn)
    if ahead:
        yield Padding(Text(ahead, "dim"), (0, 0, 0, 2), expand=False)
    yield _decisions(screen, turn.decisions, since=turn.end)


def _work_ahead(turn: Turn) -> str:
    """What working ahead of the decision brought, and what of it was thrown away."""
    parts: list[str] = []
    if turn.saved >= MILLISECOND:
        parts.append(f"saved {milliseconds(turn.saved)} by working ahead of the decision")
    if turn.spent >= MILLISECOND:
        parts.append(f"spent {milliseconds(turn.spent)} of computing on what was thrown away")
    return "; ".join(parts)


def _barge_in(screen: Screen, barge_in: BargeIn) -> Iterator[Text | Table]:
    """The split of an interruption; what was ignored has its sentence among the decisions."""
    silent = barge_in.silent_at_ear
    if silent is None:
        return
    latency = silent - barge_in.onset
    summary = f"silent after {milliseconds(latency)} {BARGE_IN.name(latency)}"
    verdict = Text(summary, BARGE_IN.style(latency))
    said = f"“{barge_in.text}”" if barge_in.text else "without words"
    title = f"interruption at {clock(barge_in.onset)}: {said}"
    yield _rule(screen, title, verdict, light=True)
    axis = Axis(latency, BARGE_IN, screen)
    yield axis.ruler()
    yield from _cascade(axis, barge_in.spans)


def _cascade(axis: Axis, spans: Mapping[Any, Nanos]) -> Iterator[Text]:
    start = 0
    for name, span in spans.items():
        yield axis.row(name, start, start + span)
        start += span


def _rule(screen: Screen, title: str, verdict: Text, *, light: bool = False) -> Text:
    """A line across the screen with a title on the left and a verdict on the right."""
    dash = screen.pick("╌" if light else "─", "-")
    shown = Text(screen.text(title), "" if light else "bold")
    room = screen.width - verdict.cell_len - 7  # two dashes, four spaces, one dash
    shown.truncate(room, overflow="ellipsis" if screen.unicode else "crop")
    line = Text(no_wrap=True).append(dash * 2, "dim").append(" ").append_text(shown).append(" ")
    line.append(dash * (room - shown.cell_len), "dim").append(" ").append_text(verdict)
    return line.append(" ").append(dash, "dim")


def _speech(screen: Screen, said: str, written: str, heard: str) -> Table:
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(width=8, style="dim", no_wrap=True)
    grid.add_column(ratio=1)
    grid.width = screen.width
    grid.add_row("  caller", Text(screen.text(said) or "(no words)"))
    if written:
        grid.add_row("  agent", _heard(screen, written, heard))
    return grid


def _heard(screen: Screen, written: str, heard: str) -> Text:
    """The reply, with the words that never reached the caller's ear struck through."""
    words, count = screen.text(written).split(), len(screen.text(heard).split())
    text, rest = Text(" ".join(words[:count])), " ".join(words[count:])
    if rest:
        text.append(" " if count else "")
        if screen.styled:
            text.append(rest, "strike dim")
        else:
            text.append(f"[not heard: {rest}]")
    return text


def _decisions(screen: Screen, decisions: Iterable[Decision], since: Nanos) -> Table:
    """Each decision with its moment, relative to the end of the caller's speech.

    Late results of cancelled work are left out: the cancellation is there, and the journal has all.
    """
    grid = Table.grid(padding=(0, 2, 0, 0))
    grid.add_column(justify="right", width=11, no_wrap=True, style="dim")
    grid.add_column(width=20, no_wrap=True)  # "speculation withheld"
    grid.add_column(ratio=1)
    for decision in decisions:
        if decision.verdict == "result_dropped":
            continue
        moment = f"{(decision.at - since) / MILLISECOND:+,.0f} ms"
        style = _STYLES.get(decision.verdict, "")
        label = Text(screen.text(decision.verdict.replace("_", " ")), style)
        grid.add_row(moment, label, Text(screen.text(decision.sentence)))
    grid.width = screen.width
    return grid
