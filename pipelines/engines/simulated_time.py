"""How engines take and measure time.

Scripted engines call `spend`, which really sleeps or charges a virtual clock; the virtual-clock
shell installs its meter with `metered`. Kept apart so that no engine reads a clock.
"""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Protocol, runtime_checkable

from pipelines.turn_taking.time import SECOND, Nanos


def _sleep(duration: Nanos) -> None:
    time.sleep(duration / SECOND)


_spend: ContextVar[Callable[[Nanos], None]] = ContextVar("_spend", default=_sleep)


_waits: ContextVar[Callable[[], None]] = ContextVar("_waits", default=lambda: None)


@runtime_checkable
class Simulated(Protocol):
    """An engine that says whether it takes only the time that it says it takes; few do."""

    simulated_time: bool


def is_simulated(*engines: object) -> bool:
    """Whether all of these take only the time that they say they take."""
    return all(isinstance(engine, Simulated) and engine.simulated_time for engine in engines)


def spend(duration: Nanos) -> None:
    """Take `duration` nanoseconds: asleep in real time, on the meter in virtual time."""
    if duration > 0:
        _spend.get()(duration)


def stopwatch() -> Callable[[], Nanos]:
    """Start measuring real time; each call of the result says how much has passed.

    For engines that pace themselves by what their own work costs on this machine.
    """
    started = time.perf_counter_ns()
    return lambda: time.perf_counter_ns() - started


def waits() -> None:
    """Say that the work under way is a wait for others, over as soon as it is given up."""
    _waits.get()()


@contextmanager
def metered(
    meter: Callable[[Nanos], None], waiting: Callable[[], None] = lambda: None
) -> Iterator[None]:
    """Within the block `spend` calls `meter` instead of sleeping, and `waits` calls `waiting`."""
    tokens = _spend.set(meter), _waits.set(waiting)
    try:
        yield
    finally:
        _spend.reset(tokens[0])
        _waits.reset(tokens[1])
