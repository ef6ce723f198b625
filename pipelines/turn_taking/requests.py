"""What the agent's own code asks for: done in order, each as soon as nobody speaks."""

from collections import deque

from pipelines.turn_taking.agent_side import AgentSide
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.events import (
    AgentRequest,
    EndRequested,
    HandoverRequested,
    SayRequested,
    TransferRequested,
)
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import Nanos

MOST_WAITING = 20
"""What is asked for beyond that is not done."""


class Requests:
    """Those that wait until neither the agent nor the caller speaks."""

    def __init__(self, context: CallContext, agent: AgentSide) -> None:
        self._ask, self._agent = context.questions.ask, agent
        self._waiting: deque[AgentRequest] = deque()

    def take(self, event: AgentRequest) -> None:
        """Note it, or say it into a silence in which the caller waits for the agent."""
        said_now = (
            isinstance(event, SayRequested)
            and not self._waiting
            and self._agent.speak_into_silence(event.text)
        )
        if said_now:
            return
        if len(self._waiting) < MOST_WAITING:
            self._waiting.append(event)
        self._ask("by_hand")

    def hand_over(self, event: HandoverRequested) -> None:
        """Another agent has the call, and no reply waits for it: it greets when there is time."""
        self._agent.hand_over(event, None)
        if event.greeting:
            self.take(SayRequested(event.at, event.greeting))

    def do_next(self, now: Nanos) -> None:
        """Nobody speaks."""
        if not self._waiting:
            return
        match self._waiting.popleft():
            case SayRequested(text=text):
                self._agent.say("request", text, now, because("say_requested"))
            case TransferRequested(to=to):
                self._agent.put_through(to, now)
                self._ask("by_hand")
            case EndRequested(goodbye=goodbye):
                self._agent.say_goodbye(goodbye, now, because("end_requested"))
