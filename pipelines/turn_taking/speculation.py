"""Works ahead of the end of a turn: the reply is begun for words that may be all of them.

A draft is made of the turn's words at some moment. New words either confirm it or throw it away, so
what is made of it (the prompt read, the detectors' view of the words, the reply with its first
clause) is there when the turn is over, or in vain. Drafts begin while the caller still speaks: a
partial transcript is often whole before the voice has faded (in half of the turns of people, by
180 ms in the median).

Compute is charged as the engines report it (WorkDone). Only what is thrown away counts against the
budget: what the answer uses would have been made anyway. The budget is looked at before each step
(the reading of the prompt, the reply with its first clause), and nothing new is asked of the LLM
while work in vain still runs; so a turn wastes at most the budget and one draft's work. The final
transcript is no such step: without it nobody knows when the turn is over.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field

from pipelines.turn_taking.agent_side import AgentSide
from pipelines.turn_taking.caller_turn import CallerTurn, Pause
from pipelines.turn_taking.commands import History, Message, PrepareReply, ScoreEndOfTurn
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.endpointing import fuse
from pipelines.turn_taking.events import EndOfTurnScored, JobId, PartialTranscript, WorkDone
from pipelines.turn_taking.policy import SpeculationPolicy
from pipelines.turn_taking.reasons import Reason, because, milliseconds
from pipelines.turn_taking.reply import Reply
from pipelines.turn_taking.self_echo import words_of
from pipelines.turn_taking.time import Nanos, from_ms


@dataclass(slots=True)
class Draft:
    """The turn's words at some moment, taken for all of them, and what is made of them."""

    words: str
    question: JobId | None = None
    """To the detectors that read, whether the turn ends with these words."""
    judged_by: Nanos = 0
    """Until when their answers are waited for."""
    scores: dict[str, float] = field(default_factory=dict[str, float])
    read: bool = False
    """Whether the LLM has the words, to read or to answer."""
    jobs: list[JobId] = field(default_factory=list[JobId])
    """What is in vain if the turn has other words, beside the reply."""
    reply: Reply | None = None
    withheld: set[str] = field(default_factory=set[str])
    """Rules by which a step was refused, each noted once."""

    @property
    def work(self) -> list[JobId]:
        """All that is in vain if the turn has other words."""
        return self.jobs + ([] if self.reply is None else self.reply.work)


class Speculation:
    """Makes the drafts of one call's turns, one at a time; the turn is handed in."""

    def __init__(self, context: CallContext, agent: AgentSide) -> None:
        self._policy, self._endpointing = context.policy.speculation, context.policy.endpointing
        self._jobs, self._emit = context.jobs, context.emit
        self._agent = agent
        names = [name for name, _ in self._endpointing.weights]
        self.readers = tuple(n for n in names if n in self._endpointing.text_detectors)
        """The detectors that judge words."""
        self._eager_eot_threshold = max(
            self._policy.eager_eot_threshold, self._policy.preemptive_reply_above
        )
        self._reading: JobId = 0
        """The last reading of words so far; live as long as it is under way."""
        self.ledger = SpeculationLedger(self._policy)
        self.draft: Draft | None = None

    @property
    def reply(self) -> Reply | None:
        """The reply made in advance, if there is one."""
        return self.draft.reply if self.draft is not None else None

    # -- words --------------------------------------------------------------------------------

    def words(self, turn: CallerTurn, event: PartialTranscript) -> None:
        """The words so far; perhaps they are whole.

        The LLM reads them, one reading at a time: a slow one falls behind by one, and its queue
        cannot grow. It costs the budget nothing, as nearly all of it is part of the prompt in the
        end.
        """
        policy, text = self._policy, turn.text
        if self._kept(text, event.at) is not None:
            return
        able = (
            policy.prefill_partials and policy.prefill_above <= 1 and policy.budget_ms_per_turn > 0
        )
        if not able or not text or self._agent.reply is not None:
            return
        if self._jobs.is_live(self._reading):
            return
        history = self._history_with(text)
        self._reading = self._jobs.start()
        self._emit(PrepareReply(self._reading, history, because("read_along")))
        if self.readers and self._eager_eot_threshold <= 1:
            self.draft = Draft(text, read=True)
            self._ask_readers(self.draft, turn, event.until, because("words_so_far"))

    def words_final(
        self, turn: CallerTurn, pause: Pause, now: Nanos, *, looped: bool = False
    ) -> None:
        """All the words, if the turn ends with this pause; of a loop, none tells whether it does.

        What was made for the same words goes on.
        """
        if looped:
            self.discard(now)
        draft = self._kept(turn.text, now)
        if draft is not None:
            draft.words = turn.text
            if draft.reply is not None:
                self._agent.expect(draft.reply, now)
            return
        draft = self.draft = Draft(turn.text)
        if self.readers and turn.text and not looped:
            draft.judged_by = now + from_ms(self._endpointing.score_timeout_ms)
            reason = because("final_transcript", words=len(turn.text.split()))
            self._ask_readers(draft, turn, pause.faded, reason)

    def _kept(self, words: str, now: Nanos) -> Draft | None:
        """The draft, if these words confirm it; if not, it is thrown away."""
        draft = self.draft
        if draft is not None and words_of(draft.words) == words_of(words):
            return draft
        self.discard(now)
        return None

    def _ask_readers(self, draft: Draft, turn: CallerTurn, until: Nanos, reason: Reason) -> None:
        draft.question = self._jobs.start()
        self._emit(
            ScoreEndOfTurn(
                draft.question, self.readers, turn.transcribed_from, until, draft.words,
                self._agent.dialogue.prompt, reason,
            )
        )  # fmt: skip

    def scored(self, event: EndOfTurnScored) -> bool:
        """A detector has answered; whether it was asked about the draft."""
        draft = self.draft
        if draft is None or event.job != draft.question:
            return False
        draft.scores[event.detector] = event.probability
        return True

    # -- steps --------------------------------------------------------------------------------

    def answer_early(self, now: Nanos) -> None:
        """While the words may still change: answer them, if they sound whole."""
        draft = self.draft
        if draft is None or draft.reply is not None or self._agent.reply is not None:
            return
        p, threshold = fuse(draft.scores, self._endpointing.weights), self._eager_eot_threshold
        if len(draft.scores) < len(self.readers) or p is None or p < threshold:
            return
        if self.ledger.refusal("the reply", draft.work) is None:
            reply = self._generate(draft, now, because("eager", p=p, threshold=threshold))
            reply.early = True

    def answer_ahead(self, p: float | None, now: Nanos, *, nearly_due: bool) -> None:
        """While the turn may still go on: have its words read, or answered, at this P(end)."""
        policy, draft = self._policy, self.draft
        if draft is None or not draft.words or self._agent.reply is not None:
            return
        reason = None
        if p is not None and p >= policy.preemptive_reply_above:
            reason = because("speculate", p=p, threshold=policy.preemptive_reply_above)
        elif nearly_due and policy.preemptive_reply_above <= 1:
            reason = because("speculate_late")
        if reason is not None:
            if draft.reply is None and self._may(draft, "the reply"):
                self._generate(draft, now, reason)
        elif (
            not draft.read
            and (p or 0.0) >= policy.prefill_above
            and self._may(draft, "reading the prompt")
        ):
            draft.read = True
            job, history = self._jobs.start(), self._history_with(draft.words)
            draft.jobs.append(job)
            self._emit(PrepareReply(job, history, because("prefill")))

    def _may(self, draft: Draft, step: str) -> bool:
        """Whether the budget allows this step in advance; a refusal is noted once a draft."""
        refusal = self.ledger.refusal(step, draft.work)
        if refusal is not None and refusal.rule not in draft.withheld:
            draft.withheld.add(refusal.rule)
            self._emit(RecordDecision("speculation_withheld", refusal))
        return refusal is None

    def _generate(self, draft: Draft, now: Nanos, reason: Reason) -> Reply:
        history = self._history_with(draft.words)
        reply = self._agent.generate(history, now, speculative=True, reason=reason)
        draft.read, draft.reply = True, reply
        return reply

    def _history_with(self, words: str) -> History:
        self._agent.dialogue.settle()
        return (*self._agent.dialogue.prompt, Message("caller", words))

    # -- what becomes of it -------------------------------------------------------------------

    def reply_with(self, job: JobId) -> Reply | None:
        """The reply made in advance, if this is one of its jobs."""
        reply = self.reply
        return reply if reply is not None and reply.owns(job) else None

    def disown(self, reply: Reply) -> bool:
        """Forget this reply, which failed and is asked for again; whether it was made in advance.

        Words that may still change are judged anew.
        """
        draft = self.draft
        if draft is None or draft.reply is not reply:
            return False
        if reply.early:
            self.draft = None
        else:
            draft.reply = None
        return True

    def discard(self, now: Nanos) -> None:
        """The turn has other words, or goes on: what is made of the draft is in vain."""
        draft, self.draft = self.draft, None
        if draft is None:
            return
        self._jobs.end(draft.question)
        self.ledger.throw_away(draft.work)
        reply = draft.reply
        if reply is None:
            return
        rule = "early_in_vain" if reply.early else "speculation_wasted"
        reason = because(rule, lead_ms=milliseconds(now - reply.asked_at))
        reply.cancel(because("words_changed") if reply.early else reason)
        self._emit(RecordDecision("speculation_dropped", reason))

    def turn_over(self) -> None:
        """The turn is over, and its reply was taken from here; no reading is waited for."""
        draft, self.draft = self.draft, None
        self._jobs.end(self._reading, draft.question if draft is not None else None)


class SpeculationLedger:
    """The account of one turn after the other.

    Without any report, as in journals of before there were reports, nothing is known to be wasted
    and only a budget of 0 refuses.
    """

    def __init__(self, policy: SpeculationPolicy) -> None:
        self._budget = from_ms(policy.budget_ms_per_turn)
        self._costs: dict[JobId, Nanos] = {}
        self._in_vain: set[JobId] = set()
        """Thrown away, and not yet known to be over."""
        self._wasted: Nanos = 0
        self._reports = False

    def done(self, event: WorkDone) -> None:
        """An engine says what a job has cost."""
        self._reports = True
        if event.job in self._in_vain:
            self._in_vain.discard(event.job)
            self._wasted += event.cost
        else:
            self._costs[event.job] = event.cost

    def refusal(self, step: str, pending: Iterable[JobId]) -> Reason | None:
        """Why this step must wait for the end of the turn, or None if it may be done now.

        Args:
            step: what it is called in the reason.
            pending: work of the present pause, which may yet turn out to be in vain.
        """
        at_risk = self._wasted + sum(self._costs.get(job, 0) for job in pending)
        if at_risk >= self._budget:
            return because(
                "budget_spent", step=step, spent_ms=milliseconds(at_risk),
                budget_ms=milliseconds(self._budget),
            )  # fmt: skip
        if self._reports and self._in_vain:
            return because("still_in_vain", step=step, jobs=len(self._in_vain))
        return None

    def throw_away(self, jobs: Iterable[JobId]) -> None:
        """The caller went on: this work was in vain."""
        for job in jobs:
            cost = self._costs.pop(job, None)
            if cost is None:
                self._in_vain.add(job)
            else:
                self._wasted += cost

    def close(self) -> float | None:
        """The turn is over: its waste in milliseconds, if there were reports; start anew."""
        wasted_ms = milliseconds(self._wasted) if self._reports else None
        self._costs.clear()
        self._in_vain.clear()
        self._wasted = 0
        return wasted_ms
