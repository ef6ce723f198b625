"""Some calls in a few lines of a terminal."""

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Final

from rich.console import Console, ConsoleOptions, RenderResult
from rich.text import Text

from pipelines.latency import SPANS, distribution
from voicecli.report.assertions import Outcome
from voicecli.report.bars import BARGE_IN, VOICE_TO_VOICE, Bands
from voicecli.report.call_report import CallReport
from voicecli.report.metrics import DURATIONS, NUMBERS, turns_of
from voicecli.report.screen import Screen, milliseconds, screen_of
from voicecli.report.whole_table import WholeTable

_ROWS: Final[dict[str, Bands | None]] = {
    "voice_to_voice": VOICE_TO_VOICE,
    "acoustic_voice_to_voice": VOICE_TO_VOICE,
    **dict.fromkeys((f"spans.{name}" for name in SPANS), None),
    "saved": None,
    "spent": None,
    "barge_in.silent": BARGE_IN,
}

_UNMEASURED_SHOWN: Final = 8
_FAILED_SHOWN: Final = 8


class Summary:
    """The calls in short, and whether the asserts hold, as a rich renderable."""

    def __init__(self, calls: Sequence[CallReport], outcomes: Sequence[Outcome] = ()) -> None:
        self._calls = calls
        self._outcomes = outcomes

    def __rich_console__(self, console: Console, options: ConsoleOptions) -> RenderResult:
        screen = screen_of(console)
        yield _counts(screen, self._calls)
        yield _latencies(self._calls)
        yield from _unmeasured(screen, self._calls)
        yield from _failed(screen, self._calls)
        for outcome in self._outcomes:
            sign = screen.pick("✓", "ok  ") if outcome.holds else screen.pick("✗", "FAIL")
            style = "green" if outcome.holds else "bold red"
            yield Text(f"{sign} {screen.text(outcome.sentence)}", style)


def _counts(screen: Screen, calls: Sequence[CallReport]) -> Text:
    """A line on how fast the answers were and one on everything else."""
    number = {name: value(calls) for name, value in NUMBERS.items()}
    latencies = (turn.voice_to_voice for turn in turns_of(calls))
    bands = Counter(VOICE_TO_VOICE.name(ns) for ns in latencies if ns is not None)
    answers = [_many(len(calls), "call"), _many(number["turns"], "turn")]
    answers += [f"{bands[name]} {name}" for name in VOICE_TO_VOICE.names if bands[name]]
    answers += [f"{number['unanswered']} not answered"] if number["unanswered"] else []
    other = [_many(number["cut_ins"], "cut-in"), _many(number["interruptions"], "interruption")]
    other.append(f"{_many(number['overlaps_ignored'], 'overlap')} ignored")
    other += [_many(number["failures"], "engine failure")] if number["failures"] else []
    if (hits := number["speculation_hit_rate"]) is not None:
        other.append(f"{hits:.0%} of replies begun ahead used")
    if (wer := number["wer"]) is not None:
        other.append(f"WER {wer:.1%}")
    dot = screen.pick(" · ", ", ")
    return Text(dot.join(answers), "bold").append("\n" + dot.join(other), "not bold")


def _many(count: float | None, noun: str) -> str:
    return f"{count:.0f} {noun}{'' if count == 1 else 's'}"


def _latencies(calls: Sequence[CallReport]) -> WholeTable:
    table = WholeTable(box=None, padding=(0, 2, 0, 0), header_style="dim")
    table.add_column("")
    for heading in ("p50", "p95", "max", "n"):
        table.add_column(heading, justify="right")
    for name, bands in _ROWS.items():
        found = distribution(DURATIONS[name](calls))
        if found is None or (name == "spans.tools" and not found.max):
            continue
        values = (round(found.p50), round(found.p95), round(found.max))
        cells = [Text(milliseconds(v), bands.style(v) if bands else "") for v in values]
        count = "" if name == "acoustic_voice_to_voice" else str(found.count)  # the row above's
        table.add_row(_indented(name), *cells, count)
    return table


def _unmeasured(screen: Screen, calls: Sequence[CallReport]) -> Iterator[Text]:
    """The turns that no latency above counts, as there is no silence before their reply."""
    turns = [(call.name, r) for call in calls for r in call.turns if r.acoustic_missing]
    if not turns:
        return
    yield Text(f"not counted, as there is no gap to hear ({len(turns)}):", "dim")
    for name, report in turns[:_UNMEASURED_SHOWN]:
        turn = screen.text(f"  {name}, turn {report.turn.index}: {report.acoustic_missing}")
        yield Text(turn + (", cut in" if report.cut_in else ""), "dim")
    if len(turns) > _UNMEASURED_SHOWN:
        yield Text(f"  and {len(turns) - _UNMEASURED_SHOWN} more; --json lists all", "dim")


def _failed(screen: Screen, calls: Sequence[CallReport]) -> Iterator[Text]:
    """What failed, though the call went on."""
    failures = [f"{call.name}: {failure}" for call in calls for failure in call.failures]
    sign = screen.pick("✗", "FAIL")
    for failure in failures[:_FAILED_SHOWN]:
        yield Text(f"{sign} {screen.text(failure)}", "bold red")
    if len(failures) > _FAILED_SHOWN:
        yield Text(f"  and {len(failures) - _FAILED_SHOWN} more; --json lists all", "dim")


def _indented(name: str) -> str:
    return "  " + name.removeprefix("spans.") if name.startswith("spans.") else name
