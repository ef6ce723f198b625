"""Requests to a service over HTTP, each with a connection to itself.

A connection is lent to one request at a time, so breaking off one cannot hurt another, however
late that comes.
"""

from __future__ import annotations

import contextlib
import socket
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, TypeVar

from pipelines.engines.deadline import Deadline
from pipelines.engines.interruptible import interruptible
from pipelines.engines.simulated_time import waits

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    import httpx2

    from pipelines.engines.protocols import StopSignal
    from pipelines.engines.remote import Service

T = TypeVar("T")

KEEP_CONNECTED_S = 300.0
"""A caller may be silent for long; a new connection would cost the next turn its handshakes."""
GRACE_S = 1.0
"""How much longer than its deadline a request may hang that could not be cut."""


class HttpService:
    """Stays connected; `timeout_ms` bounds the wait for each useful item of an answer."""

    def __init__(self, where: Service, timeout_ms: int) -> None:
        import httpx2  # noqa: PLC0415 (heavy: only when an engine is built)

        self.where, self.timeout_ms = where, timeout_ms
        self._trust = httpx2.create_ssl_context()
        self._idle: list[_Line] = []

    def greet(self) -> None:
        """Ask an OpenAI-compatible server for its models: connects, and shows if a key is wrong.

        Raises:
            ValueError: the server refuses the key.
            RemoteError: it cannot be reached.
        """
        deadline = Deadline(self.where, "answer", self.timeout_ms)
        for status in self.answered(_status, deadline, None, "GET", "models"):
            if status in {401, 403}:
                raise ValueError(str(self.where.refused(status)))

    def answered(
        self,
        read: Callable[[httpx2.Response], Iterator[T]],
        deadline: Deadline,
        stop: StopSignal | None,
        method: str,
        path: str,
        **content: Any,
    ) -> Iterator[T]:
        """What `read` makes of the answer, item by item, until `stop` is set or nobody listens.

        Then the request is closed, and so the server's work ended. `read` runs on another thread;
        that it reads something does not restart the deadline: whoever takes the items does that.

        Args:
            read: gives the items of an answer, whose body has not been read.
            deadline: of the next useful item.
            stop: None: nothing stops it.
            method: of HTTP.
            path: below the service's address.
            content: as httpx takes it: `json`, `data`, `files`.

        Raises:
            RemoteError: the service cannot be reached, breaks off, or lets the deadline pass.
        """
        exchange = _Exchange()
        items = self._items(exchange, read, (method, path), content)

        def check() -> None:
            waits()
            deadline.check()

        return interruptible(items, stop or threading.Event(), exchange.cut, check=check)

    def _items(
        self,
        exchange: _Exchange,
        read: Callable[[httpx2.Response], Iterator[T]],
        request: tuple[str, str],
        content: dict[str, Any],
    ) -> Iterator[T]:
        import httpx2  # noqa: PLC0415 (loaded since the service was made)

        line = self._idle.pop() if self._idle else self._new_line()
        try:
            if not exchange.begin(line):
                return
            trace = {"trace": exchange.note}
            with line.client.stream(*request, extensions=trace, **content) as response:
                yield from read(response)
        except httpx2.HTTPError as error:
            raise self.where.failed(error) from error
        finally:
            exchange.end()
            self._idle.append(line)

    def _new_line(self) -> _Line:
        import httpx2  # noqa: PLC0415 (as above)

        key, version = self.where.key, self.where.version
        headers = {"Authorization": f"Bearer {key}"} if key else {}
        if key and version:
            headers["api-key"] = key  # where Azure looks for it
        return _Line(
            httpx2.Client(
                base_url=self.where.url + "/",
                headers=headers,
                params={"api-version": version} if version else None,
                timeout=httpx2.Timeout(self.timeout_ms / 1000 + GRACE_S),
                limits=httpx2.Limits(max_connections=1, keepalive_expiry=KEEP_CONNECTED_S),
                verify=self._trust,
            )
        )


def _status(response: httpx2.Response) -> Iterator[int]:
    response.read()  # or the connection could not be used again
    yield response.status_code


@dataclass(slots=True)
class _Line:
    """A client with one connection, used by one exchange at a time."""

    client: httpx2.Client
    stream: Any = None
    """The connection, once it is made; kept for the next exchange."""


class _Exchange:
    """One request and its answer; cut by another thread than the one that waits for it."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._line: _Line | None = None
        self._given_up = False

    def begin(self, line: _Line) -> bool:
        """The line is this exchange's until its end; False: it was given up before."""
        with self._lock:
            self._line = line
            return not self._given_up

    def note(self, event: str, info: dict[str, Any]) -> None:
        """Called with what httpcore tells of its doings."""
        if event not in {"connection.connect_tcp.complete", "connection.start_tls.complete"}:
            return
        with self._lock:
            if self._line is not None:
                self._line.stream = info["return_value"]
            if self._given_up:
                self._shut()

    def cut(self) -> None:
        """Give it up: closing alone would not wake the thread that reads."""
        with self._lock:
            self._given_up = True
            self._shut()

    def end(self) -> None:
        """The line is somebody else's now: from here on `cut` does nothing."""
        with self._lock:
            self._line = None

    def _shut(self) -> None:
        if self._line is not None and self._line.stream is not None:
            with contextlib.suppress(OSError, AttributeError):
                self._line.stream.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
