"""The only place that reads a clock."""

import time
from datetime import date

from pipelines.turn_taking.time import Nanos


def machine_time() -> Nanos:
    """The present moment on a clock that all processes of this computer share."""
    return time.monotonic_ns()


def local_day() -> str:
    """The day that it is here, as 2026-11-24."""
    return date.today().isoformat()


def day_in_words(day: str) -> str:
    """A day given as 2026-11-24 as models are told it: "Tuesday, 2026-11-24"."""
    return f"{date.fromisoformat(day):%A}, {day}"


class MonotonicClock:
    """Nanoseconds since this object was made, on the machine's monotonic clock."""

    def __init__(self) -> None:
        self._start = time.monotonic_ns()

    def now(self) -> Nanos:
        """The present moment."""
        return time.monotonic_ns() - self._start

    def at(self, moment: Nanos) -> Nanos:
        """A moment of `machine_time`, which another process may have noted."""
        return moment - self._start


class Stopwatch:
    """Measures how long a piece of work takes."""

    def __init__(self) -> None:
        self._start = time.perf_counter_ns()

    def elapsed(self) -> Nanos:
        """Since this object was made."""
        return time.perf_counter_ns() - self._start
