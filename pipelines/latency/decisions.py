"""Decisions of the core as sentences, and which turn each is about."""

from collections.abc import Iterable, Sequence

from pipelines.latency.vocabulary import Decision
from pipelines.turn_taking.decisions import AgentDone, OverlapJudged, RecordDecision
from pipelines.turn_taking.decisions import Decision as Decided
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.reasons import Reason
from pipelines.turn_taking.time import Nanos


def sentence_of(reason: Reason) -> str:
    """The reason in words; a rule this version does not know is shown with its numbers."""
    try:
        return str(reason)
    except (KeyError, IndexError, ValueError, TypeError):
        numbers = ", ".join(f"{name} {value}" for name, value in reason.numbers.items())
        return f"{reason.rule} ({numbers})" if numbers else reason.rule


def decision_of(at: Nanos, decided: Decided) -> Decision:
    """A recorded decision and when it was taken."""
    return Decision(at, decided, sentence_of(decided.reason))


def fold_decisions(entries: Iterable[Entry]) -> list[Decision]:
    """Every decision of a call, in order of time."""
    return [
        decision_of(entry.at, entry.command)
        for entry in entries
        if isinstance(entry, Issued) and isinstance(entry.command, Decided)
    ]


def decisions_by_turn(
    decisions: Iterable[Decision], turns: Sequence[tuple[Nanos, Nanos, JobId]]
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


def _turn_of(decision: Decision, turns: Sequence[tuple[Nanos, Nanos, JobId]]) -> int | None:
    answered = sum(commit < decision.at for _, commit, _ in turns)
    upcoming = min(answered, len(turns) - 1)
    of_reply = decision.at < turns[upcoming][0]
    match decision.facts:
        # About the agent's speech: of the reply being heard, although the caller is speaking.
        case OverlapJudged(reply=reply) | AgentDone(reply=reply):
            owners = [i for i, (_, _, job) in enumerate(turns) if job == reply]
            if owners:
                return owners[0]
            # A reply that no turn has kept was withdrawn before it was heard: go by the time.
        case RecordDecision("marks_assumed"):
            of_reply = True
        case _:
            pass
    if not of_reply:
        return upcoming
    return answered - 1 if answered else None
