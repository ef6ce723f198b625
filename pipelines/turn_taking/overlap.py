"""Speech over the agent: gathers what `barge_in.py` judges it by, and acts on the verdict."""

from dataclasses import replace

from pipelines.turn_taking.agent_side import AgentSide
from pipelines.turn_taking.barge_in import (
    BackchannelList,
    OverlapEvidence,
    OverlapVerdict,
    judge_overlap,
)
from pipelines.turn_taking.caller_side import CallerSide
from pipelines.turn_taking.caller_turn import CallerTurn, join_words
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import OverlapJudged, RecordDecision
from pipelines.turn_taking.endpointing import CallerPrior
from pipelines.turn_taking.reasons import because, milliseconds
from pipelines.turn_taking.self_echo import without_self_echo
from pipelines.turn_taking.time import Nanos, from_ms


class Overlap:
    """Judges turns that began over the agent, and learns whether the line echoes."""

    def __init__(
        self, context: CallContext, caller: CallerSide, agent: AgentSide, prior: CallerPrior
    ) -> None:
        self._policy, self._ask, self._emit = (
            context.policy.barge_in,
            context.questions.ask,
            context.emit,
        )
        self._caller, self._agent, self._prior = caller, agent, prior
        self._backchannels = BackchannelList(
            self._policy.backchannels, self._policy.interruption_phrases
        )
        self._echoes = 0

    @property
    def line_echoes(self) -> bool:
        """Whether the agent has heard itself so often that it need not fall silent to make sure."""
        return self._echoes >= self._policy.self_echo_known_after

    def decide(self, now: Nanos) -> None:
        """Judge what is said over the agent, if anything is."""
        caller, agent = self._caller, self._agent
        turn, pause = caller.turn, caller.pause
        if turn is None or not caller.state.over_agent or agent.reply is None or agent.protected:
            return  # asked again when a clause has been heard
        speech = max(0, caller.gate.faded - turn.onset)
        verdict = self._judge(turn, speech, now)
        if verdict is None:
            long_enough = speech >= from_ms(self._policy.pause_after_ms)
            if long_enough and pause is None and not self.line_echoes:
                agent.pause(because("overlap_to_judge", speech_ms=milliseconds(speech)))
            return
        judged = self._judged(turn, verdict, speech)
        if judged.interrupts:
            self.interrupt(judged)
        elif verdict.rule == "overlap_too_short" and agent.last_clause:
            # Perhaps an answer a little too soon: it stays, to be a turn when the agent is done.
            reason = because("overlap_kept", speech_ms=milliseconds(speech), text=judged.text)
            self._emit(replace(judged, reason=reason))
            agent.resume(because("resume_ignored"))
        elif pause is not None:
            self._emit(judged)
            if verdict.rule == "overlap_own_words":
                self._note_echo()
            caller.close("overlap ignored")
            agent.resume(because("resume_ignored"))

    def interrupt(self, judged: OverlapJudged) -> None:
        """Stop the agent; what the caller says is an ordinary turn from here on."""
        self._emit(judged)
        turn, reply = self._caller.turn, self._agent.reply
        heard = self._agent.interrupt(judged.reason)
        if turn is not None and turn.over_beginning_of is not None:
            self._prior.cut_into(turn.over_beginning_of)
        if not heard and reply is not None and reply.purpose == "reply" and turn is not None:
            turn.carried = join_words(self._agent.dialogue.take_back(), turn.carried)
            self._emit(RecordDecision("turn_reopened", because("reopened")))
        self._ask("floor")

    def unjudged(self, now: Nanos) -> None:
        """Silence after overlapping speech, and still no verdict: the agent goes on meanwhile."""
        pause = self._caller.pause
        if pause is not None and pause.final is not None:
            self._ask("overlap")
        elif pause is not None:
            silence_ms = milliseconds(pause.silence(now))
            self._agent.resume(because("resume_unjudged", silence_ms=silence_ms))

    def is_echo(self, turn: CallerTurn, now: Nanos) -> bool:
        """Whether the agent has finished and what is left of the turn are its own last words."""
        if not (self.line_echoes and turn.began_over_agent):
            return False
        return not without_self_echo(
            turn.text, self._said_meanwhile(turn, now), self._policy.self_echo_words
        )

    def _judge(self, turn: CallerTurn, speech: Nanos, now: Nanos) -> OverlapVerdict | None:
        """The verdict on a turn that has lasted for `speech`; None while it is too early."""
        pause = turn.pause
        resume_after = from_ms(self._policy.false_interruption_timeout_ms)
        evidence = OverlapEvidence(
            duration=speech,
            settled=turn.settled_text,
            heard=turn.text,
            said=self._said_meanwhile(turn, now),
            line_echoes=self.line_echoes,
            whole=pause is not None and pause.final is not None,
            over=pause is not None and pause.silence(now) >= resume_after,
            audible=self._agent.state.audible,
        )
        return judge_overlap(evidence, self._backchannels, self._policy)

    def _note_echo(self) -> None:
        """The agent has heard itself."""
        self._echoes += 1
        if self._echoes == self._policy.self_echo_known_after:
            self._emit(RecordDecision("line_echoes", because("line_echoes", times=self._echoes)))

    def _judged(self, turn: CallerTurn, verdict: OverlapVerdict, speech: Nanos) -> OverlapJudged:
        """The verdict with what it rests on, for the journal."""
        text = turn.settled_text
        speech_ms = milliseconds(speech)
        reason = because(verdict.rule, speech_ms=speech_ms, words=verdict.words, text=text)
        reply = self._agent.reply.job if self._agent.reply is not None else 0
        interrupts = verdict.kind == "interrupts"
        return OverlapJudged(interrupts, turn.onset, turn.detected_at, text, reply, reason)

    def _said_meanwhile(self, turn: CallerTurn, now: Nanos) -> str:
        start = turn.transcribed_from
        return self._agent.voice.around(start, now, questions=self.line_echoes)
