"""Leaves work that blocks as soon as it is pointless."""

import threading
from collections.abc import Callable, Iterator
from contextvars import copy_context
from queue import Empty, SimpleQueue
from typing import TypeVar

from pipelines.engines.protocols import StopSignal

T = TypeVar("T")

LOOK_S = 0.01
"""How long to wait for the next item between two looks at the stop signal."""
_END = object()


def interruptible(
    items: Iterator[T],
    stop: StopSignal,
    break_off: Callable[[], None],
    *,
    check: Callable[[], None] = lambda: None,
    daemon: bool = True,
) -> Iterator[T]:
    """The items, until `stop` is set: then, and when the caller leaves, `break_off` is called.

    So it is when `check` raises, which is called again and again while an item is awaited.

    The items are fetched on a thread of their own, which lives until they end or raise; `break_off`
    must make it do so, unless they may go on in vain: then, without `daemon`, the program does not
    end before they do. The queue needs no bound: a reply is a few hundred items at most.
    """

    def fetch(put: Callable[[T], None]) -> None:
        for item in items:
            put(item)

    return reported(fetch, stop, break_off, check=check, daemon=daemon)


def reported(
    work: Callable[[Callable[[T], None]], None],
    stop: StopSignal,
    break_off: Callable[[], None],
    *,
    check: Callable[[], None] = lambda: None,
    daemon: bool = True,
) -> Iterator[T]:
    """The same of what `work` gives to the function that it is called with."""
    queue: SimpleQueue[object] = SimpleQueue()

    def fetch() -> None:
        try:
            work(queue.put)
            queue.put(_END)
        except BaseException as error:  # noqa: BLE001 (carried over to the caller's thread)
            queue.put(_Raised(error))

    ended = False
    run = copy_context().run  # the meter of a virtual clock comes along
    threading.Thread(target=run, args=(fetch,), name="interruptible", daemon=daemon).start()
    try:
        while not stop.is_set():
            check()
            try:
                item = queue.get(timeout=LOOK_S)
            except Empty:
                continue
            ended = item is _END or isinstance(item, _Raised)
            if isinstance(item, _Raised):
                raise item.error
            if ended or stop.is_set():
                return
            yield item  # pyright: ignore[reportReturnType] (only items and marks are put in)
    finally:
        if not ended:
            break_off()


class _Raised:
    def __init__(self, error: BaseException) -> None:
        self.error = error
