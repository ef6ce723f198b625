"""The real-time shells do on the wall clock what the virtual one does without."""

import asyncio
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from itertools import pairwise

import pytest

from pipelines.runtime.lanes import Gauges
from pipelines.runtime.realtime import run_alone, run_realtime
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.decisions import Decision
from pipelines.turn_taking.events import CallEnded, EngineFailed
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import MILLISECOND
from tests.waiting import wait_for

from .calls import POLICY, Caller, Llm, ScriptedEngines, verdicts

pytestmark = pytest.mark.realtime


def run(caller: Caller, **engines: object) -> list[Entry]:
    entries: list[Entry] = []
    asyncio.run(run_realtime(POLICY, ScriptedEngines(**engines), caller, entries.append))
    return entries


def run_alone_too(caller: Caller, **engines: object) -> list[Entry]:
    entries: list[Entry] = []
    run_alone(POLICY, ScriptedEngines(**engines), caller, entries.append)
    return entries


on_both_shells = pytest.mark.parametrize("run", [run, run_alone_too])


def undisturbed(run: Callable[[Caller], list[Entry]], caller: Caller) -> list[Entry]:
    """The call, held again if the machine stopped in its midst: lateness changes what is done."""
    for _ in range(8):
        again = replace(caller)
        entries = run(again)
        ticks = [now for now, _ in again.heard]
        if max(later - earlier for earlier, later in pairwise(ticks)) < 100 * MILLISECOND:
            return entries
    pytest.fail("no call of eight kept its ticks")


def acts(entries: list[Entry]) -> list[str]:
    """What was done, in order, but for the notes."""
    return [
        type(entry.command).__name__
        for entry in entries
        if isinstance(entry, Issued) and not isinstance(entry.command, Decision)
    ]


@on_both_shells
def test_all_shells_do_the_same_things_in_the_same_call(run):
    real = undisturbed(run, Caller([(1900, 2500)], until_ms=4500))
    virtual: list[Entry] = []
    run_virtual(POLICY, ScriptedEngines(), Caller([(1900, 2500)], until_ms=4500), virtual.append)
    assert acts(real) == acts(virtual)
    assert len(verdicts(real, "turn_ended")) == 1
    assert isinstance(real[-1], CallEnded)


@on_both_shells
def test_an_engine_that_raises_on_its_thread_ends_its_job_and_not_the_call(run):
    def burst() -> None:
        raise RuntimeError("gone")

    entries = run(Caller([(1900, 2400)], until_ms=3600), llm=Llm(["x"], burst))
    assert {e.message for e in entries if isinstance(e, EngineFailed)} == {"RuntimeError: gone"}
    assert isinstance(entries[-1], CallEnded)


@on_both_shells
def test_the_tick_goes_on_while_an_engine_computes(run):
    went_on: list[bool] = []

    def compute() -> None:
        before = len(caller.heard)
        went_on.append(wait_for(lambda: len(caller.heard) > before + 10))

    caller = Caller([(1900, 2400)], until_ms=3600)
    run(caller, llm=Llm(["Yes."], compute))
    assert went_on == [True]


@on_both_shells
def test_no_thread_outlives_the_call(run):
    before = threading.active_count()
    run(Caller([(300, 900)], until_ms=1500), llm=Llm(["Well, "] * 1000, lambda: time.sleep(0.01)))
    assert threading.active_count() <= before


def test_cancelling_the_call_stops_the_engines_threads():
    llm = Llm(["Well, "] * 10_000, each=lambda: time.sleep(0.01))

    heard: list[Entry] = []

    async def hung_up_early() -> None:
        call = run_realtime(
            POLICY, ScriptedEngines(llm=llm), Caller([(300, 900)], 60_000), heard.append
        )
        with pytest.raises(asyncio.TimeoutError):
            await asyncio.wait_for(call, timeout=2.5)

    before = threading.active_count()
    asyncio.run(hung_up_early())
    assert threading.active_count() <= before


def test_the_work_of_all_turn_detectors_is_shown_as_one():
    gauges = Gauges()
    caller = Caller([(1900, 2500)], until_ms=3600)
    run_alone(POLICY, ScriptedEngines(), caller, lambda _: None, gauges=gauges)
    assert set(gauges.busy) == {"vad", "asr", "turn_detector", "llm", "tts"}
    assert gauges.busy["turn_detector"] > 0
    assert gauges.waiting["turn_detector"] == 0
