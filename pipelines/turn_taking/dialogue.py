"""What the LLM is told was said."""

from dataclasses import replace

from pipelines.turn_taking.commands import History, Message
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import AgentDone
from pipelines.turn_taking.events import JobId, PlayoutCleared
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.reply import Reply
from pipelines.turn_taking.time import Nanos
from pipelines.turn_taking.tool_use import ToolCall


class Dialogue:
    """The conversation so far; of the agent's words only those that were heard."""

    def __init__(self, context: CallContext) -> None:
        self._emit = context.emit
        self._agent_policy = context.policy.agent
        self._today = ""
        self._system = self._agent_policy.prompt_on("")
        self._summary = ""
        """Of what was said before `_since`."""
        self._messages: list[Message] = []
        self._since = 0
        """Place of the first message that the LLM is told."""
        self._unread: set[int] = set()
        """Places of others that it is not told."""
        self._clearing: Reply | None = None

    def begin(self, today: str) -> None:
        """The call has begun, on this day."""
        self._today = today
        self._system = self._agent_policy.prompt_on(today)

    def hand_over(self, prompt: str, summary: str | None) -> None:
        """Another agent has the call.

        It is told `summary` in place of all that was said, but for a turn of the caller's that is
        not answered yet; None: it is told everything.
        """
        if prompt:
            self._system = replace(self._agent_policy, system_prompt=prompt).prompt_on(self._today)
        if summary is not None:
            self._summary = summary.strip()
            asks = bool(self._messages) and self._messages[-1].role == "caller"
            self._since = len(self._messages) - asks

    @property
    def history(self) -> History:
        """All messages, oldest first."""
        return (*self._told_first, *self._messages)

    @property
    def _told_first(self) -> History:
        text = "\n\n".join(filter(None, (self._system, self._summary)))
        return (Message("system", text),) if text else ()

    @property
    def prompt(self) -> History:
        """What the LLM is told of them.

        Not the questions to a silent caller and the apologies: a small model learns to say them.
        """
        told = range(self._since, len(self._messages))
        messages = (self._messages[at] for at in told if at not in self._unread)
        return (*self._told_first, *messages)

    def caller_said(self, text: str) -> None:
        """The caller's turn is over."""
        self._messages.append(Message("caller", text))

    def take_back(self) -> str:
        """Take the caller's last message out again, as the turn goes on; its text."""
        if self._messages and self._messages[-1].role == "caller":
            return self._messages.pop().text
        return ""

    def heard(self, reply: Reply, clearing: JobId | None = None, position: Nanos = 0) -> None:
        """Keep what was heard of a reply, and what its tools did; some may still run.

        `clearing` is the clause in whose midst playout stopped, `position` into its audio.
        """
        for message, call in reply.transcript(clearing, position):
            if call is not None:
                call.place = len(self._messages)
            if reply.small_talk:
                self._unread.add(len(self._messages))
            self._messages.append(message)

    def tool_answered(self, call: ToolCall) -> None:
        """A tool has a result, perhaps after what was heard of its reply was kept."""
        if call.place is not None:
            self._messages[call.place] = call.messages()[1]

    # -- a reply that was interrupted ---------------------------------------------------------

    def await_clearing(self, reply: Reply) -> None:
        """How much of this reply was heard is not known until playout says where it stopped."""
        self._clearing = reply

    def cleared(self, event: PlayoutCleared) -> None:
        """Playout has stopped where `event` says."""
        if self._clearing is not None:
            self._settle(self._clearing, event.job, event.position)

    def settle(self) -> None:
        """Before the history is used: if playout never said where it stopped, go by the marks."""
        if self._clearing is not None:
            self._settle(self._clearing, None, 0)

    def _settle(self, reply: Reply, clause: JobId | None, position: Nanos) -> None:
        self._clearing = None
        heard = reply.heard_text(clause, position)
        self.heard(reply, clause, position)
        reason = because(
            "agent_interrupted",
            heard_words=len(heard.split()),
            written_words=len(reply.written.split()),
        )
        self._emit(AgentDone(reply.job, heard, reply.written, interrupted=True, reason=reason))
