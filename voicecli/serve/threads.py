"""A few threads for blocking work of one kind, so that no other kind can keep it waiting."""

import asyncio
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from functools import partial
from typing import ParamSpec, TypeVar

_Arguments = ParamSpec("_Arguments")
_Result = TypeVar("_Result")


class Threads:
    """At most `most` threads, made when they are needed."""

    def __init__(self, most: int, name: str) -> None:
        self._executor = ThreadPoolExecutor(most, thread_name_prefix=name)

    async def run(
        self,
        work: Callable[_Arguments, _Result],
        *arguments: _Arguments.args,
        **named: _Arguments.kwargs,
    ) -> _Result:
        """What the work gives, or raises; the event loop goes on meanwhile."""
        loop = asyncio.get_running_loop()
        return await loop.run_in_executor(self._executor, partial(work, *arguments, **named))

    def close(self) -> None:
        """Let the threads go when their work is done."""
        self._executor.shutdown(wait=False)


@contextmanager
def threads(most: int, name: str) -> Iterator[Threads]:
    """Within the block there are such threads."""
    made = Threads(most, name)
    try:
        yield made
    finally:
        made.close()
