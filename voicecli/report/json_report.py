"""The report for machines, schema `voicecli.replay/1`: changes only by adding fields.

`docs/reference/reports.md` documents every field.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import Any, Final

from pipelines.latency import SPANS, BargeIn, Decision, ToolUse, distribution
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.foreign import to_json
from voicecli.private import draft_of
from voicecli.recording.journal import storing
from voicecli.report.assertions import Outcome
from voicecli.report.call_report import CallReport, TurnReport
from voicecli.report.metrics import DURATIONS, NUMBERS
from voicecli.shadow.verdicts import ShadowReport, Side

SCHEMA: Final = "voicecli.replay/1"


def json_report(
    calls: Sequence[CallReport],
    outcomes: Iterable[Outcome] = (),
    unusable: Mapping[str, str] = MappingProxyType({}),
) -> dict[str, Any]:
    """The report of some calls as JSON values; `unusable` says what is wrong with others."""
    return {
        "schema": SCHEMA,
        "profile": _common(call.profile for call in calls),
        "line": _common(call.line for call in calls),
        "calls": [_call(call) for call in calls],
        "summary": _summary(calls),
        "asserts": [
            {"condition": o.condition.text, "holds": o.holds, "sentence": o.sentence}
            for o in outcomes
        ],
        "unusable": [{"call": name, "problem": problem} for name, problem in unusable.items()],
    }


def write_json_report(
    path: Path,
    calls: Sequence[CallReport],
    outcomes: Iterable[Outcome] = (),
    unusable: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the report to a file; StorageError if that is impossible."""
    text = to_json(json_report(calls, outcomes, unusable), indent=2)
    write_whole(path, text + "\n")


def write_whole(path: Path, text: str) -> None:
    """Write a file so that it is either whole or not there, for its owner alone.

    Raises StorageError if that is impossible.
    """
    with storing(path), draft_of(path) as draft:
        draft.write(text.encode("utf-8", "backslashreplace"))


def _common(names: Iterable[str]) -> str | None:
    different = set(names)
    return different.pop() if len(different) == 1 else None


def _call(call: CallReport) -> dict[str, Any]:
    return {
        "call": call.name,
        "profile": call.profile,
        "line": call.line,
        "partial": call.partial,
        "diverged_s": None if call.diverged is None else _s(call.diverged),
        "duration_s": call.duration_s,
        "wall_s": call.wall_s,
        "turns": [_turn(report) for report in call.turns],
        "barge_ins": [_barge_in(barge_in) for barge_in in call.barge_ins],
        "cut_ins": call.cut_ins,
        "wer": call.word_errors.rate if call.word_errors is not None else None,
        "failures": list(call.failures),
        "shadows": [shadow_json(shadow) for shadow in call.shadows],
    }


def shadow_json(shadow: ShadowReport) -> dict[str, Any]:
    """What another endpointer would have done in a call."""

    def side(name: Side) -> dict[str, Any]:
        answered = shadow.answers(name, "end")
        return {
            "cut_ins": len(shadow.answers(name, "hold")),
            "missed": shadow.labelled("end") - len(answered),
            "silence_ms": _distribution(answered),
        }

    return {
        "name": shadow.name,
        "pauses": len(shadow.verdicts),
        "holds": shadow.labelled("hold"),
        "ends": shadow.labelled("end"),
        "ours": side("ours"),
        "shadow": side("shadow"),
        "disagreements": [
            {
                "at_s": _s(verdict.at),
                "text": verdict.text,
                "ours_ms": _ms(verdict.ours),
                "ours_p": verdict.ours_p,
                "shadow_ms": _ms(verdict.shadow),
                "shadow_p": verdict.shadow_p,
                "went_on_ms": _ms(verdict.went_on),
                "truth": verdict.truth,
                "right": verdict.right,
            }
            for verdict in shadow.disagreements
        ],
    }


def _turn(report: TurnReport) -> dict[str, Any]:
    turn = report.turn
    return {
        "index": turn.index,
        "caller": {"start_s": _s(turn.start), "end_s": _s(turn.end), "text": turn.text},
        "reply": {"text": turn.written, "heard": turn.heard, "interrupted": turn.interrupted},
        "voice_to_voice_ms": _ms(turn.voice_to_voice),
        "acoustic_voice_to_voice_ms": _ms(report.acoustic_voice_to_voice),
        "acoustic_missing": report.acoustic_missing or None,
        "spans_ms": {name: _ms(span) for name, span in turn.spans.items()},
        "saved_ms": _ms(turn.saved),
        "spent_ms": _ms(turn.spent),
        "speculations_kept": turn.speculations_kept,
        "speculations_dropped": turn.speculations_dropped,
        "decision": {
            "reason": turn.decision.sentence,
            "rule": turn.decision.rule,
            "p_end_of_turn": turn.p_end_of_turn,
            "silence_ms": turn.silence_ms,
        },
        "tools": [_tool(use) for use in turn.tools],
        "decisions": [_decision(decision) for decision in turn.decisions],
        "cut_in": report.cut_in,
    }


def _tool(use: ToolUse) -> dict[str, Any]:
    return {
        "name": use.name,
        "at_s": _s(use.at),
        "took_ms": _ms(use.took),
        "outcome": use.outcome,
    }


def _decision(decision: Decision) -> dict[str, Any]:
    return {
        "at_s": _s(decision.at),
        "verdict": decision.verdict,
        "rule": decision.rule,
        "reason": decision.sentence,
    }


def _barge_in(barge_in: BargeIn) -> dict[str, Any]:
    silent = barge_in.silent_at_ear
    return {
        "turn": barge_in.turn,
        "onset_s": _s(barge_in.onset),
        "verdict": barge_in.verdict,
        "text": barge_in.text,
        "reason": barge_in.decision.sentence,
        "onset_to_silent_ms": None if silent is None else _ms(silent - barge_in.onset),
        "spans_ms": {name: _ms(span) for name, span in barge_in.spans.items()},
        "paused_ms": _ms(barge_in.paused),
        "reply": {"text": barge_in.written, "heard": barge_in.heard},
    }


def _summary(calls: Sequence[CallReport]) -> dict[str, Any]:
    durations = {name: _distribution(values(calls)) for name, values in DURATIONS.items()}
    return {
        **{name: value(calls) for name, value in NUMBERS.items()},
        "voice_to_voice_ms": durations["voice_to_voice"],
        "acoustic_voice_to_voice_ms": durations["acoustic_voice_to_voice"],
        "saved_ms": durations["saved"],
        "spent_ms": durations["spent"],
        "spans_ms": {name: durations[f"spans.{name}"] for name in SPANS},
        "barge_in_ms": {
            name.removeprefix("barge_in."): found
            for name, found in durations.items()
            if name.startswith("barge_in.")
        },
    }


def _distribution(values: Iterable[Nanos]) -> dict[str, float | None]:
    found = distribution(values)
    if found is None:
        return {"p50": None, "p95": None, "max": None}
    return {"p50": _ms(found.p50), "p95": _ms(found.p95), "max": _ms(found.max)}


def _ms(nanos: float | None) -> float | None:
    return None if nanos is None else round(nanos / MILLISECOND, 6)


def _s(nanos: Nanos) -> float:
    return round(nanos / SECOND, 9)
