"""Tools in whole calls: run off the loop, in order with speech, told again and never run twice."""

import asyncio
import threading
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pytest

from pipelines.engines.simulated_time import spend
from pipelines.engines.tools import CALL, Tool, ToolRequest
from pipelines.runtime.from_recording import NOT_RECORDED
from pipelines.runtime.realtime import run_realtime
from pipelines.runtime.recorded_answers import recorded_answers_from
from pipelines.runtime.transport import Received
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.commands import CallTool, CancelTool, EndCall
from pipelines.turn_taking.events import (
    CallEnded,
    CallStarted,
    JobId,
    MarkReached,
    ReplyTextReceived,
    ToolFailed,
    ToolFinished,
    ToolRequested,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import from_ms, to_ms
from telephony_sim.dtmf import DtmfDetector, dtmf

from .calls import POLICY, RATE, Caller, ScriptedEngines, verdicts

ONE_TURN = [(3000, 4000)]
ANY = {"type": "object", "properties": {}}


@dataclass
class Scripted:
    """Asks for a tool, and says what it answered."""

    asked: list[ToolRequest]
    before: str = ""
    after: str = "{result}"
    simulated_time: bool = True

    def prepare(self, history: Any) -> None:
        del history

    def stream(self, history: Any, stop: Any) -> Any:
        del stop
        if history[-1].role == "tool_result":
            yield self.after.replace("{result}", history[-1].text)
        else:
            if self.before:
                yield self.before
            yield from self.asked


def tool(call: Callable[[str], str], **settings: Any) -> Tool:
    return Tool(**{"name": "it", "description": "Do it.", "parameters": ANY, "call": call,
                   "simulated_time": True, **settings})  # fmt: skip


def asking(*tools: Tool, **settings: Any) -> dict[str, Any]:
    asked = [ToolRequest(each.name, "{}") for each in tools]
    return {"llm": Scripted(asked, **settings), "tools": {each.name: each for each in tools}}


def played(caller: Caller, **engines: Any) -> list[Entry]:
    entries: list[Entry] = []
    run_virtual(POLICY, ScriptedEngines(**engines), caller, entries.append)
    return entries


def issued(entries: list[Entry], kind: type) -> list[Any]:
    return [e for e in entries if isinstance(e, Issued) and isinstance(e.command, kind)]


def heard(entries: list[Entry]) -> list[str]:
    return [e.command.heard for e in verdicts(entries, "agent_done")]


def slow(milliseconds: int, answer: str = "Monday is free.") -> Callable[[str], str]:
    def call(_: str) -> str:
        spend(from_ms(milliseconds))
        return answer

    return call


def test_a_tool_takes_its_time_on_the_clock_of_the_call_and_is_heard_of():
    entries = played(Caller(ONE_TURN, until_ms=12_000), **asking(tool(slow(600))))
    [called], [done] = (
        issued(entries, CallTool),
        [e for e in entries if isinstance(e, ToolFinished)],
    )
    assert to_ms(done.at - called.at) == 600
    assert heard(entries)[-1] == "Monday is free."


def test_tools_run_side_by_side():
    two = (tool(slow(900, "one"), name="a"), tool(slow(900, "two"), name="b"))
    entries = played(Caller(ONE_TURN, until_ms=12_000), **asking(*two))
    done = [e for e in entries if isinstance(e, ToolFinished)]
    assert to_ms(done[1].at - done[0].at) == 0


def test_what_a_tool_raises_is_told_to_the_model_and_the_call_goes_on():
    def broken(_: str) -> str:
        raise OSError("the calendar is locked")

    entries = played(Caller(ONE_TURN, until_ms=12_000), **asking(tool(broken)))
    assert [e.message for e in entries if isinstance(e, ToolFailed)] == ["the calendar is locked"]
    assert heard(entries)[-1] == "error: the calendar is locked"


def test_a_tool_that_there_is_not_is_told_with_those_there_are():
    engines = asking(tool(slow(1)))
    engines["llm"].asked = [ToolRequest("order_pizza", "{}")]
    entries = played(Caller(ONE_TURN, until_ms=12_000), **engines)
    [failure] = [e for e in entries if isinstance(e, ToolFailed)]
    assert failure.message == "there is no tool order_pizza; there are: it"


def test_keys_sound_after_the_words_before_them_and_count_as_sent_when_they_were_heard():
    class Listening(Caller):
        sound: list[np.ndarray]

        def send(self, frame, now):
            self.sound = [*getattr(self, "sound", []),
                          np.zeros(160, np.int16) if frame is None else frame]  # fmt: skip

    caller = Listening(ONE_TURN, until_ms=14_000)
    keys = tool(lambda _: "12#", effect="sends_keys", tones=dtmf)
    entries = played(caller, **asking(keys, before="I'll dial now."))
    found = DtmfDetector().process(np.concatenate(caller.sound))
    assert "".join(digit.key for digit in found) == "12#"
    words = [e.at for e in entries if isinstance(e, MarkReached)][1]
    [sent] = [e for e in entries if isinstance(e, ToolFinished)]
    assert issued(entries, CallTool)[0].at == words
    assert to_ms(sent.at - words) >= 600
    assert heard(entries)[-1] == "I'll dial now. the keys were sent"


def test_a_line_without_an_exchange_says_so_when_asked_to_transfer():
    desk = tool(lambda _: "+15551234567", effect="transfers")
    entries = played(Caller(ONE_TURN, until_ms=12_000), **asking(desk, before="One moment."))
    [failure] = [e for e in entries if isinstance(e, ToolFailed)]
    assert "nobody to ask" in failure.message
    assert heard(entries)[-1].startswith("One moment. error: this call")


@dataclass
class Exchange(Caller):
    """A line that can put calls through; `problem` is what it says instead."""

    problem: str = ""
    asked: list[str] = field(default_factory=list)
    _failed: JobId = 0

    def transfer(self, job: JobId, number: str) -> None:
        self.asked.append(number)
        self._failed = job if self.problem else 0
        self.until_ms = self.until_ms if self.problem else 0

    def receive(self, now):
        received = super().receive(now)
        failed, self._failed = self._failed, 0
        if not failed:
            return received
        return Received(received.pcm, 0, (ToolFailed(now, failed, self.problem),))


@pytest.mark.parametrize("problem", ["", "Twilio answered 404"])
def test_a_transfer_ends_the_call_or_is_told_to_have_failed(problem: str):
    line = Exchange(ONE_TURN, until_ms=12_000, problem=problem)
    desk = tool(lambda _: "+15551234567", effect="transfers")
    entries = played(line, **asking(desk, before="I'll put you through."))
    assert line.asked == ["+15551234567"]
    assert isinstance(entries[-1], CallEnded)
    expected = "I'll put you through." + (f" error: {problem}" if problem else "")
    if problem:
        assert heard(entries)[-1] == expected
    else:
        assert to_ms(entries[-1].at) < 8000


# --- recorded calls -----------------------------------------------------------------------------


def test_under_another_policy_a_tool_is_recalled_and_never_run():
    counted: list[str] = []

    def count(_: str) -> str:
        counted.append("run")
        return f"answer {len(counted)}"

    two_turns = [(3000, 4000), (8000, 9000)]
    recorded = played(Caller(two_turns, until_ms=16_000), **asking(tool(count)))
    assert len(counted) == 2
    recorded_answers = recorded_answers_from(recorded, agent=np.zeros(0, np.int16), rate=RATE)
    again: list[Entry] = []

    class Unused:
        def __getattr__(self, name: str):
            raise AssertionError(f"{name} was asked for")

    run_virtual(
        POLICY,
        Unused(),
        Caller(two_turns, until_ms=16_000),
        again.append,
        recorded_answers=recorded_answers,
    )
    assert issued(again, object) == issued(recorded, object)
    assert [e.result for e in again if isinstance(e, ToolFinished)] == ["answer 1", "answer 2"]
    assert (len(counted), recorded_answers.missed) == (2, 0)


def test_what_was_never_asked_in_the_recorded_call_is_not_run_but_told_so():
    ran: list[str] = []
    recorded_answers = recorded_answers_from([], agent=np.zeros(0, np.int16), rate=RATE)
    recorded = played(Caller(ONE_TURN, until_ms=9000))
    recorded_answers.frames = [e for e in recorded if type(e).__name__ == "FrameScored"]
    engines = ScriptedEngines(**asking(tool(lambda _: ran.append("x") or "done")))
    again: list[Entry] = []
    run_virtual(
        POLICY,
        engines,
        Caller(ONE_TURN, until_ms=12_000),
        again.append,
        recorded_answers=recorded_answers,
    )
    assert [e.message for e in again if isinstance(e, ToolFailed)] == [NOT_RECORDED]
    assert ran == []
    assert recorded_answers.missed > 0


# --- on the wall clock --------------------------------------------------------------------------


@pytest.mark.realtime
@pytest.mark.parametrize("effect", ["reads", "acts"])
def test_an_interruption_gives_up_what_reads_while_what_acts_runs_to_its_end(effect: str):
    """The tool blocks until the call is over: neither the loop nor the hang-up waits for it."""
    release, ended = threading.Event(), threading.Event()

    def blocking(_: str) -> str:
        release.wait(20)
        ended.set()
        return "done"

    caller = Caller([(600, 1400), (3200, 4400)], until_ms=5500)
    engines = ScriptedEngines(**asking(tool(blocking, effect=effect, simulated_time=False)))
    entries: list[Entry] = []
    asyncio.run(run_realtime(POLICY, engines, caller, entries.append))
    assert [e for e in entries if isinstance(e, ToolRequested)]
    cancelled = {entry.command.job for entry in issued(entries, CancelTool)}
    first = issued(entries, CallTool)[0].command.job
    assert (first in cancelled) == (effect == "reads")
    assert not ended.is_set()
    release.set()
    assert ended.wait(5)


def test_a_result_that_is_said_as_it_stands_is_not_given_to_the_model():
    direct = tool(lambda _: "It is booked.", return_direct=True)
    entries = played(Caller(ONE_TURN, 12_000), **asking(direct, after="The model says so."))
    assert written(entries) == ["It is booked."]


@pytest.mark.parametrize(("named", "ends"), [("it", False), ("", True), ("nothing", True)])
def test_a_tool_may_be_called_instead_of_the_one_that_ends_the_call(named, ends):
    seen: list[str] = []

    def instead() -> str:
        call = CALL.get()
        assert call is not None
        seen.append(call.caller_said)
        return named

    other = tool(lambda _: "It is booked.", return_direct=True)
    hang_up = tool(lambda _: "", name="end_call", effect="ends_call", instead=instead)
    engines = asking(hang_up, before="Goodbye.") | {"tools": {"it": other, "end_call": hang_up}}
    entries = played(Caller(ONE_TURN, 12_000), **engines)
    requested = [e for e in entries if isinstance(e, ToolRequested)]
    assert {request.name for request in requested} == {"end_call" if ends else "it"}
    assert bool(issued(entries, EndCall)) == ends
    assert all(seen)


def test_a_guard_that_breaks_does_not_hold_the_call():
    hang_up = tool(lambda _: "", name="end_call", effect="ends_call", instead=lambda: str(1 / 0))
    entries = played(Caller(ONE_TURN, 12_000), **asking(hang_up, before="Goodbye."))
    assert issued(entries, EndCall)


def test_such_a_result_is_said_without_its_markup():
    direct = tool(
        lambda _: "**Booked**:\n- [Ann](https://a.example) \N{WHITE HEAVY CHECK MARK}",
        return_direct=True,
    )
    entries = played(Caller(ONE_TURN, 12_000), **asking(direct, after="The model says so."))
    assert written(entries) == ["Booked: Ann"]


def test_an_error_of_such_a_tool_is_for_the_model_to_read():
    def fail(_: str) -> str:
        raise ValueError("the line is down")

    entries = played(Caller(ONE_TURN, 12_000), **asking(tool(fail, return_direct=True)))
    assert written(entries) == ["error: the line is down"]


def test_a_tool_knows_the_day_and_the_words_and_keeps_what_it_likes_for_one_call():
    seen: list[tuple[str, str, int]] = []

    def note(_: str) -> str:
        call = CALL.get()
        assert call is not None
        call.state["count"] = call.state.get("count", 0) + 1
        seen.append((f"{call.today}", call.caller_said, call.state["count"]))
        return "done"

    for _ in range(2):
        engines = ScriptedEngines(**asking(tool(note)))
        caller = Caller([(3000, 4000), (9000, 10_000)], 16_000)
        run_virtual(POLICY, engines, caller, lambda _: None, today="2026-02-28")
    assert [(day, count) for day, _, count in seen] == [("2026-02-28", 1), ("2026-02-28", 2)] * 2
    assert all(words for _, words, _ in seen)
    assert CALL.get() is None


def test_a_recorded_call_keeps_its_day_under_another_policy():
    recorded: list[Entry] = []
    caller = Caller(ONE_TURN, 8000)
    run_virtual(POLICY, ScriptedEngines(), caller, recorded.append, today="2025-03-04")
    again: list[Entry] = []
    run_virtual(
        POLICY, ScriptedEngines(), Caller(ONE_TURN, 8000), again.append,
        recorded_answers=recorded_answers_from(recorded, np.zeros(0, np.int16), RATE),
    )  # fmt: skip
    assert isinstance(again[0], CallStarted)
    assert again[0].today == "Tuesday, 2025-03-04"


def written(entries: list[Entry]) -> list[str]:
    return [entry.text for entry in entries if isinstance(entry, ReplyTextReceived)]
