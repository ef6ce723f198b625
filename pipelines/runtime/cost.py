"""What a piece of an engine's work costs."""

from collections.abc import Callable
from typing import TypeVar

from pipelines.engines.modelled import metered
from pipelines.runtime.clock import Stopwatch
from pipelines.turn_taking.time import Nanos

_Result = TypeVar("_Result")


def charged(
    work: Callable[[], _Result], *, modelled: bool, waiting: Callable[[], None] = lambda: None
) -> tuple[_Result, Nanos]:
    """Do the work without letting it sleep; its result, and the time it took or said it took.

    `modelled` work takes only the time that it says it takes (`pipelines.engines.modelled`).
    `waiting` is called if it is a wait that ends as soon as it is given up.
    """
    spent: Nanos = 0

    def meter(duration: Nanos) -> None:
        nonlocal spent
        spent += duration

    watch = Stopwatch()
    with metered(meter, waiting):
        result = work()
    return result, spent if modelled else spent + watch.elapsed()
