"""An engine that crashes is built anew while the agent apologises; bounded, and in the journal."""

import threading
from collections.abc import Iterator

import pytest

from pipelines.engines.protocols import NextTokenLlm
from pipelines.engines.remarks import collected
from pipelines.engines.remote import RemoteError
from pipelines.engines.restarting import MAX_RESTARTS, EngineGoneError, restarting
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.commands import EndCall, SynthesizeClause
from pipelines.turn_taking.events import EngineFailed, EngineRemarked
from pipelines.turn_taking.journal import Entry, Issued
from tests.pipelines.runtime.calls import POLICY, Caller, ScriptedEngines, verdicts


class Fragile:
    """An LLM whose uses are `plan`: each fails with the error that stands there, or works."""

    simulated_time = True

    def __init__(self, plan: Iterator[BaseException | None], number: int) -> None:
        self._plan = plan
        self.number = number

    def prepare(self, history) -> None:
        pass

    def stream(self, history, stop) -> Iterator[str]:
        yield "Well, "
        self._step()
        yield f"this is number {self.number}."

    def end_probability(self, history, text) -> float:
        self._step()
        return 0.5

    def _step(self) -> None:
        if (error := next(self._plan, None)) is not None:
            raise error


class Workshop:
    """Builds fragile engines, unless `broken`."""

    def __init__(self, *plan: BaseException | None) -> None:
        self.plan = iter(plan)
        self.built = 0
        self.broken = False

    def build(self) -> Fragile:
        self.built += 1
        if self.broken:
            raise OSError("no such weights")
        return Fragile(self.plan, self.built)

    def engine(self, **options) -> Fragile:
        return restarting(self.build(), self.build, **options)


def said(engine: Fragile) -> str:
    return "".join(engine.stream((), threading.Event()))


CRASH = RuntimeError("llama_decode returned -3")


def test_a_crash_is_reported_as_it_is_and_the_next_use_has_another_engine():
    engine = Workshop(CRASH).engine()
    with pytest.raises(RuntimeError, match="llama_decode"):
        said(engine)
    remarks: list[str] = []
    with collected(remarks.append):
        assert said(engine) == "Well, this is number 2."
        assert said(engine) == "Well, this is number 2."
    assert remarks == ["crashed and was built anew"]


def test_it_looks_like_the_engine_it_stands_for():
    engine = Workshop().engine()
    assert engine.simulated_time
    assert isinstance(engine, NextTokenLlm)


def test_a_thread_that_ends_itself_is_a_crash():
    engine = Workshop(SystemExit(1)).engine()
    with pytest.raises(RuntimeError, match="its thread was ended"):
        engine.end_probability((), "yes")
    assert engine.end_probability((), "yes") == 0.5


def test_what_a_service_refuses_is_no_crash():
    shop = Workshop(RemoteError("quota", passing=True))
    engine = shop.engine()
    with pytest.raises(RemoteError):
        said(engine)
    assert said(engine) == "Well, this is number 1."
    assert shop.built == 1


def test_an_engine_that_cannot_be_built_is_tried_again_but_not_for_ever():
    shop = Workshop(CRASH)
    engine = shop.engine()
    shop.broken = True
    with pytest.raises(RuntimeError, match="llama_decode"):
        said(engine)
    for _ in range(3 * MAX_RESTARTS):
        with pytest.raises(EngineGoneError, match="cannot be built anew: OSError: no such weights"):
            said(engine)
    assert shop.built == 1 + MAX_RESTARTS


def test_an_engine_that_always_crashes_is_not_built_for_ever():
    shop = Workshop(*[CRASH] * 20)
    engine = shop.engine()
    for _ in range(20):
        with pytest.raises(RuntimeError, match="llama_decode"):
            said(engine)
    assert shop.built == 1 + MAX_RESTARTS
    assert said(engine).startswith("Well")


def test_one_that_insists_hides_a_crash():
    engine = Workshop(CRASH).engine(insist=True)
    assert engine.end_probability((), "yes") == 0.5


def spoken(entries: list[Entry]) -> list[str]:
    return [
        entry.command.text
        for entry in entries
        if isinstance(entry, Issued) and isinstance(entry.command, SynthesizeClause)
    ]


def call(engine: Fragile, bursts: int) -> list[Entry]:
    entries: list[Entry] = []
    speech = [(1900 + 6000 * n, 2500 + 6000 * n) for n in range(bursts)]
    caller = Caller(speech, until_ms=6000 * bursts + 2000)
    run_virtual(POLICY, ScriptedEngines(llm=engine), caller, entries.append)
    return entries


def test_in_a_call_the_agent_apologises_and_answers_the_next_turn():
    entries = call(Workshop(CRASH, CRASH).engine(), bursts=2)
    failures = [entry for entry in entries if isinstance(entry, EngineFailed)]
    assert failures
    assert all("llama_decode" in failure.message for failure in failures)
    assert any(isinstance(entry, EngineRemarked) for entry in entries)
    said = " ".join(spoken(entries))
    assert POLICY.agent.apology.split(".")[0] in said
    assert "this is number" in said[said.index("Sorry") :]


def test_in_a_call_without_any_other_engine_the_agent_says_goodbye():
    shop = Workshop(CRASH)
    engine = shop.engine()
    shop.broken = True
    entries = call(engine, bursts=5)
    assert "Goodbye" in " ".join(spoken(entries))
    assert any(isinstance(e, Issued) and isinstance(e.command, EndCall) for e in entries)
    assert len(verdicts(entries, "turn_ended")) == POLICY.agent.max_failures
