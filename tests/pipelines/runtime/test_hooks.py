"""The agent's own code that is told what happens in a call, in all three shells."""

import asyncio
import threading
from dataclasses import replace

import pytest

from pipelines.engines.tools import CALL
from pipelines.runtime import hooks as hooks_module
from pipelines.runtime.clock import Stopwatch
from pipelines.runtime.realtime import run_alone, run_realtime
from pipelines.runtime.recorded_answers import recorded_answers_from
from pipelines.runtime.transport import Received
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.events import DtmfReceived, EngineRemarked
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.time import SECOND

from .calls import POLICY, Caller, ScriptedEngines, verdicts

ONE_TURN = [(300, 900)]
INTERRUPTS = [(300, 900), (2200, 3600)]


class Presser(Caller):
    """Presses a key in the first tick, `times` times."""

    times = 1

    def receive(self, now):
        received = super().receive(now)
        times = 0 if self.heard else self.times
        return Received(received.pcm, received.ingress, (DtmfReceived(now, "4"),) * times)


def virtual(engines, caller):
    entries = []
    run_virtual(POLICY, engines, caller, entries.append)
    return entries


def realtime(engines, caller):
    entries = []
    asyncio.run(run_realtime(POLICY, engines, caller, entries.append))
    return entries


def alone(engines, caller):
    entries = []
    run_alone(POLICY, engines, caller, entries.append)
    return entries


def all_hooks(note):
    names = ("on_turn", "on_interrupted", "on_dtmf")
    return {name: lambda what, name=name: note((name, what)) for name in names}


def remarks(entries):
    return [entry.text for entry in entries if isinstance(entry, EngineRemarked)]


def test_a_turn_is_told_with_the_callers_words_and_an_interruption_with_what_was_heard():
    told = []
    entries = virtual(ScriptedEngines(hooks=all_hooks(told.append)), Caller(INTERRUPTS, 6000))
    turns = [e.command.text for e in verdicts(entries, "turn_ended")]
    done = [e.command for e in verdicts(entries, "agent_done")]
    heard = [decided.heard for decided in done if decided.interrupted]
    assert turns
    assert heard
    assert [what for name, what in told if name == "on_turn"] == turns
    assert [what for name, what in told if name == "on_interrupted"] == heard


@pytest.mark.realtime
@pytest.mark.parametrize("shell", [realtime, alone])
def test_both_real_shells_call_hooks_on_a_thread_of_their_own(shell):
    told, threads = [], set()

    def note(what):
        told.append(what)
        threads.add(threading.current_thread())

    shell(ScriptedEngines(hooks=all_hooks(note)), Presser(ONE_TURN, 2000))
    assert told[0] == ("on_dtmf", "4")
    assert "on_turn" in {name for name, _ in told}
    assert threading.current_thread() not in threads


def test_hooks_change_nothing_of_the_call_and_cost_it_no_time():
    watch = Stopwatch()

    def slow(_what):
        while watch.elapsed() < SECOND // 10:
            pass

    plain = virtual(ScriptedEngines(), Presser(INTERRUPTS, 6000))
    told = virtual(ScriptedEngines(hooks=all_hooks(slow)), Presser(INTERRUPTS, 6000))
    assert told == plain


def test_what_a_hook_raises_is_remarked_and_the_call_goes_on():
    def broken(what):
        raise ValueError(f"no use for {what}")

    entries = virtual(ScriptedEngines(hooks={"on_dtmf": broken}), Presser(ONE_TURN, 3000))
    assert remarks(entries) == ["on_dtmf: ValueError: no use for 4"]
    assert verdicts(entries, "turn_ended")
    plain = virtual(ScriptedEngines(), Presser(ONE_TURN, 3000))
    issued = [e.command for e in entries if isinstance(e, Issued)]
    assert [c for c in issued if getattr(c, "verdict", "") != "engine_remarked"] == [
        e.command for e in plain if isinstance(e, Issued)
    ]


def test_a_hook_that_never_ends_is_left_and_the_next_is_called(monkeypatch):
    monkeypatch.setattr(hooks_module, "LIMIT", SECOND // 20)
    release, told = threading.Event(), []
    hooks = {"on_dtmf": lambda _: release.wait(30), "on_turn": told.append}
    entries = virtual(ScriptedEngines(hooks=hooks), Presser(ONE_TURN, 3000))
    release.set()
    assert ["left to itself" in text for text in remarks(entries)] == [True]
    assert len(told) == 1


@pytest.mark.realtime
def test_a_call_ends_though_a_hook_does_not():
    release, watch = threading.Event(), Stopwatch()
    hooks = {"on_dtmf": lambda _: release.wait(30)}
    realtime(ScriptedEngines(hooks=hooks), Presser([], 300))
    release.set()
    assert watch.elapsed() < 5 * SECOND


def test_hooks_know_the_call_and_share_its_state_with_each_other():
    calls = []

    def note(_what):
        call = CALL.get()
        call.state["count"] = call.state.get("count", 0) + 1
        calls.append(replace(call))

    run_virtual(
        POLICY, ScriptedEngines(hooks=all_hooks(note)), Presser(ONE_TURN, 3000),
        lambda _: None, today="2025-03-04",
    )  # fmt: skip
    assert {str(call.today) for call in calls} == {"2025-03-04"}
    assert calls[-1].caller_said
    assert calls[-1].state["count"] == len(calls) >= 2


def test_no_hook_is_called_where_recorded_answers_are_told_again():
    told, entries = [], []
    run_virtual(POLICY, ScriptedEngines(), Presser(ONE_TURN, 3000), entries.append)
    import numpy as np  # noqa: PLC0415

    recorded_answers = recorded_answers_from(entries, np.zeros(8000 * 4, np.int16), 8000)
    engines = ScriptedEngines(hooks=all_hooks(told.append))
    run_virtual(
        POLICY, engines, Presser(ONE_TURN, 3000), lambda _: None, recorded_answers=recorded_answers
    )
    assert told == []


def test_more_than_a_hundred_hooks_do_not_wait():
    told = []
    hooks = {"on_dtmf": told.append}
    hammering = Presser([], 1000)
    hammering.times = 200
    virtual(ScriptedEngines(hooks=hooks), hammering)
    assert len(told) == hooks_module.MOST_WAITING
