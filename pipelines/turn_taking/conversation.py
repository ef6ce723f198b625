"""The turn-taking core: takes events, gives commands.

`Conversation(policy).handle(event)` returns the commands that the event causes; `deadline` is the
moment at which the core wants a DeadlineReached. It does no I/O and reads no clock, so the same
events always give the same commands. The contract follows aioquic (time as an argument) and h11
(state tables, `transitions.py`). What is heard of the caller is noted in
`caller_side.py`, what becomes of the agent's utterance in `agent_side.py`; what follows from both
is decided in `_decide`.
"""

from collections.abc import Callable
from typing import Any, ClassVar

from pipelines.turn_taking.agent_side import AgentSide
from pipelines.turn_taking.answering import Answering
from pipelines.turn_taking.caller_side import CallerSide
from pipelines.turn_taking.commands import Command, History
from pipelines.turn_taking.context import CallContext, Jobs, Questions, TimerName, Timers
from pipelines.turn_taking.decisions import OverlapJudged, RecordDecision, TurnEnded
from pipelines.turn_taking.events import (
    CallEnded,
    CallerTyped,
    CallerTyping,
    CallStarted,
    ClauseSynthesized,
    DeadlineReached,
    DtmfReceived,
    EndOfTurnScored,
    EndRequested,
    EngineFailed,
    EngineRemarked,
    Event,
    FinalTranscript,
    FrameScored,
    HandoverRequested,
    InterruptRequested,
    JobId,
    MarkReached,
    PartialTranscript,
    PlayoutCleared,
    PlayoutStarted,
    ReplyCompleted,
    ReplyPrepared,
    ReplyTextReceived,
    SayRequested,
    ToolFailed,
    ToolFinished,
    ToolRequested,
    TransferRequested,
    WorkDone,
)
from pipelines.turn_taking.keypad import Keypad
from pipelines.turn_taking.overlap import Overlap
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.reasons import Number, Reason, because
from pipelines.turn_taking.reply import Reply
from pipelines.turn_taking.requests import Requests
from pipelines.turn_taking.speculation import Speculation
from pipelines.turn_taking.time import Nanos, from_ms
from pipelines.turn_taking.transitions import Agent, Caller
from pipelines.turn_taking.turn_end import TurnEnd


class Conversation:
    """One call between a caller and the agent.

    Args:
        policy: every threshold and every sentence of the agent's own.
    """

    def __init__(self, policy: Policy) -> None:
        self._policy = policy
        self._out: list[Command] = []
        self._jobs = Jobs()
        self._timers = Timers()
        self._questions = Questions()
        context = CallContext(policy, self._jobs, self._timers, self._questions, self._out.append)
        self._agent = AgentSide(context)
        self._ahead = Speculation(context, self._agent)
        end = TurnEnd(context, self._agent, self._ahead)
        self._caller = CallerSide(context, self._agent, end)
        self._overlap = Overlap(context, self._caller, self._agent, end.prior)
        self._answering = Answering(context, self._caller, self._agent, end, self._overlap)
        self._keypad = Keypad(policy.agent.dtmf_terminator)
        self._requests = Requests(context, self._agent)
        self._typed: list[str] = []
        self._over = False

    @property
    def deadline(self) -> Nanos | None:
        """When to send DeadlineReached; None: nothing is waited for."""
        return None if self._over else self._timers.next

    @property
    def history(self) -> History:
        """The conversation so far: of the agent's words only those that were heard."""
        return self._agent.dialogue.history

    @property
    def words(self) -> str:
        """What the caller has said in the turn under way; empty between turns."""
        turn = self._caller.turn
        return turn.text if turn is not None else ""

    @property
    def caller(self) -> Caller:
        """What the caller is doing."""
        return self._caller.state

    @property
    def agent(self) -> Agent:
        """What the agent is doing."""
        return self._agent.state

    def handle(self, event: Event) -> tuple[Command, ...]:
        """Take one event; the commands it causes, to be carried out at `event.at`.

        Events must come in order of `at`. Results of jobs that were cancelled, finished or never
        asked for do nothing but leave a note in the journal.
        """
        if self._over:
            return ()
        if type(event) is FrameScored:  # nine of ten events: no lookup
            self._caller.frame(event)
        else:
            self._perceive(event)
        if self._questions.raised:
            self._decide(event.at)
        if not self._out:
            return ()
        self._over = self._over or self._agent.state is Agent.ENDED
        commands = tuple(self._out)
        self._out.clear()
        return commands

    def _perceive(self, event: Event) -> None:
        """Note what the event tells, and which questions it raises."""
        if self._is_stale(event):
            job = getattr(event, "job", 0)
            reason = because("stale", event=type(event).__name__, job=job)
            self._out.append(RecordDecision("result_dropped", reason))
        else:
            self._HANDLERS[type(event)](self, event)

    def _decide(self, now: Nanos) -> None:
        """Answer the questions raised, in this order, until the call is over or none is left.

        What the agent then does raises the first one again; the second time through is the last,
        unless it is left with nothing to say.
        """
        asked = self._questions.take
        while self._questions.raised and not self._over:
            if asked("agent"):
                self._agent.advance(now)
            if self._agent.state is Agent.ENDED:
                return
            if asked("overlap"):
                self._overlap.decide(now)
            if asked("floor"):
                self._caller.agent_left_floor(now)
            if asked("end"):
                self._answering.decide(now)
            if asked("by_hand"):
                self._answer_by_hand(now)

    def _is_stale(self, event: Event) -> bool:
        """Whether this is the result of work that no longer matters: the only place that says so.

        PlayoutCleared answers a command rather than a job, remarks and costs are no results, and a
        voice activity detector that fails was never asked.
        """
        job = getattr(event, "job", None)
        if job is None or isinstance(event, PlayoutCleared | EngineRemarked | WorkDone):
            return False
        if isinstance(event, EngineFailed) and event.kind == "vad":
            return False
        if not self._jobs.is_live(job):
            return True
        if isinstance(event, FinalTranscript):
            pause = self._caller.pause
            return pause is None or pause.until != event.until or pause.final is not None
        return False

    # -- the reply and its clauses ------------------------------------------------------------

    def _reply_of(self, job: JobId) -> Reply | None:
        """The reply this job works for; it has the floor or waits for the turn to end."""
        reply = self._agent.reply
        if reply is not None and reply.owns(job):
            return reply
        return self._ahead.reply_with(job)

    def _for_reply(self, event: Any) -> None:
        reply = self._reply_of(event.job)
        if reply is not None:
            self._REPLY_HANDLERS[type(event)](self._agent, reply, event)
        if isinstance(event, MarkReached):
            self._questions.ask("overlap")  # what could not stop it may now

    def _tool_answered(self, event: ToolFinished | ToolFailed) -> None:
        failed = isinstance(event, ToolFailed)
        result = event.message if failed else event.result
        reply = self._reply_of(event.job)
        call = self._agent.tools.answered(event.job, result, event.at, failed=failed)
        if call is not None:
            self._agent.tool_answered(call, reply)
            if call.failed and call.of_a_hook:
                why = because("tool_failed_of_hook", name=call.request.name, why=result)
                self._agent.apologise(event.at, self._policy.agent.apology, why)

    def _hand_over(self, event: HandoverRequested) -> None:
        if event.job is None:
            self._requests.hand_over(event)
            return
        result = f"{event.agent} has the call now"
        call = self._agent.tools.answered(event.job, result, event.at, failed=False)
        if call is not None:
            call.hands_over = True
            self._agent.dialogue.tool_answered(call)
            self._agent.hand_over(event, call)

    def _tools_late(self, now: Nanos) -> None:
        for call in self._agent.tools.overdue(now):
            self._agent.tool_answered(call, self._reply_of(call.job))

    # -- the keypad and the keyboard ----------------------------------------------------------

    def _dtmf(self, event: DtmfReceived) -> None:
        self._timers.cancel("idle")
        self._interrupt_by_hand(event.at, because("interrupted_by_keypad", digit=event.digit))
        if self._keypad.press(event.digit):
            self._keys_done(event.at)
        else:
            self._timers.set("dtmf", event.at + from_ms(self._policy.agent.dtmf_timeout_ms))

    def _keys_done(self, now: Nanos) -> None:
        self._timers.cancel("dtmf")
        self._keypad.complete()
        if self._caller.turn is not None:
            self._caller.add_text(_spoken_keys(self._keypad.take_complete()), now)
        self._questions.ask("by_hand")

    def _typed_text(self, event: CallerTyped) -> None:
        text = event.text.strip()
        if not text:
            return
        self._timers.cancel("idle")
        self._interrupt_by_hand(event.at, because("interrupted_by_typing", text=text), text)
        if self._caller.turn is not None:
            self._caller.add_text(text, event.at)
            return
        self._typed.append(text)
        self._questions.ask("by_hand")

    def _answer_by_hand(self, now: Nanos) -> None:
        """Reply to what was typed or keyed, or do as the agent's code asks, if nobody speaks."""
        if self._agent.reply is not None or self._caller.turn is not None:
            return
        if self._typed:
            text = " ".join(self._typed)
            self._typed.clear()
            self._answer(text, now, "end_by_typing")
        elif digits := self._keypad.take_complete():
            self._answer(_spoken_keys(digits), now, "end_by_keypad", digits=digits)
        else:
            self._requests.do_next(now)

    def _answer(self, text: str, now: Nanos, rule: str, **numbers: Number) -> None:
        """Reply to what was not spoken, and so needs no end of turn to be found."""
        agent = self._agent
        agent.dialogue.settle()
        agent.heard_caller(text)
        committed = because("turn_committed")
        reply = agent.generate(agent.dialogue.prompt, now, speculative=False, reason=committed)
        reason = because(rule, **numbers, text=text)
        self._out.append(TurnEnded(text, reply.job, speech=None, reason=reason))
        agent.take(reply)

    def _interrupt_requested(self, event: InterruptRequested) -> None:
        self._interrupt_by_hand(event.at, because("interrupted_by_request"))
        if self._caller.turn is None and self._agent.reply is None:
            self._agent.start_idle_timer(event.at)

    def _interrupt_by_hand(self, now: Nanos, reason: Reason, text: str = "") -> None:
        """Stop the agent for what needs no judging, if it may be stopped."""
        reply = self._agent.reply
        if reply is not None and self._agent.interruptible and not self._agent.protected:
            judged = OverlapJudged(True, now, now, text, reply.job, reason)
            self._overlap.interrupt(judged)

    # -- what goes wrong ----------------------------------------------------------------------

    def _failed(self, event: EngineFailed) -> None:
        reason = because("engine_failed", kind=event.kind, message=event.message)
        self._out.append(RecordDecision("engine_failed", reason))
        if event.kind == "vad":
            self._agent.hang_up(because("deaf"))
        elif event.kind == "asr":
            self._caller.transcription_failed(event.at, reason)
        elif event.kind == "turn_detector":
            self._questions.ask("end")
        else:
            self._reply_failed(event, reason)

    def _remarked(self, event: EngineRemarked) -> None:
        reason = because("engine_remark", kind=event.kind, text=event.text)
        self._out.append(RecordDecision("engine_remarked", reason))

    def _reply_failed(self, event: EngineFailed, reason: Reason) -> None:
        reply = self._reply_of(event.job)
        if reply is None:
            self._jobs.end(event.job)  # a prompt read in advance: only time is lost
        elif self._ahead.disown(reply):
            reply.cancel(reason)  # asked for again, in earnest, when the turn ends
        elif event.kind == "tts":
            self._agent.voice_failed(reply, event.job, reason)
        else:
            self._agent.failed(reply, reason)

    # -- time and the call --------------------------------------------------------------------

    def _deadline_reached(self, event: DeadlineReached) -> None:
        for name in self._timers.take_due(event.at):
            self._TIMER_HANDLERS[name](self, event.at)

    def _idle(self, now: Nanos) -> None:
        if self._caller.turn is None and self._agent.reply is None:
            self._agent.nobody_there(now)

    def _started(self, event: CallStarted) -> None:
        self._agent.dialogue.begin(event.today)
        self._agent.say("greeting", self._policy.agent.greeting, event.at, because("greeting"))

    def _ended(self, _event: CallEnded) -> None:
        self._over = True
        self._agent.dialogue.settle()

    _HANDLERS: ClassVar[dict[type, Callable[["Conversation", Any], None]]] = {
        CallStarted: _started,
        PartialTranscript: lambda core, event: core._caller.partial(event),
        FinalTranscript: lambda core, event: core._caller.words_final(
            event.text, event.at, looped=event.looped
        ),
        EndOfTurnScored: lambda core, event: core._caller.scored(event),
        ReplyPrepared: lambda core, event: core._jobs.end(event.job),
        ReplyTextReceived: _for_reply,
        ToolRequested: _for_reply,
        ToolFinished: _tool_answered,
        ToolFailed: _tool_answered,
        HandoverRequested: _hand_over,
        SayRequested: lambda core, event: core._requests.take(event),
        TransferRequested: lambda core, event: core._requests.take(event),
        EndRequested: lambda core, event: core._requests.take(event),
        ReplyCompleted: _for_reply,
        ClauseSynthesized: _for_reply,
        PlayoutStarted: _for_reply,
        MarkReached: _for_reply,
        PlayoutCleared: lambda core, event: core._agent.dialogue.cleared(event),
        DtmfReceived: _dtmf,
        CallerTyped: _typed_text,
        CallerTyping: lambda core, event: core._agent.caller_types(event.at),
        InterruptRequested: _interrupt_requested,
        EngineFailed: _failed,
        EngineRemarked: _remarked,
        WorkDone: lambda core, event: core._ahead.ledger.done(event),
        DeadlineReached: _deadline_reached,
        CallEnded: _ended,
    }

    _REPLY_HANDLERS: ClassVar[dict[type, Callable[[AgentSide, Reply, Any], None]]] = {
        ReplyTextReceived: AgentSide.text_received,
        ToolRequested: AgentSide.tool_requested,
        ReplyCompleted: AgentSide.text_completed,
        ClauseSynthesized: AgentSide.synthesized,
        PlayoutStarted: AgentSide.started,
        MarkReached: AgentSide.mark,
    }

    _TIMER_HANDLERS: ClassVar[dict[TimerName, Callable[["Conversation", Nanos], None]]] = {
        "endpoint": lambda core, _now: core._questions.ask("end"),
        "transcript": lambda core, now: core._caller.transcript_late(now),
        "overlap": lambda core, now: core._overlap.unjudged(now),
        "reply": lambda core, _now: core._agent.reply_late(),
        "sentence": lambda core, _now: core._agent.sentence_whole(),
        "tool": _tools_late,
        "filler": lambda core, _now: core._agent.filler_due(),
        "playout": lambda core, _now: core._agent.marks_missing(),
        "idle": _idle,
        "dtmf": _keys_done,
    }


def _spoken_keys(digits: str) -> str:
    return f"[keypad {digits}]"
