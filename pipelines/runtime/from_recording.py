"""Answers from a recorded call, in the place of engines that work."""

from collections.abc import Mapping
from dataclasses import replace
from functools import partial
from typing import TypeAlias

from pipelines.runtime.lanes import Delivery, Question, Work
from pipelines.runtime.playout import Playout
from pipelines.runtime.recorded_answers import RecordedAnswers, in_time
from pipelines.runtime.results import deliver_audio, text_received
from pipelines.turn_taking.commands import (
    CallTool,
    ContinueReply,
    GenerateReply,
    PrepareReply,
    ScoreEndOfTurn,
    SynthesizeClause,
)
from pipelines.turn_taking.events import (
    EndOfTurnScored,
    EngineKind,
    JobId,
    ReplyCompleted,
    ReplyPrepared,
    ToolFailed,
    ToolRequested,
)
from pipelines.turn_taking.time import Nanos

Steps: TypeAlias = list[tuple[Nanos, Delivery]]
"""Deliveries, each with the time since the one before."""

_KINDS: Mapping[type, EngineKind] = {
    ScoreEndOfTurn: "turn_detector", PrepareReply: "llm", GenerateReply: "llm",
    ContinueReply: "llm", SynthesizeClause: "tts", CallTool: "llm",
}  # fmt: skip

NOT_RECORDED = (
    "not run: under another policy only the answers that were recorded are given, and this tool "
    "was not called so in the recorded call"
)


class AnswersFromRecording:
    """Tells what the recorded call answered.

    No tool is ever run: one that was not called so is answered by an error.
    """

    def __init__(self, recorded_answers: RecordedAnswers, playout: Playout) -> None:
        """Take the answers, and where the audio of clauses goes."""
        self._recorded_answers = recorded_answers
        self._playout = playout

    def __call__(self, question: Question) -> Work | None:
        """The telling of the answer; None: it was never asked."""
        steps = self._steps(question)
        if steps is None:
            return None
        kind = _KINDS[type(question)]
        lane = kind
        if isinstance(question, ScoreEndOfTurn):
            lane = f"{kind} {question.detectors[0]}"
        run = partial(in_time, steps)
        counted = not isinstance(question, ScoreEndOfTurn | CallTool)
        return Work(question.job, kind, lane, run, simulated_time=True, counted=counted)

    def _steps(self, question: Question) -> Steps | None:
        """What the recorded call answered to this."""
        match question:
            case ScoreEndOfTurn():
                return self._score(question)
            case PrepareReply(job):
                delay = self._recorded_answers.reading(question.history)
                return None if delay is None else [(delay, lambda at: ReplyPrepared(at, job))]
            case GenerateReply() | ContinueReply():
                return self._reply(question)
            case SynthesizeClause():
                return self._clause(question)
            case CallTool():
                return self._tool(question)

    def _score(self, question: ScoreEndOfTurn) -> Steps | None:
        detector = question.detectors[0]
        answer = self._recorded_answers.score(detector, question.start, question.until)
        if answer is None:
            return None
        delay, p = answer
        return [(delay, lambda at: EndOfTurnScored(at, question.job, detector, p))]

    def _reply(self, question: GenerateReply | ContinueReply) -> Steps | None:
        recorded = self._recorded_answers.reply(question.history)
        if recorded is None:
            return None
        steps: Steps = [(delay, _piece(question.job, piece)) for delay, piece in recorded.pieces]
        steps.append((recorded.completed_after, lambda at: ReplyCompleted(at, question.job)))
        return steps

    def _clause(self, question: SynthesizeClause) -> Steps | None:
        recorded = self._recorded_answers.clause(question.text)
        if recorded is None:
            return None
        first, rest = recorded.pcm[: recorded.first_samples], recorded.pcm[recorded.first_samples :]
        audio = partial(deliver_audio, self._playout, question.job)
        return [
            (recorded.first_after, partial(audio, first, False)),
            (recorded.complete_after, partial(audio, rest, True)),
        ]

    def _tool(self, question: CallTool) -> Steps:
        recorded = self._recorded_answers.tool(question.name, question.arguments)
        job = question.job
        if recorded is None:
            return [(0, lambda at: ToolFailed(at, job, NOT_RECORDED))]
        return [(recorded.after, lambda at: replace(recorded.answer, at=at, job=job))]


def _piece(job: JobId, piece: str | ToolRequested) -> Delivery:
    if isinstance(piece, str):
        return partial(text_received, job, piece)
    return lambda at: replace(piece, at=at, job=job)
