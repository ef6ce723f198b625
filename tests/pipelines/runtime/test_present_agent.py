"""Calls that the agent's own code hands over, with real threads of tools and hooks."""

from dataclasses import dataclass

import numpy as np
import pytest

from pipelines.engines.tools import CALL, EndCall, Handover, Say, Tool, ToolRequest, Transfer
from pipelines.runtime.recorded_answers import recorded_answers_from
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.commands import SynthesizeClause
from pipelines.turn_taking.events import (
    EngineRemarked,
    HandoverRequested,
    SayRequested,
    ToolFailed,
    ToolFinished,
)
from pipelines.turn_taking.journal import Issued

from .calls import POLICY, Caller, Llm, ScriptedEngines

TURNS = [(300, 900), (3000, 3600)]


class Asking(Llm):
    """Asks for `book` before its words, whenever the caller has just spoken."""

    def stream(self, history, stop):
        if history[-1].role == "caller":
            yield ToolRequest("book", "{}")
            return
        yield from super().stream(history, stop)


@dataclass
class Other:
    llm: object
    tools: dict
    hooks: dict
    turn_detectors: dict


def tool(run, effect="acts"):
    def call(_arguments):
        run(CALL.get())
        return "done"

    return Tool("book", "Books.", {"type": "object", "properties": {}}, call, effect)


def engines_with(run, *, effect="acts", hooks=None, theirs=None):
    first = ScriptedEngines(
        llm=Asking(["It", " is."]), tools={"book": tool(run, effect)}, hooks=hooks or {}
    )
    detectors = first.turn_detectors
    other = Other(Llm(["Booking", " here."]), {}, theirs or {}, detectors)
    other.asr, other.vad, other.tts = first.asr, first.vad, first.tts
    first.agents = {"Booking": other}
    return first


def played(engines, turns=TURNS, until=7000, recorded_answers=None):
    entries = []
    run_virtual(
        POLICY, engines, Caller(turns, until), entries.append, recorded_answers=recorded_answers
    )
    return entries


def said(entries):
    return [e.command.text for e in entries
            if isinstance(e, Issued) and isinstance(e.command, SynthesizeClause)]  # fmt: skip


def of(entries, kind):
    return [entry for entry in entries if isinstance(entry, kind)]


def hand_over(call):
    call.ask(Handover("Booking", "the agent", prompt="You book."))


def test_the_llm_and_the_hooks_are_the_other_agents_from_then_on():
    mine, theirs = [], []
    engines = engines_with(
        hand_over, hooks={"on_turn": mine.append}, theirs={"on_turn": theirs.append}
    )
    entries = played(engines)
    assert said(entries)[-2:] == ["Booking here.", "Booking here."]
    assert len(mine) == len(theirs) == 1
    [asked] = of(entries, HandoverRequested)
    assert (asked.agent, asked.prompt, asked.number) == ("Booking", "You book.", 1)
    assert not of(entries, ToolFinished)


def test_answers_that_were_recorded_are_told_again_without_running_anything():
    entries = played(engines_with(hand_over))
    recorded_answers = recorded_answers_from(entries, np.zeros(8000 * 8, np.int16), 8000)

    def never(_call):
        pytest.fail("a tool was run")

    again = played(engines_with(never), recorded_answers=recorded_answers)
    assert said(again) == said(entries)
    assert len(of(again, HandoverRequested)) == 1


def test_an_agent_that_there_is_not_is_an_error_for_the_model():
    entries = played(engines_with(lambda call: call.ask(Handover("Nobody", None))))
    failed = of(entries, ToolFailed)
    assert {each.message for each in failed} == {"there is no agent Nobody; there are: Booking"}


def test_a_tool_that_reads_asks_for_nothing():
    entries = played(engines_with(hand_over, effect="reads"))
    assert not of(entries, HandoverRequested)
    assert "leave read_only out" in of(entries, ToolFailed)[0].message


def test_a_tool_speaks_while_it_runs_and_answers_after_that():
    entries = played(engines_with(lambda call: call.ask(Say("A moment."))))
    assert "A moment." in said(entries)
    assert len(of(entries, SayRequested)) == len(of(entries, ToolFinished)) == 2


def test_a_hook_speaks_and_one_that_cannot_transfer_is_remarked():
    def on_turn(_said):
        CALL.get().ask(Say("Noted."))
        CALL.get().ask(Transfer("reception"))

    engines = engines_with(lambda _call: None, hooks={"on_turn": on_turn})
    entries = played(engines, TURNS[:1])
    assert "Noted." in said(entries)
    [remark] = of(entries, EngineRemarked)
    assert "transfer_call" in remark.text


def test_a_hook_ends_the_call():
    engines = engines_with(
        lambda _call: None, hooks={"on_turn": lambda _said: CALL.get().ask(EndCall("See you."))}
    )
    entries = played(engines, TURNS[:1], until=20_000)
    assert said(entries)[-1] == "See you."
    assert entries[-1].cause == "the agent hung up"
