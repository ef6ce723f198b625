"""Whether the caller's turn is over: asks for words and scores, waits, decides."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.turn_taking.agent_side import AgentSide
from pipelines.turn_taking.caller_turn import CallerTurn, Pause
from pipelines.turn_taking.commands import FinishTranscription, ScoreEndOfTurn
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.endpointing import CallerPrior, fuse, silence_before_answering
from pipelines.turn_taking.reasons import Number, Reason, because, milliseconds
from pipelines.turn_taking.speculation import Speculation
from pipelines.turn_taking.time import Nanos, from_ms

STALLED: Nanos = from_ms(200)
"""The caller was heard up to a moment that lies so long ago: their line stalls."""
LIKELY = 0.5
"""P from which a detector holds an end for likelier than not."""


@dataclass(frozen=True, slots=True)
class Ending:
    """That the turn is over now."""

    p: float | None
    """P(end of turn); None if no detector had answered."""
    due: Nanos
    """When the silence asked for was reached."""
    silence_ms: float
    reason: Reason


class TurnEnd:
    """Endpointing of one call; the turn and its pause are handed in."""

    def __init__(self, context: CallContext, agent: AgentSide, ahead: Speculation) -> None:
        self._policy, self._jobs = context.policy, context.jobs
        self._timers, self._emit = context.timers, context.emit
        self._agent, self.ahead = agent, ahead
        self._readers = ahead.readers
        names = (name for name, _ in context.policy.endpointing.weights)
        self._listeners = tuple(name for name in names if name not in self._readers)
        """The detectors that judge the voice."""
        self.prior = CallerPrior(context)

    def ask_for_words_ahead(
        self, turn: CallerTurn, pause: Pause, now: Nanos, reason: Reason
    ) -> None:
        """Ask for the final transcript before the turn is over: what it says decides when that is.

        So no budget holds it back, however much was prepared in vain.
        """
        if self._policy.speculation.transcribe:
            self.ask_for_words(turn, pause, now, reason)

    def ask_for_words(self, turn: CallerTurn, pause: Pause, now: Nanos, reason: Reason) -> None:
        """Ask for the final transcript, once a pause."""
        if pause.until is not None:
            return
        pause.until = pause.faded + from_ms(self._policy.gate.post_roll_ms)
        timeout = from_ms(self._policy.endpointing.transcript_timeout_ms)
        self._timers.set("transcript", now + timeout)
        self._emit(FinishTranscription(turn.job, pause.until, reason))

    def ask_listeners(self, turn: CallerTurn, pause: Pause, now: Nanos, reason: Reason) -> None:
        """Ask the detectors that judge the voice, once a pause."""
        if not self._listeners or pause.question is not None:
            return
        pause.question = self._jobs.start()
        pause.judged_by = now + from_ms(self._policy.endpointing.score_timeout_ms)
        self._emit(
            ScoreEndOfTurn(
                pause.question, self._listeners, turn.transcribed_from, pause.faded, turn.text,
                self._agent.dialogue.prompt, reason,
            )
        )  # fmt: skip

    def consider(
        self,
        turn: CallerTurn,
        pause: Pause,
        now: Nanos,
        *,
        may_end: bool,
        heard_until: Nanos,
        sound_under_way: bool,
    ) -> Ending | None:
        """Why to end the turn now, or None: then it is waited for or worked ahead.

        Called whenever anything about the pause changes. Unless it `may_end`, as in a short
        silence, it is only worked ahead. `heard_until` is the media time up to which the caller was
        heard; `sound_under_way` says that they may just have begun to speak again.
        """
        scores = self._scores(pause)
        p, wait = self._wait(scores)
        due = pause.speech_end + wait
        if now < due or not may_end:
            lead = due - from_ms(self._policy.speculation.reply_lead_ms)
            if pause.final is not None:
                self.ahead.answer_ahead(p, now, nearly_due=now >= lead)
            if may_end:
                self._timers.set("endpoint", lead if now < lead else due)
                self._record_hold(pause, scores, p, due, now)
            return None
        self._timers.cancel("endpoint")
        latest = due + from_ms(self._policy.endpointing.backstop_ms)
        unheard = heard_until < now - STALLED and now < latest
        if unheard:  # nobody knows whether the caller is silent
            self._timers.set("endpoint", latest)
        pause.overdue = sound_under_way or unheard
        if pause.overdue or self._agent.reply is not None:
            return None  # asked again at the next chunk, or when the agent has finished
        self.ask_for_words(turn, pause, now, because("turn_over"))
        if pause.final is None:
            return None  # asked again when it comes, or is late
        judged_by = self._judged_by(pause, scores)
        if turn.text and now < judged_by:
            self._timers.set("endpoint", judged_by)
            return None  # asked again with each answer
        return self._ending(pause, scores, p, wait, now)

    def _scores(self, pause: Pause) -> Mapping[str, float]:
        """What is said of the voice and, once the words are final, of those."""
        draft = self.ahead.draft
        if draft is None or pause.final is None:
            return pause.scores
        return {**pause.scores, **draft.scores}

    def _wait(self, scores: Mapping[str, float]) -> tuple[float | None, Nanos]:
        """P(end of turn), and the silence it asks for.

        The caller's own pauses count in both; but where the words say that the turn is over and the
        voice does, too, they add no more than `caller_prior_delay_ms` to the wait.
        """
        policy = self._policy.endpointing
        p = fuse(scores, policy.weights, self.prior.log_odds)
        wait = silence_before_answering(p, policy)
        if self.prior.log_odds < 0 and self._is_certain(scores):
            without = silence_before_answering(fuse(scores, policy.weights), policy)
            wait = min(wait, without + from_ms(policy.caller_prior_delay_ms))
        return p, wait

    def _judged_by(self, pause: Pause, scores: Mapping[str, float]) -> Nanos:
        """Until when to wait for detectors that were asked and have yet to answer; 0: for none."""
        draft = self.ahead.draft
        asked, judged_by = 0, 0
        if pause.question is not None:
            asked, judged_by = len(self._listeners), pause.judged_by
        if draft is not None and draft.question is not None:
            asked, judged_by = asked + len(self._readers), max(judged_by, draft.judged_by)
        return judged_by if len(scores) < asked else 0

    def _is_certain(self, scores: Mapping[str, float]) -> bool:
        """Whether those that read and those that listen both hold an end for likely."""
        for detectors in (self._readers, self._listeners):
            some = {name: scores[name] for name in detectors if name in scores}
            p = fuse(some, self._policy.endpointing.weights)
            if detectors and (p is None or p < LIKELY):
                return False
        return True

    def _record_hold(
        self, pause: Pause, scores: Mapping[str, float], p: float | None, due: Nanos, now: Nanos
    ) -> None:
        """Note once a pause, when all detectors have answered, how long the wait will be."""
        answered = len(scores) == len(self._policy.endpointing.weights)
        if pause.hold_recorded or not answered:
            return
        pause.hold_recorded = True
        reason = because(
            "hold_unscored" if p is None else "hold_by_score",
            **self._numbers(scores, p),
            wait_ms=milliseconds(due - pause.speech_end),
            left_ms=milliseconds(due - now),
        )
        self._emit(RecordDecision("turn_held", reason))

    def _ending(
        self, pause: Pause, scores: Mapping[str, float], p: float | None, wait: Nanos, now: Nanos
    ) -> Ending:
        policy = self._policy.endpointing
        rule = "end_by_score" if p is not None else "end_by_timer"
        if p is not None and wait >= from_ms(policy.backstop_ms):
            rule = "end_by_backstop"
        silence = pause.silence(now)
        silence_ms = milliseconds(silence)
        reason = because(
            rule,
            **self._numbers(scores, p),
            silence_ms=silence_ms,
            wait_ms=milliseconds(wait),
            backstop_left_ms=max(0.0, milliseconds(from_ms(policy.backstop_ms) - silence)),
        )
        rounded = None if p is None else round(p, 4)
        return Ending(rounded, pause.speech_end + wait, silence_ms, reason)

    def _numbers(self, scores: Mapping[str, float], p: float | None) -> dict[str, Number]:
        """The scores as numbers of a reason."""
        parts = [f"{name} {score:.2f}" for name, score in sorted(scores.items())]
        if p is not None and self.prior.log_odds:
            parts.append(f"own pauses {self.prior.log_odds:+.2f}")
        listed = f" ({', '.join(parts)})" if parts else ""
        return {"scores": listed} if p is None else {"scores": listed, "p": round(p, 4)}
