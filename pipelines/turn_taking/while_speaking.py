"""What is made ready while the caller still speaks.

The recogniser's partial transcript is often whole before the voice has faded (in half of the turns
of people, by 180 ms in the median). So the LLM reads along, the detectors that read judge each new
wording, and a wording that sounds whole is answered at once, for the pause to find the reply ready.
"""

from pipelines.turn_taking.agent_floor import AgentFloor
from pipelines.turn_taking.bookkeeping import Desk
from pipelines.turn_taking.caller_turn import CallerTurn, Eager, Pause
from pipelines.turn_taking.commands import (
    Message,
    PrepareReply,
    ScoreEndOfTurn,
)
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.endpointing import fuse
from pipelines.turn_taking.events import EndOfTurnScored, JobId, PartialTranscript
from pipelines.turn_taking.own_words import words_of
from pipelines.turn_taking.reasons import because, milliseconds
from pipelines.turn_taking.speculation import SpeculationLedger
from pipelines.turn_taking.time import Nanos


class WhileSpeaking:
    """Reads along in one call's turns, and answers early; the turn is handed in."""

    def __init__(
        self, desk: Desk, floor: AgentFloor, ledger: SpeculationLedger, readers: tuple[str, ...]
    ) -> None:
        """Take what both work with.

        Args:
            desk: of the call.
            floor: of the agent; makes the replies.
            ledger: pays for replies that turn out to be in vain. Reading along costs it nothing:
                nearly all that is read is part of the prompt in the end.
            readers: the detectors that judge words.
        """
        self._policy, self._weights = desk.policy.speculation, desk.policy.endpointing.weights
        self._jobs, self._emit = desk.jobs, desk.emit
        self._floor = floor
        self._ledger = ledger
        self._readers = readers
        self._threshold = max(self._policy.eager_above, self._policy.reply_above)
        self._reading: JobId = 0
        """The last reading of the prompt; live as long as it is under way."""

    def words(self, turn: CallerTurn, event: PartialTranscript) -> None:
        """The turn has other words than before.

        One reading at a time: a slow LLM falls behind by one, and its queue cannot grow.
        """
        policy = self._policy
        text, eager = turn.text, turn.eager
        if eager is not None:
            if words_of(eager.text) == words_of(text):
                return
            self.drop(turn, event.at)
        able = policy.read_along and policy.prepare_above <= 1 and policy.budget_ms_per_turn > 0
        if not able or not text or self._floor.reply is not None:
            return
        if self._jobs.is_live(self._reading):
            return
        self._floor.dialogue.settle()
        history = self._floor.dialogue.prompt
        self._reading = self._jobs.start()
        read = (*history, Message("caller", text))
        self._emit(PrepareReply(self._reading, read, because("read_along")))
        if self._readers and self._threshold <= 1:
            turn.eager = Eager(text, self._jobs.start())
            self._emit(
                ScoreEndOfTurn(
                    turn.eager.job, self._readers, turn.transcribed_from, event.until, text,
                    history, because("words_so_far"),
                )
            )  # fmt: skip

    def scored(self, eager: Eager, event: EndOfTurnScored) -> None:
        """A detector has judged the words so far: if they are whole, answer them."""
        eager.scores[event.detector] = event.probability
        p, threshold = fuse(eager.scores, self._weights), self._threshold
        if len(eager.scores) < len(self._readers) or p is None or p < threshold:
            return
        if eager.reply is not None or self._floor.reply is not None:
            return
        if self._ledger.refusal("the reply", ()) is None:
            history = (*self._floor.dialogue.prompt, Message("caller", eager.text))
            reason = because("eager", p=p, threshold=threshold)
            eager.reply = self._floor.generate(history, event.at, speculative=True, reason=reason)
            eager.reply.early = True

    def settle(self, turn: CallerTurn, pause: Pause, now: Nanos) -> None:
        """The words are final: what was made for the same words serves the pause."""
        eager = turn.eager
        if eager is None:
            return
        if words_of(eager.text) != words_of(turn.text):
            self.drop(turn, now)
            return
        turn.eager = None
        pause.take_over(eager)
        if eager.reply is not None:
            self._floor.expect(eager.reply, now)

    def turn_over(self, turn: CallerTurn, now: Nanos) -> None:
        """What is not settled by now was in vain; a reading that never ended is forgotten."""
        self.drop(turn, now)
        self._jobs.end(self._reading)

    def drop(self, turn: CallerTurn, now: Nanos) -> None:
        """The words are others now."""
        eager, turn.eager = turn.eager, None
        if eager is None:
            return
        self._jobs.end(eager.job)
        if eager.reply is not None:
            self._ledger.throw_away(eager.reply.work)
            eager.reply.cancel(because("words_changed"))
            reason = because("early_in_vain", lead_ms=milliseconds(now - eager.reply.asked_at))
            self._emit(RecordDecision("speculation_dropped", reason))
