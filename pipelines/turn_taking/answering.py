"""Ends the caller's turns: answers them, or drops what was none and asks for what was lost."""

from pipelines.turn_taking.agent_side import AgentSide
from pipelines.turn_taking.caller_side import CallerSide
from pipelines.turn_taking.caller_turn import CallerTurn, Pause
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import RecordDecision, SpokenTurn, TurnEnded
from pipelines.turn_taking.overlap import Overlap
from pipelines.turn_taking.reasons import Reason, because, milliseconds
from pipelines.turn_taking.time import Nanos
from pipelines.turn_taking.transitions import Caller
from pipelines.turn_taking.turn_end import Ending, TurnEnd


class Answering:
    """Decides, whenever something has changed, whether the turn under way is over."""

    def __init__(
        self,
        context: CallContext,
        caller: CallerSide,
        agent: AgentSide,
        end: TurnEnd,
        overlap: Overlap,
    ) -> None:
        self._agent_policy, self._emit, self._ask = (
            context.policy.agent,
            context.emit,
            context.questions.ask,
        )
        self._caller, self._agent = caller, agent
        self._end, self._ahead, self._overlap = end, end.ahead, overlap
        self._asked_again = False
        """Whether the caller was asked to repeat themselves since their last turn."""

    def decide(self, now: Nanos) -> None:
        """End the turn if that is due, or else work ahead."""
        caller = self._caller
        turn, pause = caller.turn, caller.pause
        if turn is None or pause is None or caller.state.over_agent:
            return
        if pause.lost is not None:
            self._give_up(now, pause.lost)
            return
        ending = self._end.consider(
            turn,
            pause,
            now,
            may_end=caller.state is Caller.PAUSED,
            heard_until=caller.heard_until,
            sound_under_way=caller.gate.undecided,
        )
        if ending is None:
            return
        if not turn.text:
            speech_ms = milliseconds(pause.speech_end - turn.onset)
            self._drop(now, because("no_words", speech_ms=speech_ms))
            self._ask_again(speech_ms, now)
        elif self._overlap.is_echo(turn, now):
            self._drop(now, because("own_words_only", text=turn.text))
        else:
            self._answer(turn, pause, now, ending)

    def _answer(self, turn: CallerTurn, pause: Pause, now: Nanos, ending: Ending) -> None:
        agent = self._agent
        agent.dialogue.settle()
        self._asked_again = False
        made_ahead = self._ahead.reply
        self._caller.close("turn ended")
        agent.heard_caller(turn.text)
        reply = made_ahead
        if reply is None:
            committed = because("turn_committed")
            reply = agent.generate(agent.dialogue.prompt, now, speculative=False, reason=committed)
        speech = SpokenTurn(
            transcription=turn.job,
            start=turn.onset,
            end=self._caller.gate.last_sound,
            paused_at=pause.detected_at,
            due=ending.due,
            silence_ms=ending.silence_ms,
            p=ending.p,
            wasted_ms=self._ahead.ledger.close(),
        )
        self._emit(TurnEnded(turn.text, reply.job, speech, ending.reason))
        self._end.prior.ended(reply.job)
        if made_ahead is not None:
            lead_ms = milliseconds(now - reply.asked_at)
            reason = because("speculation_paid", lead_ms=lead_ms, clauses=len(reply.clauses))
            self._emit(RecordDecision("speculation_kept", reason))
        agent.take(reply)

    def _drop(self, now: Nanos, reason: Reason) -> None:
        self._ahead.discard(now)
        self._caller.close("turn dropped")
        self._emit(RecordDecision("turn_dropped", reason))
        if self._agent.reply is None:
            self._agent.start_idle_timer(now)
            self._ask("by_hand")

    def _give_up(self, now: Nanos, why: Reason) -> None:
        """Its words will never be known."""
        self._drop(now, why)
        if self._agent.reply is None:
            self._agent.apologise(now, self._agent_policy.not_heard, because("not_heard"))

    def _ask_again(self, speech_ms: float, now: Nanos) -> None:
        """Say that nothing was understood, where it was probably more than a noise."""
        if self._asked_again or not 0 < self._agent_policy.ask_again_ms <= speech_ms:
            return
        self._asked_again = True
        reason = because("no_words_in_speech", speech_ms=speech_ms)
        self._agent.say("apology", self._agent_policy.not_heard, now, reason)
