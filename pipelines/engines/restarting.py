"""Builds an engine anew after it has crashed.

The crash itself is reported as it is: the core apologises. Meanwhile another engine is built on a
thread of its own, and whoever needs it next waits for that. It is remarked in the journal.
"""

import threading
from collections.abc import Callable, Iterator
from functools import partial
from typing import Any, Generic, TypeVar, cast

from pipelines.engines.remarks import remark
from pipelines.engines.remote import RemoteError

T = TypeVar("T")

MAX_RESTARTS = 3
"""Crashes in a row after which no other engine is built."""


class EngineGoneError(RuntimeError):
    """The engine crashed and no other one could be built."""


def restarting(engine: T, build: Callable[[], T], *, insist: bool = False) -> T:
    """An engine like `engine` that is built anew after a crash.

    A crash is any error but that of a service, which the engine cannot help. Public attributes of
    the engine that are no methods must be constants.

    Args:
        engine: of any kind of `pipelines.engines.protocols`.
        build: makes another one; may take seconds and raise anything.
        insist: whether a call that fails is made again on the new engine, before anybody knows.
    """
    return cast("T", _Restarting(engine, build, insist=insist))


class _Restarting:
    """Has every public attribute of the engine, its methods guarded."""

    def __init__(self, engine: object, build: Callable[[], object], *, insist: bool) -> None:
        life = _Life(engine, build)
        attempt = life.insisting if insist else life.call
        for name in (name for name in dir(engine) if not name.startswith("_")):
            value = getattr(engine, name)
            setattr(self, name, partial(attempt, name) if callable(value) else value)


class _Life(Generic[T]):
    """One engine after the other; used by one thread at a time, as engines are."""

    def __init__(self, engine: T, build: Callable[[], T]) -> None:
        self._engine: T | None = engine
        self._build = build
        self._builder: threading.Thread | None = None
        self._problem = ""
        self._crashes = 0

    def call(self, method: str, *arguments: Any) -> Any:
        """Call a method of the present engine."""
        try:
            result = getattr(self._present(), method)(*arguments)
        except (Exception, SystemExit) as error:
            raise self._crashed(error) from error
        if isinstance(result, Iterator):
            return self._guarded(cast("Iterator[Any]", result))
        self._crashes = 0
        return result

    def insisting(self, method: str, *arguments: Any) -> Any:
        """The same, once more if it fails."""
        try:
            return self.call(method, *arguments)
        except Exception:  # noqa: BLE001 - whatever it was, the next one reports it
            return self.call(method, *arguments)

    def _guarded(self, items: Iterator[Any]) -> Iterator[Any]:
        try:
            yield from items
        except (Exception, SystemExit) as error:
            raise self._crashed(error) from error
        self._crashes = 0

    def _present(self) -> T:
        if self._builder is not None:
            self._builder.join()
            self._builder = None
            if self._engine is not None:
                remark("crashed and was built anew")
        if self._engine is None:
            raise EngineGoneError(f"crashed and cannot be built anew: {self._problem}")
        return self._engine

    def _crashed(self, error: BaseException) -> Exception:
        """Begin to build another one, if that may help; what to raise."""
        self._crashes += 1
        if self._crashes <= MAX_RESTARTS and not isinstance(error, RemoteError):
            self._engine = None  # two of them may be more than fits into memory
            self._builder = threading.Thread(target=self._rebuild, name="engine", daemon=True)
            self._builder.start()
        if isinstance(error, Exception):
            return error
        return RuntimeError(f"its thread was ended: {error!r}")

    def _rebuild(self) -> None:
        try:
            self._engine = self._build()
        except (Exception, SystemExit) as error:  # noqa: BLE001 - an edge: engines raise anything
            self._problem = f"{type(error).__name__}: {error}"
