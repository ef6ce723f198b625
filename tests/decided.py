"""Decisions of the core with what a test does not care about filled in."""

from typing import Any

from pipelines.turn_taking.decisions import AgentDone, OverlapJudged, SpokenTurn, TurnEnded
from pipelines.turn_taking.reasons import because


def turn_ended(
    reply: int, text: str = "", rule: str = "turn_over", numbers: Any = None, **spoken: Any
) -> TurnEnded:
    """The end of a turn that was spoken; `spoken` are fields of SpokenTurn, 0 if not given."""
    filled: dict[str, Any] = dict.fromkeys(
        ("transcription", "start", "end", "paused_at", "due", "silence_ms"), 0
    )
    filled |= {"p": None, "wasted_ms": None}
    return TurnEnded(text, reply, SpokenTurn(**filled | spoken), because(rule, **numbers or {}))


def overlap(
    *,
    interrupts: bool,
    reply: int,
    onset: int = 0,
    detected: int = 0,
    text: str = "",
    rule: str = "interrupted_by_request",
    **numbers: Any,
) -> OverlapJudged:
    """What speech over this utterance was judged to be."""
    reason = because(rule, text=text, **numbers)
    return OverlapJudged(interrupts, onset, detected, text, reply, reason)


def agent_done(reply: int, heard: str = "", written: str | None = None) -> AgentDone:
    """How much of this utterance was heard: all of it, unless more was `written`."""
    interrupted = written is not None and written != heard
    whole = heard if written is None else written
    counts = {"heard_words": len(heard.split()), "written_words": len(whole.split())}
    rule = "agent_interrupted" if interrupted else "agent_heard"
    return AgentDone(reply, heard, whole, interrupted, because(rule, **counts))
