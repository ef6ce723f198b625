"""What one call's speech over the agent was: gathers what `barge_in.py` judges by."""

from pipelines.turn_taking.agent_floor import AgentFloor
from pipelines.turn_taking.barge_in import BackchannelList, OverlapVerdict, judge_overlap
from pipelines.turn_taking.bookkeeping import Desk
from pipelines.turn_taking.caller_turn import CallerTurn
from pipelines.turn_taking.decisions import OverlapJudged, RecordDecision
from pipelines.turn_taking.own_words import without_own_words
from pipelines.turn_taking.reasons import because, milliseconds
from pipelines.turn_taking.time import Nanos, from_ms


class Overlap:
    """Judges turns that began over the agent, and learns whether the line echoes."""

    def __init__(self, desk: Desk, floor: AgentFloor) -> None:
        self._policy, self._emit = desk.policy.barge_in, desk.emit
        self._floor = floor
        self._backchannels = BackchannelList(self._policy.backchannels, self._policy.cues)
        self._echoes = 0

    @property
    def line_echoes(self) -> bool:
        """Whether the agent has heard itself so often that it need not fall silent to make sure."""
        return self._echoes >= self._policy.echoes_known_after

    def judge(self, turn: CallerTurn, speech: Nanos, now: Nanos) -> OverlapVerdict | None:
        """The verdict on a turn that has lasted for `speech`; None while it is too early."""
        pause = turn.pause
        resume_after = from_ms(self._policy.resume_after_ms)
        return judge_overlap(
            speech,
            turn.settled_text,
            unsettled=turn.text,
            said=self._said_meanwhile(turn, now),
            echoes=self.line_echoes,
            whole=pause is not None and pause.final is not None,
            settled=pause is not None and pause.silence(now) >= resume_after,
            audible=self._floor.state.audible,
            backchannels=self._backchannels,
            policy=self._policy,
        )

    def is_brief(self, turn: CallerTurn, end: Nanos) -> bool:
        """Whether a turn that ends here is too short to stay silent for."""
        return end - turn.onset < from_ms(self._policy.brief_ms)

    def is_echo(self, turn: CallerTurn, now: Nanos) -> bool:
        """Whether the agent has finished and what is left of the turn are its own last words."""
        if not (self.line_echoes and turn.began_over_agent):
            return False
        return not without_own_words(
            turn.text, self._said_meanwhile(turn, now), self._policy.own_words
        )

    def note_echo(self) -> None:
        """The agent has heard itself."""
        self._echoes += 1
        if self._echoes == self._policy.echoes_known_after:
            self._emit(RecordDecision("line_echoes", because("line_echoes", times=self._echoes)))

    def judged(self, turn: CallerTurn, verdict: OverlapVerdict, speech: Nanos) -> OverlapJudged:
        """The verdict with what it rests on, for the journal."""
        text = turn.settled_text
        speech_ms = milliseconds(speech)
        reason = because(verdict.rule, speech_ms=speech_ms, words=verdict.words, text=text)
        reply = self._floor.reply.job if self._floor.reply is not None else 0
        interrupts = verdict.kind == "interrupts"
        return OverlapJudged(interrupts, turn.onset, turn.detected_at, text, reply, reason)

    def _said_meanwhile(self, turn: CallerTurn, now: Nanos) -> str:
        start = turn.transcribed_from
        return self._floor.voice.around(start, now, questions=self.line_echoes)
