"""Whether the caller's turn is over: asks detectors, prepares the reply, waits, decides."""

from dataclasses import dataclass
from typing import Literal

from pipelines.turn_taking.agent_floor import AgentFloor
from pipelines.turn_taking.bookkeeping import Desk
from pipelines.turn_taking.caller_turn import CallerTurn, Pause
from pipelines.turn_taking.commands import (
    FinishTranscription,
    History,
    Message,
    PrepareReply,
    ScoreEndOfTurn,
)
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.endpointing import fuse, silence_before_answering
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.pause_habit import PauseHabit
from pipelines.turn_taking.reasons import Number, Reason, because, milliseconds
from pipelines.turn_taking.speculation import SpeculationLedger
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

    def __init__(self, desk: Desk, floor: AgentFloor) -> None:
        self._policy, self._jobs = desk.policy, desk.jobs
        self._timers, self._emit = desk.timers, desk.emit
        self._floor = floor
        policy = desk.policy.endpointing
        detectors = [name for name, _ in policy.weights]
        self.readers = tuple(d for d in detectors if d in policy.text_detectors)
        """The detectors that judge words."""
        self._listeners = tuple(d for d in detectors if d not in self.readers)
        self.habit = PauseHabit(desk)
        self.ledger = SpeculationLedger(desk.policy.speculation)

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

    def ask_detectors(
        self,
        turn: CallerTurn,
        pause: Pause,
        which: Literal["audio", "text"],
        now: Nanos,
        reason: Reason,
    ) -> None:
        """Ask the detectors that listen, or those that read, once a pause."""
        detectors = self._listeners if which == "audio" else self.readers
        if not detectors or which in pause.asked:
            return
        pause.asked.add(which)
        pause.judged_by = now + from_ms(self._policy.endpointing.score_timeout_ms)
        job = self._jobs.start()
        pause.jobs.append(job)
        start, until = turn.transcribed_from, pause.faded
        self._emit(
            ScoreEndOfTurn(
                job, detectors, start, until, turn.text, self._floor.dialogue.prompt, reason
            )
        )

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

        Called whenever anything about the pause changes. Unless it `may_end`, as in a lull, it is
        only worked ahead. `heard_until` is the media time up to which the caller was heard;
        `sound_under_way` says that they may just have begun to speak again.
        """
        p, wait = self._wait(pause)
        due = pause.speech_end + wait
        if now < due or not may_end:
            lead = due - from_ms(self._policy.speculation.reply_lead_ms)
            self._work_ahead(turn, pause, p, now, nearly_due=now >= lead)
            if may_end:
                self._timers.set("endpoint", lead if now < lead else due)
                self._record_hold(pause, p, due, now)
            return None
        self._timers.cancel("endpoint")
        latest = due + from_ms(self._policy.endpointing.backstop_ms)
        unheard = heard_until < now - STALLED and now < latest
        if unheard:  # nobody knows whether the caller is silent
            self._timers.set("endpoint", latest)
        pause.overdue = sound_under_way or unheard
        if pause.overdue or self._floor.reply is not None:
            return None  # asked again at the next chunk, or when the agent has finished
        self.ask_for_words(turn, pause, now, because("turn_over"))
        if pause.final is None:
            return None  # asked again when it comes, or is late
        if turn.text and self._still_judged(pause, now):
            self._timers.set("endpoint", pause.judged_by)
            return None  # asked again with each answer
        return self._ending(pause, p, wait, now)

    def _wait(self, pause: Pause) -> tuple[float | None, Nanos]:
        """P(end of turn), and the silence it asks for.

        The caller's own pauses count in both; but where the words say that the turn is over and the
        voice does, too, they add no more than `own_pauses_delay_ms` to the wait.
        """
        policy = self._policy.endpointing
        p = fuse(pause.scores, policy.weights, self.habit.log_odds)
        wait = silence_before_answering(p, policy)
        if self.habit.log_odds < 0 and self._is_certain(pause):
            without = silence_before_answering(fuse(pause.scores, policy.weights), policy)
            wait = min(wait, without + from_ms(policy.own_pauses_delay_ms))
        return p, wait

    def _still_judged(self, pause: Pause, now: Nanos) -> bool:
        """Whether a detector that was asked has yet to answer, and has not had its time."""
        asked = len(self._listeners) * ("audio" in pause.asked)
        asked += len(self.readers) * ("text" in pause.asked)
        return len(pause.scores) < asked and now < pause.judged_by

    def _is_certain(self, pause: Pause) -> bool:
        """Whether those that read and those that listen both hold an end for likely."""
        for detectors in (self.readers, self._listeners):
            scores = {name: pause.scores[name] for name in detectors if name in pause.scores}
            p = fuse(scores, self._policy.endpointing.weights)
            if detectors and (p is None or p < LIKELY):
                return False
        return True

    def drop_speculation(self, pause: Pause, now: Nanos) -> None:
        """The caller goes on: what was made in advance was in vain."""
        self.ledger.throw_away(self._work_of(pause))
        if pause.speculation is None:
            return
        lead_ms = milliseconds(now - pause.speculation.asked_at)
        reason = because("speculation_wasted", lead_ms=lead_ms)
        pause.speculation.cancel(reason)
        self._emit(RecordDecision("speculation_dropped", reason))
        pause.speculation = None

    def _work_ahead(
        self, turn: CallerTurn, pause: Pause, p: float | None, now: Nanos, *, nearly_due: bool
    ) -> None:
        """Prepare the reply on the assumption that the turn is over."""
        policy = self._policy.speculation
        if pause.final is None or not turn.text or self._floor.reply is not None:
            return
        reason = None
        if p is not None and p >= policy.reply_above:
            reason = because("speculate", p=p, threshold=policy.reply_above)
        elif nearly_due and policy.reply_above <= 1:
            reason = because("speculate_late")
        if reason is not None:
            if pause.speculation is None and self._may(pause, "the reply"):
                pause.prepared = True
                pause.speculation = self._floor.generate(
                    self._history_with(turn), now, speculative=True, reason=reason
                )
        elif not pause.prepared and (p or 0.0) >= policy.prepare_above:
            if not self._may(pause, "reading the prompt"):
                return
            pause.prepared = True
            job, history = self._jobs.start(), self._history_with(turn)
            pause.ahead.append(job)
            self._emit(PrepareReply(job, history, because("prefill")))

    def _may(self, pause: Pause, step: str) -> bool:
        """Whether the budget allows this step in advance; a refusal is noted once a pause."""
        refusal = self.ledger.refusal(step, self._work_of(pause))
        if refusal is not None and refusal.rule not in pause.withheld:
            pause.withheld.add(refusal.rule)
            self._emit(RecordDecision("speculation_withheld", refusal))
        return refusal is None

    @staticmethod
    def _work_of(pause: Pause) -> list[JobId]:
        """Everything done in advance in this pause."""
        return pause.ahead + ([] if pause.speculation is None else pause.speculation.work)

    def _history_with(self, turn: CallerTurn) -> History:
        self._floor.dialogue.settle()
        return (*self._floor.dialogue.prompt, Message("caller", turn.text))

    def _record_hold(self, pause: Pause, p: float | None, due: Nanos, now: Nanos) -> None:
        """Note once a pause, when all detectors have answered, how long the wait will be."""
        answered = len(pause.scores) == len(self._policy.endpointing.weights)
        if pause.hold_recorded or not answered:
            return
        pause.hold_recorded = True
        reason = because(
            "hold_unscored" if p is None else "hold_by_score",
            **self._scores(pause, p),
            wait_ms=milliseconds(due - pause.speech_end),
            left_ms=milliseconds(due - now),
        )
        self._emit(RecordDecision("turn_held", reason))

    def _ending(self, pause: Pause, p: float | None, wait: Nanos, now: Nanos) -> Ending:
        policy = self._policy.endpointing
        rule = "end_by_score" if p is not None else "end_by_timer"
        if p is not None and wait >= from_ms(policy.backstop_ms):
            rule = "end_by_backstop"
        silence = pause.silence(now)
        silence_ms = milliseconds(silence)
        reason = because(
            rule,
            **self._scores(pause, p),
            silence_ms=silence_ms,
            wait_ms=milliseconds(wait),
            backstop_left_ms=max(0.0, milliseconds(from_ms(policy.backstop_ms) - silence)),
        )
        rounded = None if p is None else round(p, 4)
        return Ending(rounded, pause.speech_end + wait, silence_ms, reason)

    def _scores(self, pause: Pause, p: float | None) -> dict[str, Number]:
        """Numbers of a reason."""
        parts = [f"{name} {score:.2f}" for name, score in sorted(pause.scores.items())]
        if p is not None and self.habit.log_odds:
            parts.append(f"own pauses {self.habit.log_odds:+.2f}")
        listed = f" ({', '.join(parts)})" if parts else ""
        return {"scores": listed} if p is None else {"scores": listed, "p": round(p, 4)}
