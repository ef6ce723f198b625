"""The figures of a report by name.

The same names serve `--assert`, the summary and the JSON report.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import Final, TypeAlias

from pipelines.latency import SPANS, BargeIn, Turn
from pipelines.turn_taking.time import Nanos
from voicecli.report.call_report import CallReport, TurnReport

Calls: TypeAlias = Sequence[CallReport]


def turns_of(calls: Iterable[CallReport]) -> list[Turn]:
    """All turns of all calls."""
    return [report.turn for call in calls for report in call.turns]


def interruptions_of(calls: Iterable[CallReport]) -> list[BargeIn]:
    """All barge-ins that stopped the agent."""
    return [b for call in calls for b in call.barge_ins if b.verdict == "interrupts"]


def wer_of(calls: Iterable[CallReport]) -> float | None:
    """Word error rate over all words of the calls that have labels; None if none has."""
    counted = [call.word_errors for call in calls if call.word_errors is not None]
    said = sum(errors.said for errors in counted)
    return sum(errors.wrong for errors in counted) / said if said else None


def hit_rate_of(turns: Iterable[Turn]) -> float | None:
    """Share of the replies begun ahead that became answers, 0 to 1; None if none was begun."""
    counts = [(turn.speculations_kept, turn.speculations_dropped) for turn in turns]
    kept, begun = sum(k for k, _ in counts), sum(k + d for k, d in counts)
    return kept / begun if begun else None


def _of_turns(value: Callable[[Turn], Nanos | None]) -> "Callable[[Calls], list[Nanos]]":
    return lambda calls: [x for turn in turns_of(calls) if (x := value(turn)) is not None]


def _of_interruptions(value: Callable[[BargeIn], Nanos | None]) -> "Callable[[Calls], list[Nanos]]":
    """Since the onset of the caller's speech."""
    return lambda calls: [
        moment - b.onset for b in interruptions_of(calls) if (moment := value(b)) is not None
    ]


def _of_comparable(value: Callable[[TurnReport], Nanos | None]) -> "Callable[[Calls], list[Nanos]]":
    """Over turns that both clocks show, so that they can be compared."""
    return lambda calls: [
        x
        for call in calls
        for report in call.turns
        if report.comparable and (x := value(report)) is not None
    ]


DURATIONS: Final[dict[str, Callable[[Calls], list[Nanos]]]] = {
    "voice_to_voice": _of_comparable(lambda report: report.turn.voice_to_voice),
    "acoustic_voice_to_voice": _of_comparable(lambda report: report.acoustic_voice_to_voice),
    "saved": _of_turns(lambda turn: turn.saved if turn.spans else None),
    "spent": _of_turns(lambda turn: turn.spent),
    **{f"spans.{name}": _of_turns(lambda turn, name=name: turn.spans.get(name)) for name in SPANS},
    "barge_in.detected": _of_interruptions(lambda b: b.detected),
    "barge_in.judged": _of_interruptions(lambda b: b.judged),
    "barge_in.cleared": _of_interruptions(lambda b: b.cleared),
    "barge_in.silent": _of_interruptions(lambda b: b.silent_at_ear),
}
"""Metrics in nanoseconds, one value a turn or interruption; those of barge-ins since the onset."""

NUMBERS: Final[dict[str, Callable[[Calls], float | None]]] = {
    "turns": lambda calls: len(turns_of(calls)),
    "unanswered": lambda calls: sum(not turn.spans for turn in turns_of(calls)),
    "cut_ins": lambda calls: sum(call.cut_ins for call in calls),
    "interruptions": lambda calls: len(interruptions_of(calls)),
    "overlaps_ignored": lambda calls: (
        sum(len(call.barge_ins) for call in calls) - len(interruptions_of(calls))
    ),
    "speculations_kept": lambda calls: sum(t.speculations_kept for t in turns_of(calls)),
    "speculations_dropped": lambda calls: sum(t.speculations_dropped for t in turns_of(calls)),
    "speculation_hit_rate": lambda calls: hit_rate_of(turns_of(calls)),
    "failures": lambda calls: sum(len(call.failures) for call in calls),
    "wer": wer_of,
}
"""Metrics that are one number over all calls; None where it cannot be measured."""
