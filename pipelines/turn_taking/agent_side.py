"""The agent's side of the call: which utterance has the floor, and how it ends."""

import json

from pipelines.turn_taking.clauses import sayable
from pipelines.turn_taking.commands import (
    ClearPlayout,
    ContinueReply,
    EndCall,
    GenerateReply,
    HandOver,
    History,
    PausePlayout,
    ResumePlayout,
)
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import AgentDone, RecordDecision
from pipelines.turn_taking.dialogue import Dialogue
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    HandoverRequested,
    JobId,
    MarkReached,
    PlayoutStarted,
    ReplyCompleted,
    ReplyTextReceived,
    ToolRequested,
)
from pipelines.turn_taking.reasons import Reason, because
from pipelines.turn_taking.reply import Purpose, Reply
from pipelines.turn_taking.self_echo import AgentSpeechLog
from pipelines.turn_taking.time import Nanos, from_ms
from pipelines.turn_taking.tool_use import NO_MODEL, ToolCall, ToolCalls
from pipelines.turn_taking.transitions import AGENT, Agent

TRANSFER = "transfer_call"
"""The tool by which a caller is put through."""
PLAYOUT_GRACE_MS = 3000
"""A mark this late after the audio should have ended is never coming."""


class AgentSide:
    """The agent's machine: the states of `Agent`.

    Results of engines and playout are noted as they come; `advance` decides what follows from them.
    """

    def __init__(self, context: CallContext) -> None:
        self._policy, self._jobs = context.policy, context.jobs
        self._timers, self._ask, self._emit = context.timers, context.questions.ask, context.emit
        self._changed: list[tuple[Reply, Reason | None]] = []
        """Utterances to which something has happened, and why they cannot go on, if so."""
        self.tools = ToolCalls(context)
        self.state = Agent.LISTENING
        self.reply: Reply | None = None
        """The utterance that has the floor."""
        self.voice = AgentSpeechLog()
        self.dialogue = Dialogue(context)
        self.caller_understood = False
        """Whether the caller has said, typed or keyed anything so far."""
        self._idle_since: Nanos = 0
        self._caller_types = False
        self._failures = 0
        self._prompts_used = 0

    @property
    def interruptible(self) -> bool:
        """Whether speech over the present utterance may stop it."""
        barge_in = self._policy.barge_in
        if self.reply is None or not barge_in.enabled or self.reply.purpose == "goodbye":
            return False
        return barge_in.greeting_interruptible or self.reply.purpose != "greeting"

    @property
    def protected(self) -> bool:
        """Whether the clause being heard must be heard to its end."""
        phrases = self._policy.barge_in.protected_phrases
        unheard = (c for c in self.reply.clauses if not c.over) if self.reply else ()
        clause = next(iter(unheard), None)
        if clause is None or not clause.started:
            return False
        return any(phrase.lower() in clause.text.lower() for phrase in phrases)

    @property
    def last_clause(self) -> bool:
        """Whether nothing comes after the clause being heard."""
        reply = self.reply
        if reply is None or not reply.completed:
            return False
        return sum(not clause.over for clause in reply.clauses) <= 1

    # -- taking the floor ---------------------------------------------------------------------

    def _new_reply(
        self, purpose: Purpose, now: Nanos, *, released: bool, history: History = ()
    ) -> Reply:
        return Reply(
            self._jobs.start(),
            purpose,
            asked_at=now,
            policy=self._policy.clauses,
            jobs=self._jobs,
            tools=self.tools,
            emit=self._emit,
            released=released,
            history=history,
        )

    def generate(self, history: History, now: Nanos, *, speculative: bool, reason: Reason) -> Reply:
        """Ask the LLM for a reply; it takes the floor with `take`."""
        reply = self._new_reply("reply", now, released=not speculative, history=history)
        self._emit(GenerateReply(reply.job, history, speculative, reason))
        return reply

    def expect(self, reply: Reply, now: Nanos) -> None:
        """The caller has paused after the words that this reply, made early, answers."""
        reply.early = False
        self._advance_tools(reply, now)

    def take(self, reply: Reply) -> None:
        """Give the floor to this utterance."""
        self.reply = reply
        self._timers.cancel("idle")
        self._move("floor taken")
        reply.release()
        self._changes(reply, self._emptiness(reply))

    def say(self, purpose: Purpose, text: str, now: Nanos, reason: Reason) -> None:
        """Say a sentence of the agent's own; the reason stands with its verdict in the journal."""
        if not sayable(text):
            self._free(now)
            return
        self._emit(RecordDecision("agent_speaks", reason))
        reply = self._new_reply(purpose, now, released=True)
        self.take(reply)
        self._await_reply(now)
        reply.take_text(text, now)
        reply.complete()

    def heard_caller(self, text: str) -> None:
        """The caller's turn is over: it enters the history."""
        self._prompts_used = 0
        self.caller_understood = True
        self.dialogue.caller_said(text)

    # -- results of engines and playout -------------------------------------------------------

    def text_received(self, reply: Reply, event: ReplyTextReceived) -> None:
        """The reply grew."""
        reply.take_text(event.text, event.at)
        self._changes(reply)

    def sentence_whole(self) -> None:
        """Nothing more has come for so long that the sentence must be whole."""
        reply = self.reply
        if reply is not None:
            reply.take_sentence()
            self._changes(reply)

    def text_completed(self, reply: Reply, event: ReplyCompleted) -> None:
        """The reply's text is whole."""
        self._jobs.end(event.job)
        reply.complete()
        self._changes(reply, self._emptiness(reply))

    def synthesized(self, reply: Reply, event: ClauseSynthesized) -> None:
        """A clause has audio."""
        reply.synthesized(event)
        self._changes(reply)

    def started(self, reply: Reply, event: PlayoutStarted) -> None:
        """A clause became audible."""
        reply.started(event)
        clause = next(clause for clause in reply.clauses if clause.job == event.job)
        self.voice.began(clause, event.at + event.egress)
        if reply is self.reply:
            self._first_sound()
        self._changes(reply)

    def mark(self, reply: Reply, event: MarkReached) -> None:
        """A clause was heard to its end."""
        if reply is self.reply:
            self._first_sound()  # its PlayoutStarted may have been lost
        reply.mark(event.job)
        self._changes(reply)

    # -- tools --------------------------------------------------------------------------------

    def tool_requested(self, reply: Reply, event: ToolRequested) -> None:
        """The model asks for a tool."""
        most = self._policy.tools.max_rounds
        if reply.round >= most:
            reason = because("tool_refused", name=event.name, rounds=most)
            self._emit(RecordDecision("tool_refused", reason))
        else:
            reply.ask_for(event)
            self._changes(reply)

    def tool_answered(self, call: ToolCall, reply: Reply | None) -> None:
        """A tool has a result; `reply` asked for it, unless that is gone."""
        self.dialogue.tool_answered(call)
        if reply is not None:
            self._changes(reply)

    def hand_over(self, event: HandoverRequested, call: ToolCall | None) -> None:
        """Another agent has the call; `call` is the tool that asked for it, if one did."""
        reason = because("handover", agent=event.agent)
        self._emit(RecordDecision("handed_over", reason))
        self._emit(HandOver(event.number, event.agent, reason))
        self.dialogue.hand_over(event.prompt, event.summary)
        reply = self.reply
        if call is not None and reply is not None and reply.owns(call.job):
            greeting = event.greeting if sayable(event.greeting) else ""
            if greeting:
                because_greeting = because("handover_greeting", agent=event.agent)
                self._emit(RecordDecision("agent_speaks", because_greeting))
            reply.hand_over(self.dialogue.prompt, greeting)
            self._changes(reply)

    def speak_into_silence(self, text: str) -> bool:
        """Say this while the caller waits for a tool or the first words of a reply, if they do."""
        reply = self.reply
        if reply is None or self.state.held or not reply.has_room:
            return False
        self._emit(RecordDecision("agent_speaks", because("say_requested")))
        reply.interject(text)
        self._changes(reply)
        return True

    def put_through(self, to: str, now: Nanos) -> None:
        """Have the caller put through, as if a model had asked for it."""
        arguments = json.dumps({"to": to}, ensure_ascii=False)
        request = ToolRequested(now, NO_MODEL, 0, TRANSFER, arguments, "transfers", 0)
        self.tools.start(ToolCall(self._jobs.start(), request, 0), NO_MODEL, now)

    def say_goodbye(self, text: str, now: Nanos, reason: Reason) -> None:
        """Hang up after these words, or those of the policy."""
        goodbye = text if sayable(text) else self._policy.agent.goodbye
        if sayable(goodbye):
            self.say("goodbye", goodbye, now, reason)
        else:
            self.hang_up(reason)

    def filler_due(self) -> None:
        """The caller has waited long enough to be told that there is something to wait for."""
        reply = self.reply
        if reply is None:
            return
        rule, filler, after_ms = self._filler(reply)
        if filler:
            self._emit(RecordDecision("agent_speaks", because(rule, waited_ms=after_ms)))
            reply.interject(filler)
            self._changes(reply)

    def _advance_tools(self, reply: Reply, now: Nanos) -> None:
        """Start the tools whose moment has come; go on when all have answered."""
        for call in reply.startable():
            if call.effect == "ends_call":
                self._ask_to_end_call(reply, call)
            else:
                self.tools.start(call, reply.job, now)
        if reply.awaits_tools and not reply.open_calls:
            rounds = reply.round + 1
            job, history = reply.next_round()
            if greeting := reply.take_greeting():
                self._jobs.end(job)
                reply.take_text(greeting, now)
                reply.complete()
                return
            reason = because("tools_answered", rounds=rounds)
            self._emit(ContinueReply(job, reply.job, history, reason))

    def _ask_to_end_call(self, reply: Reply, call: ToolCall) -> None:
        """All words were heard: hang up, but not without a word, nor after a tool that failed."""
        self._jobs.end(call.job)
        if any(other.failed for other in reply.tool_calls if other.round == reply.round):
            call.result = "not done: tell the caller first what failed"
        elif reply.clauses or not sayable(self._policy.agent.goodbye):
            call.result = "the call is over"
            reply.completed = reply.ends_call = True
        else:
            reply.interject(self._policy.agent.goodbye)

    # -- barge-in -----------------------------------------------------------------------------

    def pause(self, reason: Reason) -> None:
        """Fall silent while overlapping speech is judged."""
        if self.reply is not None and self.reply.queued and not self.state.held:
            self._move("held")
            self._timers.cancel("playout")
            self._emit(PausePlayout(reason))

    def resume(self, reason: Reason) -> None:
        """Go on after a false interruption."""
        if self.reply is None:
            return
        if self.state.held:
            self._move("resumed")
            self._emit(ResumePlayout(reason))
        self.reply.release()
        self._changes(self.reply)

    def interrupt(self, reason: Reason) -> bool:
        """Stop the present utterance for good.

        In this order: local playout, synthesis and generation, the far buffer. Returns whether
        the caller had heard any of it, or a tool of it has acted; if not, it leaves no trace in
        the history.
        """
        reply = self.reply
        if reply is None:
            return False
        if reply.queued:
            self.pause(reason)
        reply.cancel(reason)
        if reply.queued:
            self._emit(ClearPlayout(reason))
        self.reply = None
        self._timers.cancel("reply", "sentence", "filler", "playout")
        heard = self.state.audible
        self._move("interrupted" if heard else "reply withdrawn")
        if heard:
            self.dialogue.await_clearing(reply)
        elif reply.acted:
            self.dialogue.heard(reply)
        return heard or reply.acted

    # -- failure and time ---------------------------------------------------------------------

    def failed(self, reply: Reply, why: Reason) -> None:
        """The reply cannot go on."""
        self._changes(reply, why)

    def _fail(self, reply: Reply, now: Nanos, why: Reason) -> None:
        """What of the reply can be heard is heard; otherwise apologise."""
        if reply.being_heard:
            owes_answer = reply.owes_answer
            reply.cut_short(why)
            if reply.purpose == "reply" and (owes_answer or reply.breaks_off):
                self._failures += 1
                reply.purpose = "apology"
                reason = because("apology", why=str(why))
                self._emit(RecordDecision("agent_speaks", reason))
                reply.interject(self._policy.agent.apology)
            self._changes(reply)
            return
        reply.cancel(why)
        self.dialogue.heard(reply)
        self._leave_floor(because("resume_given_up"))
        if reply.purpose == "goodbye":
            self.hang_up(why)
        elif reply.purpose == "reply":
            self.apologise(now, self._policy.agent.apology, because("apology", why=str(why)))
        else:
            self._count_failure(now)
            if self.state is Agent.LISTENING:
                self._free(now)

    def voice_failed(self, reply: Reply, clause: JobId, why: Reason) -> None:
        """A clause could not be spoken, or not whole; if there are others, they can."""
        reply.break_off(clause)
        if len(reply.clauses) > 1 and not reply.ends_broken:
            reply.drop_clause(clause)
            self._changes(reply)
        else:
            self._changes(reply, why)

    def apologise(self, now: Nanos, text: str, reason: Reason) -> None:
        """Say that something went wrong, unless it has too often."""
        self._count_failure(now)
        if self.state is Agent.LISTENING and self.reply is None:
            self.say("apology", text, now, reason)

    def hang_up(self, reason: Reason) -> None:
        """End the call now."""
        if not self.caller_understood:
            self._emit(RecordDecision("caller_unheard", because("no_word_understood")))
        self._emit(EndCall(reason))
        self.reply = None
        self._move("call ended")

    def reply_late(self) -> None:
        """Nothing of the reply has come for too long."""
        if self.reply is not None:
            waited = self._policy.agent.reply_timeout_ms
            self._changes(self.reply, because("reply_timeout", waited_ms=waited))

    def marks_missing(self) -> None:
        """What was handed to playout must have been heard by now."""
        if self.reply is not None:
            reason = because("marks_missing", waited_ms=PLAYOUT_GRACE_MS)
            self._emit(RecordDecision("marks_assumed", reason))
            self._first_sound()
            self.reply.mark_all_queued()
            self._changes(self.reply)

    def nobody_there(self, now: Nanos) -> None:
        """Both have been silent for too long: ask, and in the end hang up."""
        agent = self._policy.agent
        if self._prompts_used < len(agent.idle_prompts):
            prompt = agent.idle_prompts[self._prompts_used]
            self._prompts_used += 1
            unheard = not (self.caller_understood or self._caller_types)
            if self._prompts_used == len(agent.idle_prompts) and unheard:
                prompt = f"{agent.cannot_hear} {prompt}".strip()
            self.say("idle_prompt", prompt, now, because("idle", idle_ms=agent.idle_ms))
        else:
            reason = because("idle_too_long", prompts=self._prompts_used)
            self.say_goodbye("", now, reason)

    def start_idle_timer(self, now: Nanos) -> None:
        """Nobody speaks: ask after a while."""
        self._idle_since = now
        self._timers.set("idle", now + from_ms(self._policy.agent.idle_ms))

    def caller_types(self, now: Nanos) -> None:
        """Somebody is there, though nothing is said: the questions are counted anew."""
        self._prompts_used = 0
        self._caller_types = True
        if self._timers.is_set("idle"):
            self.start_idle_timer(now)

    def sound_heard(self, now: Nanos) -> None:
        """There is sound on the line: whoever makes it may be about to speak."""
        if self._timers.is_set("idle"):
            agent = self._policy.agent
            latest = self._idle_since + from_ms(max(agent.idle_ms, agent.idle_sound_ms))
            self._timers.set("idle", min(now + from_ms(agent.idle_ms), latest))

    # -- deciding -----------------------------------------------------------------------------

    def advance(self, now: Nanos) -> None:
        """See to what has happened: start tools, fail, finish, wait on."""
        while self._changed and self.state is not Agent.ENDED:
            reply, why = self._changed.pop(0)
            if why is None:
                self._progress(reply, now)
            else:
                self._fail(reply, now, why)

    def _changes(self, reply: Reply, failure: Reason | None = None) -> None:
        self._changed.append((reply, failure))
        self._ask("agent")

    def _emptiness(self, reply: Reply) -> Reason | None:
        """Why the utterance that has the floor fails, if it is written and says nothing."""
        empty = reply is self.reply and reply.completed and not reply.has_words
        return because("reply_empty") if empty else None

    def _progress(self, reply: Reply, now: Nanos) -> None:
        """After anything happened to a reply: is it over, and what is waited for?"""
        self._advance_tools(reply, now)
        if reply is not self.reply:
            return
        if reply.makes_no_sound:
            self._fail(reply, now, because("reply_silent"))
            return
        if reply.finished:
            self._finish(reply, now)
            return
        written = reply.awaits_tools or (reply.completed and reply.queued)
        if written and all(clause.complete for clause in reply.clauses):
            self._timers.cancel("reply")
        else:
            self._await_reply(now)
        if reply.being_heard and not self.state.held:
            grace = from_ms(PLAYOUT_GRACE_MS)
            self._timers.set("playout", now + reply.unheard_audio + grace)
        else:
            self._timers.cancel("playout")
        if (due := reply.sentence_due) is None:
            self._timers.cancel("sentence")
        else:
            self._timers.set("sentence", due)
        self._watch_silence(reply, now)

    def _watch_silence(self, reply: Reply, now: Nanos) -> None:
        """While the caller waits and hears nothing, a filler is due some time."""
        _, filler, after_ms = self._filler(reply)
        if not filler or self.state.held:
            self._timers.cancel("filler")
        elif not self._timers.is_set("filler"):
            self._timers.set("filler", now + from_ms(after_ms))

    def _filler(self, reply: Reply) -> tuple[str, str, int]:
        """Why the caller waits in silence, what to say of it, and when; nothing if they do not."""
        agent, tools = self._policy.agent, self._policy.tools
        if reply.silent_wait == "tool":
            return "filler", tools.filler.strip(), tools.filler_after_ms
        if reply.silent_wait == "words" and agent.filler_after_ms:
            rule = "filler_reply_stalled" if reply.has_words else "filler_reply_late"
            return rule, agent.filler.strip(), agent.filler_after_ms
        return "", "", 0

    def _finish(self, reply: Reply, now: Nanos) -> None:
        self._leave_floor(because("resume_heard"))  # its end was on the way when it paused
        heard = reply.heard_text()
        self.dialogue.heard(reply)
        if reply.purpose == "reply":
            self._failures = 0
        done = because("agent_heard")
        self._emit(AgentDone(reply.job, heard, reply.written, interrupted=False, reason=done))
        if reply.purpose == "goodbye":
            self.hang_up(because("goodbye_heard"))
        elif reply.ends_call:
            self.hang_up(because("call_ended_by_tool"))
        elif self._failures >= self._policy.agent.max_failures:
            self.say_goodbye("", now, because("too_many_failures", failures=self._failures))
        else:
            self._free(now)

    def _leave_floor(self, resume: Reason) -> None:
        """The utterance is over. If it was to be silent, the next one must not be."""
        if self.state.held:
            self._emit(ResumePlayout(resume))
        self.reply = None
        self._timers.cancel("reply", "sentence", "filler", "playout")
        self._move("heard to the end" if self.state.audible else "reply withdrawn")

    def _count_failure(self, now: Nanos) -> None:
        self._failures += 1
        if self._failures >= self._policy.agent.max_failures and self.reply is None:
            self.say_goodbye("", now, because("too_many_failures", failures=self._failures))

    def _free(self, now: Nanos) -> None:
        """The utterance is over, heard to the end or not, and none comes after it."""
        self.start_idle_timer(now)
        self._ask("floor", "by_hand")

    def _await_reply(self, now: Nanos) -> None:
        self._timers.set("reply", now + from_ms(self._policy.agent.reply_timeout_ms))

    def _first_sound(self) -> None:
        if not self.state.audible:
            self._move("first sound")

    def _move(self, trigger: str) -> None:
        self.state = AGENT[self.state, trigger]
