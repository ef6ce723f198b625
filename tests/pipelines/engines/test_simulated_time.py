"""How engines take and measure time."""

import time

from pipelines.engines.simulated_time import metered, spend, stopwatch


def test_a_meter_is_charged_instead_of_sleeping_and_only_within_its_block(monkeypatch):
    slept, charged = [], []
    with metered(charged.append):
        inner = []
        with metered(inner.append):
            spend(1)
        spend(2)
    assert (inner, charged) == ([1], [2])
    monkeypatch.setattr(time, "sleep", slept.append)
    monkeypatch.setattr("pipelines.engines.simulated_time._spend", _outside())
    spend(3_000_000)
    assert slept == [0.003]


def _outside():
    """A fresh context variable: the tests' own meter is installed around every test."""
    from contextvars import ContextVar  # noqa: PLC0415

    from pipelines.engines import simulated_time  # noqa: PLC0415

    return ContextVar("outside", default=simulated_time._sleep)


def test_no_time_or_less_is_not_charged(spent):
    spend(0)
    spend(-5)
    assert spent == []


def test_a_stopwatch_counts_up_in_nanoseconds(monkeypatch):
    moments = iter([1000, 1500, 4000])
    monkeypatch.setattr(time, "perf_counter_ns", lambda: next(moments))
    elapsed = stopwatch()
    assert [elapsed(), elapsed()] == [500, 3000]
