"""What became of each labelled turn: the agent's behaviour judged by what the caller meant."""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.latency import BargeIn
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.recording.labels import NEAR, Labels, Turn
from voicecli.report.call_report import CallReport, reply_at_ear

Kind: TypeAlias = Literal[
    "answered", "missed", "cut in",  # an end of turn or a hold
    "held",  # a hold in which the agent kept silent
    "stopped", "not stopped",  # an interruption
    "ignored", "stopped for it",  # a backchannel or a noise
    "agent silent",  # one of the last three, when there was nothing to stop
]  # fmt: skip

_TO_STOP: Nanos = SECOND // 2
"""Whoever interrupts an agent that has less than this left to say does not stop it."""


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of one labelled turn."""

    call: str
    label: Turn
    kind: Kind
    latency: Nanos | None
    """End of turn to answer, or onset of an interruption to silence, at the caller."""


def judge(report: CallReport, labels: Labels) -> list[Outcome]:
    """One outcome for each label of the call, in order.

    Args:
        report: of the call.
        labels: in seconds of this call, as they were played in it.
    """
    answers = sorted(at for t in report.turns if (at := reply_at_ear(t.turn)) is not None)
    outcomes: list[Outcome] = []
    for label, following in zip(labels.turns, [*labels.turns[1:], None], strict=True):
        until = round(following.start_s * SECOND) if following is not None else None
        if label.intent == "interruption" or not label.takes_floor:
            kind, latency = _judge_overlap(label, report.audible, report.barge_ins)
        else:
            kind, latency = _judge(label, until, answers)
        outcomes.append(Outcome(report.name, label, kind, latency))
    return outcomes


def _judge_overlap(
    label: Turn, audible: Iterable[tuple[Nanos, Nanos | None]], barge_ins: Iterable[BargeIn]
) -> tuple[Kind, Nanos | None]:
    start, end = round(label.start_s * SECOND), round(label.end_s * SECOND)
    stops = [b for b in _during(barge_ins, start, end) if b.verdict == "interrupts"]
    silent = min((b.silent_at_ear for b in stops if b.silent_at_ear is not None), default=None)
    if silent is None and not any(
        began <= start and (ended is None or ended >= start + _TO_STOP) for began, ended in audible
    ):
        return "agent silent", None
    if not label.takes_floor:
        return ("stopped for it", None) if stops else ("ignored", None)
    return ("not stopped", None) if silent is None else ("stopped", silent - start)


def _judge(label: Turn, until: Nanos | None, answers: Sequence[Nanos]) -> tuple[Kind, Nanos | None]:
    start, end = round(label.start_s * SECOND), round(label.end_s * SECOND)
    inside = [at for at in answers if start <= at < end]
    after = [at for at in answers if end <= at and (until is None or at < until)]
    if label.intent == "hold":
        return ("cut in", None) if inside or after else ("held", None)
    if inside:
        return "cut in", None
    return ("answered", after[0] - end) if after else ("missed", None)


def _during(barge_ins: Iterable[BargeIn], start: Nanos, end: Nanos) -> list[BargeIn]:
    return [b for b in barge_ins if start - NEAR <= b.onset <= end + NEAR]
