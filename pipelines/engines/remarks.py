"""How an engine says what it did beyond its result.

A recogniser that drops a phantom phrase, or a fallback that answers for a server that is down,
calls `remark`; the shell collects what is said during a piece of work with `collected` and writes
it into the journal. Without a collector nothing happens.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar


class Failure(str):
    """A remark that an engine failed for which another steps in: it counts as a failure."""

    __slots__ = ()


def _nowhere(_text: str) -> None:
    pass


_listener: ContextVar[Callable[[str], None]] = ContextVar("_listener", default=_nowhere)


def remark(text: str) -> None:
    """Note one plain sentence for the journal; never with a key or other secret in it."""
    _listener.get()(text)


@contextmanager
def collected(listener: Callable[[str], None]) -> Iterator[None]:
    """Within the block, on this thread, `remark` calls `listener`."""
    token = _listener.set(listener)
    try:
        yield
    finally:
        _listener.reset(token)
