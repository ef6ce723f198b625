"""What results look like to the core: from engines at work, and from a recording."""

from dataclasses import replace
from functools import partial
from typing import TypeAlias

import numpy as np

from pipelines.runtime.lanes import Delivery
from pipelines.runtime.playout import Playout
from pipelines.runtime.recall import Recall
from pipelines.runtime.timeline import Samples
from pipelines.turn_taking.commands import (
    ContinueReply,
    GenerateReply,
    PrepareReply,
    ScoreEndOfTurn,
    SynthesizeClause,
)
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    EndOfTurnScored,
    EngineKind,
    JobId,
    ReplyCompleted,
    ReplyPrepared,
    ReplyTextReceived,
    ToolRequested,
)
from pipelines.turn_taking.time import Nanos

Writing: TypeAlias = GenerateReply | ContinueReply
Question: TypeAlias = ScoreEndOfTurn | PrepareReply | Writing | SynthesizeClause
Steps: TypeAlias = list[tuple[Nanos, Delivery]]
"""Deliveries, each with the time since the one before."""


def text_received(job: JobId, text: str, at: Nanos) -> ReplyTextReceived:
    """A piece of a reply."""
    return ReplyTextReceived(at, job, text)


def deliver_audio(
    playout: Playout, job: JobId, pcm: Samples, complete: bool, at: Nanos
) -> ClauseSynthesized:
    """The first audio of a clause, or the last."""
    return ClauseSynthesized(at, job, playout.add(job, pcm, complete=complete), complete)


def add_audio(playout: Playout, job: JobId, pcm: Samples, _at: Nanos) -> None:
    """Audio in between: more of what is playing already is nothing the core need know."""
    playout.add(job, pcm, complete=False)


def end_audio(playout: Playout, job: JobId, _at: Nanos) -> None:
    """No more audio of a clause will come: its voice broke down."""
    playout.add(job, np.zeros(0, np.int16), complete=True)


def remembered(
    recall: Recall, question: Question, detector: str, playout: Playout
) -> tuple[EngineKind, Steps | None]:
    """What the recorded call answered to this; `detector` is the one asked, if it is one."""
    match question:
        case ScoreEndOfTurn():
            return "turn_detector", _score(recall, question, detector)
        case PrepareReply():
            delay = recall.look_up(recall.prepared, question.history)
            job = question.job
            return "llm", None if delay is None else [(delay, lambda at: ReplyPrepared(at, job))]
        case GenerateReply() | ContinueReply():
            return "llm", _reply(recall, question)
        case SynthesizeClause():
            return "tts", _clause(recall, question, playout)


def _score(recall: Recall, question: ScoreEndOfTurn, detector: str) -> Steps | None:
    answer = recall.look_up(recall.scores, (detector, question.start, question.until))
    if answer is None:
        return None
    delay, p = answer
    return [(delay, lambda at: EndOfTurnScored(at, question.job, detector, p))]


def _reply(recall: Recall, question: Writing) -> Steps | None:
    recorded = recall.look_up(recall.replies, question.history)
    if recorded is None:
        return None
    steps: Steps = [(delay, _piece(question.job, piece)) for delay, piece in recorded.pieces]
    steps.append((recorded.completed_after, lambda at: ReplyCompleted(at, question.job)))
    return steps


def _piece(job: JobId, piece: str | ToolRequested) -> Delivery:
    if isinstance(piece, str):
        return partial(text_received, job, piece)
    return lambda at: replace(piece, at=at, job=job)


def _clause(recall: Recall, question: SynthesizeClause, playout: Playout) -> Steps | None:
    recorded = recall.look_up(recall.clauses, question.text)
    if recorded is None:
        return None
    first, rest = recorded.pcm[: recorded.first_samples], recorded.pcm[recorded.first_samples :]
    return [
        (recorded.first_after, partial(deliver_audio, playout, question.job, first, False)),
        (recorded.complete_after, partial(deliver_audio, playout, question.job, rest, True)),
    ]
