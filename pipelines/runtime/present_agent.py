"""The agent that has the call, of those that it may be handed over to."""

from collections.abc import Callable
from itertools import count

from pipelines.engines.tools import EndCall, Handover, Request, Say, ThisCall, Transfer
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery
from pipelines.turn_taking.agent_side import TRANSFER
from pipelines.turn_taking.commands import HandOver
from pipelines.turn_taking.events import (
    EndRequested,
    HandoverRequested,
    JobId,
    SayRequested,
    TransferRequested,
)

MOST_CHARS = 4000
"""Of a sentence that the agent's code wants said."""


class PresentAgent:
    """Whose LLM, tools and hooks there are at present, and what their code asks of the call."""

    def __init__(self, engines: Engines, call: ThisCall) -> None:
        self._first, self._call = engines, call
        self._name = ""
        self._numbers = count(1)
        self._offered: dict[int, Handover] = {}

    @property
    def engines(self) -> Engines:
        """The engines, as the present agent has them."""
        return self._first.agents.get(self._name, self._first) if self._name else self._first

    def hand_over(self, command: HandOver) -> None:
        """Another agent has the call from now on."""
        self._name = command.agent
        offered = self._offered.pop(command.number, None)
        if offered is not None:
            self._call.agents[offered.name] = offered.agent

    def asks(
        self, put: Callable[[Delivery], None], job: JobId | None = None
    ) -> Callable[[Request], None]:
        """What is to be done with each request of a tool or, without a `job`, of a hook.

        It may be called on any thread; what the core is to hear goes to `put`.
        """

        def ask(request: Request) -> None:
            put(self._delivery(request, job))

        return ask

    def _delivery(self, request: Request, job: JobId | None) -> Delivery:
        """Raises ValueError if there is no such agent or nobody to be put through to."""
        match request:
            case Say(text=text):
                return lambda at: SayRequested(at, text[:MOST_CHARS])
            case EndCall(goodbye=goodbye):
                return lambda at: EndRequested(at, goodbye[:MOST_CHARS])
            case Transfer(to=to):
                if TRANSFER not in self.engines.tools:
                    raise ValueError(f'[tools] builtin does not name "{TRANSFER}" in the profile')
                return lambda at: TransferRequested(at, to)
            case Handover():
                return self._handover(request, job)

    def _handover(self, offered: Handover, job: JobId | None) -> Delivery:
        known = self._first.agents
        if offered.name not in known:
            others = ", ".join(known) or "none"
            raise ValueError(f"there is no agent {offered.name}; there are: {others}")
        number = next(self._numbers)
        self._offered[number] = offered
        return lambda at: HandoverRequested(
            at, job, number, offered.name, offered.prompt, offered.greeting, offered.summary
        )
