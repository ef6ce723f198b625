"""The caller's side of the call: what is heard of them, and the turn that it makes."""

from pipelines.turn_taking.agent_side import AgentSide
from pipelines.turn_taking.caller_turn import CallerTurn, Pause, join_words
from pipelines.turn_taking.commands import CancelTranscription, StartTranscription
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.events import (
    EndOfTurnScored,
    FrameScored,
    PartialTranscript,
)
from pipelines.turn_taking.reasons import Reason, because, milliseconds
from pipelines.turn_taking.speech_gate import (
    SpeechConfirmed,
    SpeechGate,
    SpeechPaused,
    SpeechPausing,
)
from pipelines.turn_taking.time import Nanos, from_ms
from pipelines.turn_taking.transitions import CALLER, Caller
from pipelines.turn_taking.turn_end import TurnEnd


class CallerSide:
    """The caller's machine: the states of `Caller`.

    It notes what is heard, asks for words and scores, and raises the questions that are answered
    elsewhere: speech over the agent in `overlap.py`, the end of a turn in `answering.py`.
    """

    def __init__(self, context: CallContext, agent: AgentSide, end: TurnEnd) -> None:
        self._policy, self._jobs = context.policy, context.jobs
        self._timers, self._ask, self._emit = context.timers, context.questions.ask, context.emit
        self._agent, self._end, self._ahead = agent, end, end.ahead
        self._transcribed_until: Nanos = 0
        self.gate = SpeechGate(context.policy.gate)
        self.heard_until: Nanos = 0
        """Media time."""
        self.state = Caller.SILENT
        self.turn: CallerTurn | None = None

    @property
    def pause(self) -> Pause | None:
        """The pause within the present turn, if there are both."""
        return self.turn.pause if self.turn is not None else None

    # -- voice --------------------------------------------------------------------------------

    def frame(self, event: FrameScored) -> None:
        """The VAD has judged a chunk."""
        self.heard_until = event.end
        change = self.gate.handle(event, trust_energy=self._agent.reply is None)
        if event.sound_until is not None:
            self._agent.sound_heard(event.at)
        turn = self.turn
        if change is None:
            if turn is not None:
                self._unchanged(turn, event.at)
        elif isinstance(change, SpeechConfirmed):
            if change.by_energy:
                sound_ms = milliseconds(event.end - change.onset)
                self._emit(
                    RecordDecision("detector_deaf", because("heard_late", sound_ms=sound_ms))
                )
            if turn is None:
                self._begin(change.onset, event)
            else:
                self._go_on(turn, change.onset, event)
        elif isinstance(change, SpeechPausing):
            if turn is not None and not self.state.over_agent:
                self._may_pause(turn, change, event)
        elif turn is not None:
            self._move("pause")
            self._pause(turn, change, event)

    def _unchanged(self, turn: CallerTurn, now: Nanos) -> None:
        """The turn speaks on, or is silent for longer."""
        pause = turn.pause
        if self.state is Caller.SPEAKING:
            return
        if self.state.over_agent:
            if self.gate.speaking:
                self._ask("overlap")
        elif pause is None:
            return
        elif self.state is Caller.PAUSING:
            if self.gate.faded > pause.faded:
                self._pausing_over(turn, pause, now)
        elif self.gate.silent_since > pause.speech_end:
            pause.speech_end = self.gate.silent_since  # a soft last word
            self._ask("end")
        elif pause.overdue and not self.gate.undecided:
            self._ask("end")

    def _begin(self, onset: Nanos, event: FrameScored) -> None:
        agent = self._agent
        rule = "speech_over_agent" if agent.reply is not None else "speech_confirmed"
        speech_ms = milliseconds(event.end - onset)
        reason = because(rule, speech_ms=speech_ms, agent=agent.state.value)
        start = max(self._transcribed_until, onset - from_ms(self._policy.gate.pre_roll_ms), 0)
        over_agent = agent.reply is not None and agent.interruptible
        turn = CallerTurn(onset, self._jobs.start(), start, event.at, began_over_agent=over_agent)
        self.turn = turn
        self._move("speech over agent" if over_agent else "speech confirmed")
        self._timers.cancel("idle")
        self._emit(StartTranscription(turn.job, start, reason))
        if not over_agent or agent.reply is None:
            return
        if not agent.reply.any_clause_heard:
            turn.over_beginning_of = agent.reply.job
        if not agent.state.audible:
            agent.reply.hold()
        self._ask("overlap")

    def _go_on(self, turn: CallerTurn, onset: Nanos, event: FrameScored) -> None:
        """The caller speaks again after a pause within the turn."""
        pause, turn.pause = turn.pause, None
        if pause is None:
            return
        self._move("speech confirmed")
        self._timers.cancel("endpoint", "transcript", "overlap")
        long = onset - turn.transcribed_from > from_ms(self._policy.endpointing.carry_over_ms)
        self._drop_pause(pause, event.at)
        over_agent = self.state.over_agent
        if over_agent and self._is_brief(turn, pause.faded):
            turn.onset, turn.detected_at = onset, event.at  # that was another sound
        silence_ms = milliseconds(max(0, onset - pause.speech_end))
        reason = because("speech_went_on", silence_ms=silence_ms)
        self._emit(RecordDecision("turn_resumed", reason))
        if not over_agent:
            self._end.prior.went_on(onset - pause.speech_end)
        if long and pause.final is not None and pause.until is not None:
            turn_ms = milliseconds(onset - turn.onset)
            reason = because("long_turn_carried_over", turn_ms=turn_ms)
            turn.carried = join_words(turn.carried, pause.final)
            turn.stable = turn.unstable = ""
            pre_roll = from_ms(self._policy.gate.pre_roll_ms)
            turn.transcribed_from = max(pause.until, onset - pre_roll)
        self._restart_transcription(turn, reason)

    def _may_pause(self, turn: CallerTurn, change: SpeechPausing, event: FrameScored) -> None:
        """Silence that may become a pause, as most do: have the words and the scores by then."""
        self._move("short silence")
        tentative = Pause(change.end, change.faded, event.at)
        turn.pause = tentative
        reason = because("lull_detected", silence_ms=milliseconds(tentative.silence(event.at)))
        self._end.ask_for_words_ahead(turn, tentative, event.at, reason)
        self._end.ask_listeners(turn, tentative, event.at, reason)

    def _pausing_over(self, turn: CallerTurn, tentative: Pause, now: Nanos) -> None:
        """It was a gap within a word or between two."""
        self._move("speech goes on")
        turn.pause = None
        self._timers.cancel("endpoint", "transcript")
        self._drop_pause(tentative, now)
        if tentative.until is not None:
            silence_ms = milliseconds(self.gate.faded - tentative.faded)
            self._restart_transcription(turn, because("lull_over", silence_ms=silence_ms))

    def _pause(self, turn: CallerTurn, change: SpeechPaused, event: FrameScored) -> None:
        pause = turn.pause
        if pause is None:
            pause = turn.pause = Pause(change.end, change.faded, event.at)
        pause.speech_end, pause.detected_at = change.end, event.at
        silence_ms = milliseconds(pause.silence(event.at))
        reason = because("pause_detected", silence_ms=silence_ms)
        if self.state.over_agent:
            self._end.ask_for_words(turn, pause, event.at, reason)
            resume_after = from_ms(self._policy.barge_in.false_interruption_timeout_ms)
            self._timers.set("overlap", max(change.end + resume_after, event.at))
            if self._agent.state.held and self._is_brief(turn, change.faded):
                sound_ms = milliseconds(change.faded - turn.onset)
                self._agent.resume(because("resume_brief", sound_ms=sound_ms))
            return
        self._end.ask_for_words_ahead(turn, pause, event.at, reason)
        self._end.ask_listeners(turn, pause, event.at, reason)
        self._ask("end")

    def _drop_pause(self, pause: Pause, now: Nanos) -> None:
        """The turn does not end here: what was asked of it, and made for it, is in vain."""
        self._jobs.end(pause.question)
        if pause.final is not None:
            self._ahead.discard(now)

    def _is_brief(self, turn: CallerTurn, end: Nanos) -> bool:
        """Whether a turn that ends here is too short for the agent to stay silent for."""
        return end - turn.onset < from_ms(self._policy.barge_in.brief_ms)

    def _restart_transcription(self, turn: CallerTurn, reason: Reason) -> None:
        """Go on listening under a new job, so that answers to the old questions are stale."""
        self._jobs.end(turn.job)
        turn.job = self._jobs.start()
        self._emit(StartTranscription(turn.job, turn.transcribed_from, reason))

    # -- words --------------------------------------------------------------------------------

    def partial(self, event: PartialTranscript) -> None:
        """The recogniser has a new hypothesis."""
        turn = self.turn
        if turn is None or (turn.pause is not None and turn.pause.final is not None):
            return
        turn.stable, turn.unstable = event.stable, event.unstable
        if self.state.over_agent:
            self._ask("overlap")
        else:
            self._ahead.words(turn, event)

    def words_final(self, text: str, now: Nanos, *, looped: bool = False) -> None:
        """The turn's words are final for this pause; of a loop, only the voice says how it ends."""
        turn, pause = self.turn, self.pause
        if turn is None or pause is None:
            return
        pause.final = text
        self._timers.cancel("transcript")
        if self.state.over_agent:
            self._ask("overlap")
            return
        self._ahead.words_final(turn, pause, now, looped=looped)
        self._ask("end")

    def scored(self, event: EndOfTurnScored) -> None:
        """A detector has answered."""
        pause = self.pause
        of_words = self._ahead.scored(event)
        if of_words and (pause is None or pause.final is None):
            self._ahead.answer_early(event.at)
        elif pause is not None:
            if not of_words:
                pause.scores[event.detector] = event.probability
            self._ask("end")

    def transcript_late(self, now: Nanos) -> None:
        """The final transcript has not come in time: make do with the partial one, if any."""
        turn, pause = self.turn, self.pause
        if turn is None or pause is None or pause.final is not None:
            return
        waited_ms = self._policy.endpointing.transcript_timeout_ms
        reason = because("transcript_late", waited_ms=waited_ms)
        self._emit(CancelTranscription(turn.job, reason))
        self.transcription_failed(now, reason)

    def transcription_failed(self, now: Nanos, reason: Reason) -> None:
        """The recogniser broke down: try again while there is more to hear, else say so."""
        turn, pause = self.turn, self.pause
        if turn is None or (pause is not None and pause.final is not None):
            return
        if pause is not None and self.state is Caller.PAUSING:
            self._pausing_over(turn, pause, now)
        elif pause is None:
            self._restart_transcription(turn, reason)
        elif turn.text or self.state.over_agent:
            self.words_final(join_words(turn.stable, turn.unstable), now)
        else:
            pause.lost = reason
            self._ask("end")

    def add_text(self, text: str, now: Nanos) -> None:
        """Keys were pressed, or words typed, in the midst of the turn."""
        turn, pause = self.turn, self.pause
        if turn is None:
            return
        turn.carried = join_words(turn.carried, text)
        if pause is not None and pause.final is not None and not self.state.over_agent:
            self._ahead.words_final(turn, pause, now)  # others than those that were answered ahead
            self._ask("end")

    # -- what was decided ---------------------------------------------------------------------

    def agent_left_floor(self, now: Nanos) -> None:
        """What was said over the agent is an ordinary turn; it may be in a pause already."""
        turn, pause = self.turn, self.pause
        if turn is None:
            return
        if self.state.over_agent:
            self._move("agent left floor")
        self._timers.cancel("overlap", "idle")
        if pause is None:
            return
        reason = because("pause_detected", silence_ms=milliseconds(pause.silence(now)))
        self._end.ask_listeners(turn, pause, now, reason)
        if pause.final is not None:
            self._ahead.words_final(turn, pause, now)
        else:
            self._end.ask_for_words(turn, pause, now, reason)
        self._ask("end")

    def close(self, trigger: str) -> None:
        """The turn is over, whatever became of it."""
        turn, pause = self.turn, self.pause
        if turn is None or pause is None:
            return
        self._jobs.end(turn.job, pause.question)
        self._ahead.turn_over()
        self._timers.cancel("endpoint", "transcript", "overlap")
        self._transcribed_until = pause.until or pause.faded
        self.turn = None
        self._move(trigger)

    def _move(self, trigger: str) -> None:
        self.state = CALLER[self.state, trigger]
