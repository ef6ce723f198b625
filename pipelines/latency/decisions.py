"""Decisions of the core as sentences, and which turn each is about."""

from collections.abc import Iterable, Sequence
from typing import Final

from pipelines.latency.vocabulary import Decision
from pipelines.turn_taking.commands import RecordDecision
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.reasons import Reason
from pipelines.turn_taking.time import Nanos

# About the agent's speech: they belong to the reply being heard, although the caller is speaking.
_OF_THE_REPLY: Final = {"overlap_ignored", "overlap_interrupts", "agent_done", "marks_assumed"}


def sentence_of(reason: Reason) -> str:
    """The reason in words; a rule this version does not know is shown with its numbers."""
    try:
        return str(reason)
    except (KeyError, IndexError, ValueError, TypeError):
        numbers = ", ".join(f"{name} {value}" for name, value in reason.numbers.items())
        return f"{reason.rule} ({numbers})" if numbers else reason.rule


def decision_of(at: Nanos, command: RecordDecision) -> Decision:
    """A recorded decision and when it was taken."""
    reason = command.reason
    return Decision(at, command.verdict, reason.rule, sentence_of(reason), reason.numbers)


def fold_decisions(entries: Iterable[Entry]) -> list[Decision]:
    """Every decision of a call, in order of time."""
    return [
        decision_of(entry.at, entry.command)
        for entry in entries
        if isinstance(entry, Issued) and isinstance(entry.command, RecordDecision)
    ]


def decisions_by_turn(
    decisions: Iterable[Decision], turns: Sequence[tuple[Nanos, Nanos, JobId | None]]
) -> list[tuple[Decision, ...]]:
    """The decisions about each turn, given its (start of speech, commit, reply) in order.

    What comes before the first turn, such as the greeting, is about none; what follows a commit is
    about the reply until the caller speaks again.
    """
    found: list[list[Decision]] = [[] for _ in turns]
    for decision in decisions if turns else ():
        position = _turn_of(decision, turns)
        if position is not None:
            found[position].append(decision)
    return [tuple(group) for group in found]


def _turn_of(decision: Decision, turns: Sequence[tuple[Nanos, Nanos, JobId | None]]) -> int | None:
    answered = sum(commit < decision.at for _, commit, _ in turns)
    upcoming = min(answered, len(turns) - 1)
    of_reply = decision.at < turns[upcoming][0]
    if decision.verdict in _OF_THE_REPLY:
        reply = decision.numbers.get("reply")
        owners = [i for i, (_, _, job) in enumerate(turns) if job is not None and job == reply]
        if owners:
            return owners[0]
        # A reply that no turn has kept was withdrawn before it was heard: go by the time.
        of_reply = of_reply or not isinstance(reply, int)
    if not of_reply:
        return upcoming
    return answered - 1 if answered else None
