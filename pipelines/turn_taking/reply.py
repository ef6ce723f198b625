"""One utterance of the agent: written, cut into clauses, synthesised, played and heard."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.turn_taking.bookkeeping import Jobs
from pipelines.turn_taking.clauses import ClauseSplitter
from pipelines.turn_taking.commands import (
    CancelReply,
    Command,
    PlayClause,
    SynthesizeClause,
)
from pipelines.turn_taking.events import ClauseSynthesized, JobId, PlayoutStarted
from pipelines.turn_taking.heard import heard_words
from pipelines.turn_taking.policy import ClausePolicy
from pipelines.turn_taking.reasons import Reason, because, milliseconds
from pipelines.turn_taking.time import Nanos

Purpose: TypeAlias = Literal["reply", "greeting", "idle_prompt", "apology", "goodbye"]


@dataclass(slots=True)
class Clause:
    """A piece of the utterance on its way to the caller's ear."""

    job: JobId
    text: str
    audio: Nanos = 0
    complete: bool = False
    queued: bool = False
    """Handed to playout."""
    started: bool = False
    heard: bool = False

    def heard_words(self, position: Nanos) -> str:
        """The words that lie before `position`."""
        if self.audio <= 0:
            return ""
        return heard_words(self.text, position / self.audio)


class Reply:
    """Emits SynthesizeClause and PlayClause as its text and audio come in.

    Until it is `released` only its first clause is synthesised and nothing is played: the caller's
    turn may not be over, or they speak and it is not yet clear why.
    """

    def __init__(
        self,
        job: JobId,
        purpose: Purpose,
        *,
        asked_at: Nanos,
        policy: ClausePolicy,
        jobs: Jobs,
        emit: Callable[[Command], None],
        released: bool,
    ) -> None:
        self.job = job
        self.purpose: Purpose = purpose
        self.asked_at = asked_at
        self.written = ""
        self.completed = False
        """Whether all of its text is there."""
        self.released = released
        self._policy = policy
        self._jobs = jobs
        self._emit = emit
        self._splitter = ClauseSplitter(policy)
        self._waiting: list[str] = []
        self.clauses: list[Clause] = []

    @property
    def audible(self) -> bool:
        """Whether the caller has heard any of it."""
        return any(clause.started for clause in self.clauses)

    @property
    def queued(self) -> bool:
        """Whether any of it was handed to playout."""
        return any(clause.queued for clause in self.clauses)

    @property
    def being_heard(self) -> bool:
        """Whether playout has something of it that is not known to be heard."""
        return any(clause.queued and not clause.heard for clause in self.clauses)

    @property
    def finished(self) -> bool:
        """Whether all of it was written and heard."""
        return self.completed and not self._waiting and all(clause.heard for clause in self.clauses)

    @property
    def unheard_audio(self) -> Nanos:
        """Audio handed to playout and not yet known to be heard."""
        return sum(clause.audio for clause in self.clauses if clause.queued and not clause.heard)

    def owns(self, job: JobId) -> bool:
        """Whether the job is this reply's generation or one of its clauses."""
        return job == self.job or any(clause.job == job for clause in self.clauses)

    def take_text(self, text: str) -> None:
        """More text was written."""
        self.written += text
        self._waiting += self._splitter.feed(text)
        self._advance()

    def complete(self) -> None:
        """No more text will come."""
        self.completed = True
        self._waiting += self._splitter.flush()
        self._advance()

    def release(self) -> None:
        """It may be heard from now on."""
        self.released = True
        self._advance()

    def hold(self) -> None:
        """Hand nothing more to playout until released."""
        self.released = False

    def synthesized(self, event: ClauseSynthesized) -> None:
        """More audio of a clause exists."""
        clause = self._clause(event.job)
        clause.audio = max(clause.audio, event.audio)
        clause.complete = clause.complete or event.complete
        if clause.complete and clause.audio == 0:
            clause.heard = True  # nothing in it can be spoken
            self._jobs.end(clause.job)
        self._advance()

    def started(self, event: PlayoutStarted) -> None:
        """A clause became audible."""
        self._clause(event.job).started = True

    def mark(self, job: JobId) -> None:
        """A clause was heard to its end, and so were those before it."""
        for clause in self.clauses:
            clause.heard = clause.started = True
            self._jobs.end(clause.job)
            if clause.job == job:
                break
        self._advance()

    def mark_all_queued(self) -> None:
        """Everything handed to playout counts as heard."""
        last = [clause.job for clause in self.clauses if clause.queued]
        if last:
            self.mark(last[-1])

    def drop_clause(self, job: JobId) -> None:
        """A clause could not be synthesised: go on without it."""
        self._jobs.end(job)
        self.clauses = [clause for clause in self.clauses if clause.job != job]
        self._advance()

    def cut_short(self) -> None:
        """Let what is synthesised be heard and forget the rest."""
        self.completed = True
        self._waiting.clear()
        kept = [clause for clause in self.clauses if clause.queued]
        self._jobs.end(*(clause.job for clause in self.clauses if not clause.queued))
        self.clauses = kept

    def cancel(self, reason: Reason) -> None:
        """Stop all work on it."""
        self._emit(CancelReply(self.job, reason))
        self._jobs.end(self.job, *(clause.job for clause in self.clauses))

    def heard_text(self, clearing: JobId | None = None, position: Nanos = 0) -> str:
        """The words the caller heard; `position` of clause `clearing` is where playout stopped."""
        pieces: list[str] = []
        for clause in self.clauses:
            if clause.job == clearing:
                pieces.append(clause.heard_words(position))
                break
            if not clause.heard:
                break
            pieces.append(clause.text)
        return " ".join(piece for piece in pieces if piece)

    def _clause(self, job: JobId) -> Clause:
        return next(clause for clause in self.clauses if clause.job == job)

    def _advance(self) -> None:
        ahead = self._policy.synthesize_ahead + 1 if self.released else 1
        while self._waiting and sum(not clause.heard for clause in self.clauses) < ahead:
            clause = Clause(self._jobs.start(), self._waiting.pop(0))
            self.clauses.append(clause)
            rule = "first_clause" if len(self.clauses) == 1 else "next_clause"
            reason = because(rule, words=len(clause.text.split()), clause=len(self.clauses))
            self._emit(SynthesizeClause(clause.job, self.job, clause.text, reason))
        if not self.released:
            return
        for clause in self.clauses:
            if clause.queued or clause.heard:
                continue
            if clause.audio == 0:
                break  # clauses are heard in order
            clause.queued = True
            reason = because("clause_ready", audio_ms=milliseconds(clause.audio))
            self._emit(PlayClause(clause.job, reason))
