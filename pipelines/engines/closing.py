"""Ends what makes items as soon as they are left.

A generator that is merely dropped is closed whenever the last reference to it goes, perhaps in the
middle of the work that came after it.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TypeVar

T = TypeVar("T")


@contextmanager
def closing(items: Iterator[T]) -> Iterator[Iterator[T]]:
    """`contextlib.closing` for iterators of which not all can be closed."""
    try:
        yield items
    finally:
        close = getattr(items, "close", None)
        if close is not None:
            close()
