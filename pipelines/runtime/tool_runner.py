"""Runs the tools that the core calls.

A tool blocks, so it runs on a thread of its own, and its lane is left when nobody waits for it any
more. One that acts is never stopped: it runs to its end even if the call is over.
"""

import json
from collections.abc import Callable, Iterator, Mapping
from contextvars import copy_context
from dataclasses import replace
from functools import partial

import soxr

from pipelines.engines.closing import closing
from pipelines.engines.interruptible import reported
from pipelines.engines.protocols import StopSignal
from pipelines.engines.speakable import speakable_text
from pipelines.engines.tools import CALL, Handover, Request, ThisCall, Tool, ToolRequest
from pipelines.runtime.lanes import Answers, Delivery, Lanes, Work, nobody
from pipelines.runtime.playout import Playout
from pipelines.runtime.present_agent import PresentAgent
from pipelines.runtime.transport import TransferringTransport, Transport
from pipelines.turn_taking.commands import CallTool, ContinueReply, GenerateReply, History
from pipelines.turn_taking.events import (
    Event,
    JobId,
    MarkReached,
    PlayoutStarted,
    ToolFailed,
    ToolFinished,
    ToolRequested,
)
from pipelines.turn_taking.time import Nanos
from pipelines.turn_taking.tool_use import ERROR

RESULT_CHARS = 4000
"""What a model is given to read of a result: a context is soon full."""
TONES_RATE = 8000
READS_ONLY = (
    "a read_only tool may run before the caller's turn is over, so it cannot ask for a {}: leave "
    "read_only out"
)


class ToolRunner:
    """The tools of one call."""

    def __init__(
        self,
        present: PresentAgent,
        transport: Transport,
        playout: Playout,
        lanes: Lanes,
        *,
        call: ThisCall,
        answers: Answers = nobody,
    ) -> None:
        """Take what the tools work with.

        Args:
            present: the agent that has the call, with its tools.
            transport: which transfers the call.
            playout: of the tones of keys.
            lanes: on which the tools run.
            call: what the tools know of the call.
            answers: asked before a tool is run; with them nothing of the agent's own code is.
        """
        self._present = present
        self._transport = transport
        self._playout = playout
        self._lanes = lanes
        self._answers = answers
        self._call = call
        self._said: dict[JobId, str] = {}
        """The caller's turn that each reply with tools answers."""
        self._offered: dict[JobId, Mapping[str, Tool]] = {}
        """The tools of the agent that writes each of them."""
        self._busy: dict[JobId, int] = {}
        """The lane that each running tool has; a free one is used again."""
        self._keys: set[JobId] = set()
        """Tools whose tones are being played."""

    def request(
        self, job: JobId, index: int, asked: ToolRequest, tools: Mapping[str, Tool]
    ) -> Delivery:
        """What the core is told when a model that knows these tools asks for one."""
        tool = tools.get(asked.name)
        if tool is not None and tool.instead is not None and self._answers is nobody:
            call = replace(self._call, caller_said=self._said.get(job, ""))
            name = copy_context().run(_in_call, tool.instead, call)
            if name in tools:
                tool, asked = tools[name], ToolRequest(name, "{}")
        effect, timeout_ms = (tool.effect, tool.timeout_ms) if tool is not None else ("reads", 0)
        return lambda at: ToolRequested(
            at, job, index, asked.name, asked.arguments, effect, timeout_ms
        )

    def called_for(self, command: GenerateReply | ContinueReply, tools: Mapping[str, Tool]) -> None:
        """Note which turn the tools are for that this asks for, and which there are."""
        reply = command.reply if isinstance(command, ContinueReply) else command.job
        turns = (each.text for each in reversed(command.history) if each.role == "caller")
        self._said[reply] = next(turns, "")
        self._offered[reply] = tools

    def said_as_it_stands(self, history: History, tools: Mapping[str, Tool]) -> str:
        """What the agent is to say if the last tool of the history wants its result said; or empty.

        An error is for the model to read.
        """
        if len(history) < 2 or history[-1].role != "tool_result":
            return ""
        tool = tools.get(json.loads(history[-2].text)["name"])
        result = history[-1].text
        direct = tool is not None and tool.return_direct and not result.startswith(ERROR)
        return speakable_text(result) if direct else ""

    def call(self, command: CallTool) -> None:
        """Run a tool; ToolFinished or ToolFailed follows."""
        lane = next(n for n in range(len(self._busy) + 1) if n not in self._busy.values())
        self._busy[command.job] = lane
        work = self._answers(command)
        if work is None:
            tools = self._offered.get(command.reply, self._present.engines.tools)
            tool = tools.get(command.name)
            run = partial(self._run, command, tools)
            work = Work(
                command.job, "llm", "", run, simulated_time=tool is None or tool.simulated_time
            )
        done = partial(self._busy.__delitem__, command.job)
        self._lanes.submit(replace(work, lane=f"tool {lane}", done=done))

    def cancel(self, job: JobId) -> None:
        """Nobody waits for this tool any more."""
        self._lanes.cancel(job)
        self._playout.forget(job)
        self._keys.discard(job)

    def of_the_core(self, event: Event) -> Event | None:
        """The event as the core is to hear it: tones are not a clause but a tool at work."""
        job = getattr(event, "job", None)
        if job not in self._keys:
            return event
        if isinstance(event, MarkReached):
            self._keys.discard(event.job)
            return ToolFinished(event.at, event.job, "the keys were sent")
        return None if isinstance(event, PlayoutStarted) else event

    # -- on the lanes -------------------------------------------------------------------------

    def _run(
        self, command: CallTool, tools: Mapping[str, Tool], stop: StopSignal
    ) -> Iterator[Delivery]:
        tool = tools.get(command.name)
        if tool is None:
            known = ", ".join(tools) or "none"
            yield _failed(command.job, f"there is no tool {command.name}; there are: {known}")
            return
        reads = tool.effect == "reads"
        said = self._said.get(command.reply, "")

        def called(put: Callable[[Delivery], None]) -> None:
            asked: list[Request] = []
            tell = self._present.asks(put, command.job)

            def ask(request: Request) -> None:
                if reads:
                    raise ValueError(READS_ONLY.format(type(request).__name__))
                tell(request)
                asked.append(request)

            CALL.set(replace(self._call, caller_said=said, tell=ask))  # on this thread alone
            result = tool.call(command.arguments)
            if not any(isinstance(request, Handover) for request in asked):  # that was its answer
                put(self._answer(command.job, tool, result))

        try:
            with closing(reported(called, stop, _let_it_run, daemon=reads)) as results:
                yield from results
        except Exception as error:  # noqa: BLE001 - an edge: a tool raises anything
            yield _failed(command.job, str(error) or type(error).__name__)

    def _answer(self, job: JobId, tool: Tool, result: str) -> Delivery:
        if tool.effect == "transfers":
            return partial(self._transfer, job, result)
        if tool.effect == "sends_keys":
            return partial(self._play, job, tool, result)
        return lambda at: ToolFinished(at, job, result[:RESULT_CHARS])

    # -- on the shell's thread ----------------------------------------------------------------

    def _transfer(self, job: JobId, number: str, at: Nanos) -> Event | None:
        if not isinstance(self._transport, TransferringTransport):
            return ToolFailed(at, job, "this call does not come by a phone line: nobody to ask")
        self._transport.transfer(job, number)
        return None

    def _play(self, job: JobId, tool: Tool, digits: str, at: Nanos) -> Event | None:
        if tool.tones is None:
            return ToolFailed(at, job, "this tool has no tones")
        rate = self._transport.rate
        pcm = tool.tones(digits)
        if rate != TONES_RATE:
            pcm = soxr.resample(pcm, TONES_RATE, rate)
        self._keys.add(job)
        self._playout.add(job, pcm, complete=True)
        self._playout.play(job)
        return None


def _in_call(ask: Callable[[], str], call: ThisCall) -> str:
    CALL.set(call)
    try:
        return ask()
    except Exception:  # noqa: BLE001 - an edge: somebody else's code, which has no objection then
        return ""


def _failed(job: JobId, message: str) -> Delivery:
    return lambda at: ToolFailed(at, job, message[:RESULT_CHARS])


def _let_it_run() -> None:
    """Python cannot stop a thread; what the tool gives in the end is not heard of."""
