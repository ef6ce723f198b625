"""The only place that reads a clock; changes with what counts as time."""

import time

from pipelines.turn_taking.time import Nanos


def machine_time() -> Nanos:
    """The present moment on a clock that all processes of this computer share."""
    return time.monotonic_ns()


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
