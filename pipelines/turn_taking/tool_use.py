"""Tool calls of a conversation: when each may run, and what becomes of it."""

import json
from dataclasses import dataclass
from typing import Final

from pipelines.turn_taking.commands import CallTool, CancelTool, Message
from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import RecordDecision
from pipelines.turn_taking.events import JobId, ToolEffect, ToolRequested
from pipelines.turn_taking.reasons import Reason, because, milliseconds
from pipelines.turn_taking.time import Nanos, from_ms

STILL_RUNNING = "still running: it will take effect, its result is not known yet"
"""What the model reads of a tool that outlived the reply that called it."""
NO_MODEL: Final[JobId] = 0
"""What writes a request that no model makes."""
ERROR = "error: "
"""What the result of a tool that failed begins with."""


@dataclass(slots=True)
class ToolCall:
    """One tool that a reply asked for."""

    job: JobId
    request: ToolRequested
    round: int
    """Which of the reply's generations asked for it, from 0."""
    started: Nanos | None = None
    due: Nanos | None = None
    """When it is no longer waited for; None: not started, or not waited for."""
    result: str | None = None
    """What the model reads of it; None: nothing yet."""
    failed: bool = False
    hands_over: bool = False
    """Its answer is that another agent has the call: nothing for a model to read."""
    place: int | None = None
    """Of its result in the history, once it is there."""

    @property
    def of_a_hook(self) -> bool:
        """Whether the agent's own code asked for it, and no model."""
        return self.request.job == NO_MODEL

    @property
    def effect(self) -> ToolEffect:
        """What it does to the world."""
        return self.request.effect

    @property
    def open(self) -> bool:
        """Whether the reply still waits for it."""
        return self.result is None

    @property
    def unstoppable(self) -> bool:
        """Whether it is under way, and will have its effect whatever happens here."""
        return self.started is not None and self.effect in {"acts", "transfers"}

    def messages(self) -> tuple[Message, Message]:
        """The call and its result as the model reads them."""
        call = {"name": self.request.name, "arguments": _parsed(self.request.arguments)}
        text = json.dumps(call, ensure_ascii=False)
        return Message("tool_call", text), Message("tool_result", self.result or STILL_RUNNING)


class ToolCalls:
    """Starts tools and takes their results, also of those whose reply is gone."""

    def __init__(self, context: CallContext) -> None:
        self._policy, self._jobs = context.policy.tools, context.jobs
        self._timers, self._emit = context.timers, context.emit
        self._running: dict[JobId, ToolCall] = {}

    def start(self, call: ToolCall, reply: JobId, now: Nanos) -> None:
        """Have it run from now on."""
        request = call.request
        call.started = now
        call.due = now + from_ms(request.timeout_ms or self._policy.timeout_ms)
        self._running[call.job] = call
        rule = "tool_requested"
        if call.effect != "reads":
            rule = "tool_committed" if call.effect == "acts" else "tool_in_order"
        reason = because(rule, name=request.name)
        self._emit(CallTool(call.job, reply, request.name, request.arguments, reason))
        self._set_timer()

    def answered(self, job: JobId, result: str, now: Nanos, *, failed: bool) -> ToolCall | None:
        """A tool has answered, or failed; None if it was never started."""
        call = self._running.pop(job, None)
        if call is None:
            return None
        self._jobs.end(job)
        self._settle(call, result, now, failed=failed)
        call.due = None
        self._set_timer()
        return call

    def overdue(self, now: Nanos) -> list[ToolCall]:
        """Those that took too long, with what the model reads of that as their result."""
        late = [call for call in self._running.values() if call.due is not None and call.due <= now]
        for call in late:
            waited_s = (now - (call.started or now)) / from_ms(1000)
            result = f"no answer within {waited_s:g} s"
            call.due = None
            if call.unstoppable:  # an answer that comes after all is still taken
                self._settle(call, f"{result}; it may have happened all the same", now, late=True)
            else:
                self._settle(call, result, now, late=True)
                self.give_up([call], because("tool_timeout", **_numbers(call)))
        self._set_timer()
        return late

    def give_up(self, calls: list[ToolCall], reason: Reason) -> None:
        """Stop what can be stopped of these, and never start what has not begun."""
        for call in calls:
            if call.unstoppable:
                continue
            self._jobs.end(call.job)
            if self._running.pop(call.job, None) is not None:
                self._emit(CancelTool(call.job, reason))
                if call.open and call.effect != "reads":
                    call.result = "broken off"
        self._set_timer()

    def _settle(
        self, call: ToolCall, result: str, now: Nanos, *, failed: bool = False, late: bool = False
    ) -> None:
        call.result = f"{ERROR}{result}" if failed or late else result
        call.failed = failed or late
        rule = "tool_timeout" if late else "tool_failed" if failed else "tool_answered"
        took_ms = milliseconds(now - (call.started or now))
        reason = because(rule, **_numbers(call), took_ms=took_ms)
        self._emit(RecordDecision("tool_failed" if call.failed else "tool_finished", reason))

    def _set_timer(self) -> None:
        due = [call.due for call in self._running.values() if call.due is not None]
        if due:
            self._timers.set("tool", min(due))
        else:
            self._timers.cancel("tool")


def _numbers(call: ToolCall) -> dict[str, str]:
    request = call.request
    return {"name": request.name, "arguments": request.arguments, "result": call.result or ""}


def _parsed(arguments: str) -> object:
    try:
        return json.loads(arguments)
    except (ValueError, RecursionError):
        return arguments
