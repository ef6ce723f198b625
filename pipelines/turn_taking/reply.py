"""One utterance of the agent: written, cut into clauses, synthesised, played and heard."""

from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.turn_taking.clauses import ClauseSplitter, ends_sentence, sayable
from pipelines.turn_taking.commands import (
    CancelReply,
    Command,
    History,
    Message,
    PlayClause,
    SynthesizeClause,
)
from pipelines.turn_taking.context import Jobs
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    JobId,
    PlayoutStarted,
    ToolRequested,
)
from pipelines.turn_taking.heard import said_by
from pipelines.turn_taking.policy import ClausePolicy
from pipelines.turn_taking.reasons import Reason, because, milliseconds
from pipelines.turn_taking.time import Nanos, from_ms
from pipelines.turn_taking.tool_use import ToolCall, ToolCalls

Purpose: TypeAlias = Literal["reply", "greeting", "idle_prompt", "apology", "goodbye", "request"]


@dataclass(slots=True)
class Clause:
    """A piece of the utterance on its way to the caller's ear."""

    job: JobId
    text: str
    round: int
    """The generation it belongs to, from 0: tools stand between two of them."""
    own: bool = True
    """Whether the model wrote it: it is no filler, apology or goodbye of the profile's."""
    audio: Nanos = 0
    complete: bool = False
    queued: bool = False
    """Handed to playout."""
    started: bool = False
    heard: bool = False
    broken: bool = False
    """Its voice broke down: it ends before its text does."""
    silent: bool = False
    """Its voice made no sound of it."""

    @property
    def over(self) -> bool:
        """Whether there is nothing of it left to be heard."""
        return self.heard or self.silent

    def heard_words(self, position: Nanos) -> str:
        """The words that lie before `position`."""
        count = said_by(self.text, position, self.audio, whole=self.complete)
        return " ".join(self.text.split()[:count])


class Reply:
    """Emits SynthesizeClause and PlayClause as its text and audio come in.

    Until it is `released` only its first clause is synthesised and nothing is played: the caller's
    turn may not be over, or they speak and it is not yet clear why.

    A reply that asks for tools is written in rounds: the words before the tools, then, when they
    have answered, those after them.
    """

    def __init__(
        self,
        job: JobId,
        purpose: Purpose,
        *,
        asked_at: Nanos,
        policy: ClausePolicy,
        jobs: Jobs,
        tools: ToolCalls,
        emit: Callable[[Command], None],
        released: bool,
        history: History = (),
    ) -> None:
        self.job = job
        self.generation = job
        """What writes it: the job itself, or its continuation after tools."""
        self.purpose: Purpose = purpose
        self.asked_at = asked_at
        self.written = ""
        self._written_at = asked_at
        self.completed = False
        """Whether all of its text is there."""
        self.released = released
        self.early = False
        """Whether it answers words that the caller may not have ended: no tool may start for it."""
        self.round = 0
        self.tool_calls: list[ToolCall] = []
        self.ends_call = False
        """Whether to hang up when it was heard."""
        self.has_words = False
        """Whether the model wrote anything that can be said."""
        self._policy = policy
        self._jobs = jobs
        self._tools = tools
        self._emit = emit
        self._history = history
        self._greeting = ""
        """Of another agent that has the call now."""
        self._splitter = ClauseSplitter(policy)
        self._waiting: list[tuple[int, str, bool]] = []
        """Clauses to come: round, text, and whether it is the model's own."""
        self._round_begun = False
        """Whether anything was written in this round."""
        self._round_answers = False
        """Whether this round has words of the model's own."""
        self._round_over = False
        self._filled = False
        """Whether the caller was told of this round's wait."""
        self._bridging = False
        """Whether nothing was written since they were."""
        self._cut_short = False
        self.clauses: list[Clause] = []

    @property
    def small_talk(self) -> bool:
        """Whether it only asks if somebody is there, or apologises, in words of the profile."""
        return not self._history and self.purpose in ("idle_prompt", "apology")

    @property
    def any_clause_heard(self) -> bool:
        """Whether the caller has heard any of its clauses to the end."""
        return any(clause.heard for clause in self.clauses)

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
        return self.completed and self.caught_up

    @property
    def caught_up(self) -> bool:
        """Whether all that was written so far was heard."""
        return not self._waiting and all(clause.over for clause in self.clauses)

    @property
    def makes_no_sound(self) -> bool:
        """Whether it is over, and there was nothing to hear of it, or since its tools answered."""
        if not self.finished or self.ends_call or self._cut_short:
            return False
        asked = (call.round for call in self.tool_calls if call.effect in {"reads", "acts"})
        since = max(asked, default=-1)
        audible = (clause for clause in self.clauses if not clause.silent)
        if self.purpose == "reply":
            audible = (clause for clause in audible if clause.own and clause.round > since)
        return next(audible, None) is None

    @property
    def awaits_tools(self) -> bool:
        """Whether it goes on only when its tools have answered."""
        return self._round_over and not self.completed

    @property
    def open_calls(self) -> list[ToolCall]:
        """Tools asked for in this round that have not answered."""
        return [call for call in self._round_calls if call.open]

    @property
    def silent_wait(self) -> Literal["tool", "words"] | None:
        """What the caller waits for and hears nothing: a tool at work, or the model's next words.

        None too when they were told of it.
        """
        return None if self._filled else self._waits_for

    @property
    def has_room(self) -> bool:
        """Whether another sentence would be heard at once and would cut none of its own apart."""
        waits_for = self._waits_for
        return waits_for == "tool" or (waits_for == "words" and not self._round_begun)

    @property
    def _waits_for(self) -> Literal["tool", "words"] | None:
        if not self.released or not self.caught_up:
            return None
        if self._round_over:
            running = (call for call in self.open_calls if call.started is not None)
            return "tool" if any(call.effect in {"reads", "acts"} for call in running) else None
        return "words" if self.purpose == "reply" else None

    @property
    def acted(self) -> bool:
        """Whether it has changed something outside that cannot be taken back."""
        return any(call.started is not None and call.effect != "reads" for call in self.tool_calls)

    @property
    def owes_answer(self) -> bool:
        """Whether it has said nothing of its own yet, or since it asked for tools or for time."""
        waits_for_tools = self.tool_calls and not (self.round and self._round_answers)
        return not self.has_words or self._bridging or bool(waits_for_tools)

    @property
    def ends_broken(self) -> bool:
        """Whether its voice broke down in its last words, some of which can be heard."""
        last = self.clauses[-1] if self.clauses else None
        return self.completed and not self._waiting and bool(last and last.broken and last.queued)

    @property
    def breaks_off(self) -> bool:
        """Whether what the caller is to hear of it stops in the midst of a sentence."""
        last = next((clause for clause in reversed(self.clauses) if not clause.silent), None)
        return last is not None and (last.broken or not ends_sentence(last.text))

    @property
    def _round_calls(self) -> list[ToolCall]:
        return [call for call in self.tool_calls if call.round == self.round]

    @property
    def unheard_audio(self) -> Nanos:
        """Audio handed to playout and not yet known to be heard."""
        return sum(clause.audio for clause in self.clauses if clause.queued and not clause.heard)

    def owns(self, job: JobId) -> bool:
        """Whether the job is this reply's generation, one of its clauses or of its tools."""
        return (
            job in {self.job, self.generation}
            or any(clause.job == job for clause in self.clauses)
            or any(call.job == job for call in self.tool_calls)
        )

    @property
    def sentence_due(self) -> Nanos | None:
        """When what is written is to be taken for a whole sentence, if nothing more comes."""
        after_ms = self._splitter.sentence_after()
        return None if after_ms is None else self._written_at + from_ms(after_ms)

    def take_sentence(self) -> None:
        """Nothing more has come until `sentence_due`: speak what is whole."""
        self._queue(self._splitter.flush_sentence())

    def take_text(self, text: str, now: Nanos) -> None:
        """More text was written."""
        self._written_at = now
        if not self._round_begun and self.written and not self.written[-1].isspace():
            text = f" {text}"
        self._round_begun = True
        if sayable(text):
            self.has_words = self._round_answers = True
            self._bridging = False
        self.written += text
        self._queue(self._splitter.feed(text))

    def complete(self) -> None:
        """No more text will come, unless tools were asked for: then after those."""
        self._round_over = True
        self.completed = not self._round_calls
        self._queue(self._splitter.flush())

    def hand_over(self, history: History, greeting: str) -> None:
        """What its tools are followed by is another agent's, who has this history."""
        self._history, self._greeting = history, greeting

    def take_greeting(self) -> str:
        """What the other agent is to say first; once."""
        greeting, self._greeting = self._greeting, ""
        return greeting

    def interject(self, text: str) -> None:
        """Say a sentence of the agent's own after what was written so far."""
        self._filled = self._bridging = True
        self.written = f"{self.written.rstrip()} {text}".lstrip()
        self._queue([text], own=False)

    def ask_for(self, event: ToolRequested) -> None:
        """The model asks for a tool; once, however often that is told."""
        if all(call.request.index != event.index for call in self._round_calls):
            self.tool_calls.append(ToolCall(self._jobs.start(), event, self.round))

    def startable(self) -> list[ToolCall]:
        """Tools whose moment has come: some only when the turn is over and the words were heard."""
        if self.early:
            return []
        waiting = [call for call in self.open_calls if call.started is None]
        now = [call for call in waiting if call.effect == "reads"]
        if not self.released:
            return now
        now += [call for call in waiting if call.effect == "acts"]
        in_order = self._round_over and self.caught_up and waiting == self.open_calls
        return now or (waiting[:1] if in_order else [])

    def next_round(self) -> tuple[JobId, History]:
        """Its tools have answered: the job that writes on, and the history to write it from."""
        to_hear = [(clause.round, clause.text) for clause in self.clauses if not clause.silent]
        to_hear += [(number, text) for number, text, _ in self._waiting]
        said = self._by_round(to_hear)
        written = tuple(message for message, _ in self._transcript(said))
        self.round += 1
        self._round_begun = self._round_answers = self._round_over = self._filled = False
        self._splitter = ClauseSplitter(self._policy)
        self.generation = self._jobs.start()
        return self.generation, (*self._history, *written)

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
            clause.silent = True
            self._jobs.end(clause.job)
        self._advance()

    def started(self, event: PlayoutStarted) -> None:
        """A clause became audible."""
        self._clause(event.job).started = True

    def mark(self, job: JobId) -> None:
        """A clause was heard to its end, and so were those before it."""
        for clause in self.clauses:
            clause.heard = clause.started = not clause.silent
            self._jobs.end(clause.job)
            if clause.job == job:
                break
        self._advance()

    def mark_all_queued(self) -> None:
        """Everything handed to playout counts as heard."""
        last = [clause.job for clause in self.clauses if clause.queued]
        if last:
            self.mark(last[-1])

    def break_off(self, job: JobId) -> None:
        """The voice broke down in this clause: what there is of it is all that can be heard."""
        clause = self._clause(job)
        clause.complete = clause.broken = True

    def drop_clause(self, job: JobId) -> None:
        """A clause could not be synthesised, or not whole: go on without what is missing."""
        clause = self._clause(job)
        if not clause.queued:
            self._jobs.end(job)
            self.clauses.remove(clause)
        self._advance()

    def cut_short(self, reason: Reason) -> None:
        """Let what is synthesised be heard and forget the rest."""
        self.completed = self._cut_short = True
        self._waiting.clear()
        self._splitter = ClauseSplitter(self._policy)
        kept = [clause for clause in self.clauses if clause.queued]
        self._jobs.end(*(clause.job for clause in self.clauses if not clause.queued))
        self._jobs.end(self.job, self.generation)
        self.clauses = kept
        self._tools.give_up(self.open_calls, reason)

    @property
    def work(self) -> list[JobId]:
        """The jobs that have made it so far, its own and its clauses'."""
        return [self.job, *(clause.job for clause in self.clauses)]

    def cancel(self, reason: Reason) -> None:
        """Stop all work on it, but for tools that cannot be stopped."""
        self._emit(CancelReply(self.job, reason))
        self._jobs.end(self.job, self.generation, *(clause.job for clause in self.clauses))
        self._tools.give_up(self.open_calls, reason)

    def heard_text(self, clearing: JobId | None = None, position: Nanos = 0) -> str:
        """The words the caller heard; `position` of clause `clearing` is where playout stopped."""
        heard = self._heard(clearing, position)
        return " ".join(text for _, text in heard)

    def transcript(
        self, clearing: JobId | None = None, position: Nanos = 0
    ) -> Iterator[tuple[Message, ToolCall | None]]:
        """What the history keeps of it, with the tool that each result is of.

        The words heard, as `heard_text` has them, and every tool that had an effect or an answer.
        """
        return self._transcript(self._by_round(self._heard(clearing, position)))

    def _by_round(self, pieces: Iterable[tuple[int, str]]) -> list[str]:
        """The words of each round so far."""
        texts: list[list[str]] = [[] for _ in range(self.round + 1)]
        for number, text in pieces:
            texts[number].append(text)
        return [" ".join(round_texts) for round_texts in texts]

    def _transcript(self, words: Iterable[str]) -> Iterator[tuple[Message, ToolCall | None]]:
        for number, text in enumerate(words):
            if text:
                yield Message("agent", text), None
            for call in self.tool_calls:
                if call.hands_over:
                    continue
                if call.round == number and (call.unstoppable or not call.open):
                    asked, result = call.messages()
                    yield asked, None
                    yield result, call

    def _heard(self, clearing: JobId | None, position: Nanos) -> list[tuple[int, str]]:
        """The words heard of each clause, with its round."""
        pieces: list[tuple[int, str]] = []
        for clause in self.clauses:
            if clause.job == clearing:
                pieces.append((clause.round, clause.heard_words(position)))
                break
            if not clause.over:
                break
            if clause.heard:
                pieces.append((clause.round, clause.text))
        return [(number, text) for number, text in pieces if text]

    def _queue(self, texts: list[str], *, own: bool = True) -> None:
        self._waiting += [(self.round, text, own) for text in texts if sayable(text)]
        self._advance()

    def _clause(self, job: JobId) -> Clause:
        return next(clause for clause in self.clauses if clause.job == job)

    def _advance(self) -> None:
        ahead = self._policy.synthesize_ahead + 1 if self.released else 1
        while self._waiting and sum(not clause.over for clause in self.clauses) < ahead:
            number, text, own = self._waiting.pop(0)
            clause = Clause(self._jobs.start(), text, number, own)
            self.clauses.append(clause)
            rule = "first_clause" if len(self.clauses) == 1 else "next_clause"
            reason = because(rule, words=len(clause.text.split()), clause=len(self.clauses))
            self._emit(SynthesizeClause(clause.job, self.job, clause.text, reason))
        if not self.released:
            return
        for clause in self.clauses:
            if clause.queued or clause.over:
                continue
            if clause.audio == 0:
                break  # clauses are heard in order
            clause.queued = True
            reason = because("clause_ready", audio_ms=milliseconds(clause.audio))
            self._emit(PlayClause(clause.job, reason))
