"""Reads the lines of a journal of version 1, in which the facts of a decision were in its reason.

There, a reason's numbers held job ids and moments beside what its sentence names.
"""

from collections.abc import Mapping
from typing import Any

from pipelines.turn_taking.reasons import named

_SPOKEN = {
    "transcription": "transcription",
    "start": "speech_start_ns",
    "end": "speech_end_ns",
    "paused_at": "paused_at_ns",
    "due": "due_ns",
    "silence_ms": "silence_ms",
}
"""Facts of a spoken turn, by the names that they had."""


def upgraded(row: dict[str, Any]) -> dict[str, Any]:
    """A line's object as this version writes it; what is wrong with it stays so."""
    reason = row.get("reason")
    if not isinstance(reason, dict) or not isinstance(reason.get("numbers"), dict):
        return row
    facts: dict[str, Any] = reason["numbers"]
    row = {**row, "reason": {**reason, "numbers": named(str(reason.get("rule")), facts)}}
    if row.get("command") != "RecordDecision":
        return row
    match row.get("verdict"):
        case "turn_ended":
            kind, read = "TurnEnded", _turn_ended(facts)
        case "overlap_interrupts" | "overlap_ignored" as verdict:
            kind, read = "OverlapJudged", _overlap_judged(facts, row.get("at"))
            read["interrupts"] = verdict == "overlap_interrupts"
        case "agent_done":
            kind, read = "AgentDone", _taken(facts, "reply", "heard", "written")
            read["interrupted"] = reason.get("rule") == "agent_interrupted"
        case "pauses_learned":
            kind, read = "PausesLearned", _taken(facts, "log_odds")
        case _:
            return row
    return {"at": row.get("at"), "command": kind, **read, "reason": row["reason"]}


def _turn_ended(facts: Mapping[str, Any]) -> dict[str, Any]:
    read = _taken(facts, "text", "reply")
    read["speech"] = None
    if "transcription" in facts:
        spoken = {name: facts[old] for name, old in _SPOKEN.items() if old in facts}
        p = facts.get("p")
        spoken["p"] = None if p == -1 else p
        read["speech"] = {**spoken, "wasted_ms": facts.get("spent_ms")}
    return read


def _overlap_judged(facts: Mapping[str, Any], at: object) -> dict[str, Any]:
    read = {"text": "", **_taken(facts, "text", "reply")}
    return {**read, "onset": facts.get("onset_ns", at), "detected": facts.get("detected_ns", at)}


def _taken(facts: Mapping[str, Any], *names: str) -> dict[str, Any]:
    return {name: facts[name] for name in names if name in facts}
