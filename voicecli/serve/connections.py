"""uvicorn's protocols with bounds on what one connection may take.

Below the messages: what heads, bodies, frames and pongs cost before anybody has read a word.
"""

import asyncio
from collections.abc import Iterator
from typing import Any, Final

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol
from uvicorn.protocols.websockets.websockets_sansio_impl import WebSocketsSansIOProtocol
from websockets.exceptions import InvalidState

from voicecli.serve.admission import RateLimit
from voicecli.serve.door import Door, Visit

MAX_HEAD: Final = 16_384
"""Bytes of a request's head; Twilio's have about two thousand."""
MAX_UNREAD: Final = 1 << 18
"""Bytes that may wait for the other end to read: a call holds back from 64 KiB on, pongs do not."""
_PIECE: Final = 4096
"""Bytes that are taken apart before anybody looks whether they are too many."""
_READ: Final = 1024
"""Bytes of a WebSocket at a turn of the loop: at most 170 frames; a call's message has 400."""
_FRAMES_A_MESSAGE: Final = 2
_CLOSE: Final = (b"connection", b"close")


class HttpConnection(H11Protocol):
    """A connection for one request, which says how long it is.

    Webhooks, probes and scrapes are a request each; a second one on the same connection
    would have to be watched like the first, and saves a balancer next door nothing.
    """

    def __init__(self, door: Door, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        self.conn = _OneRequest(h11.SERVER, MAX_HEAD)
        self._door = door

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A place among those that wait."""
        super().connection_made(transport)
        self._visit = self._door.enter(transport)

    def connection_lost(self, exc: Exception | None) -> None:
        """The place is free."""
        super().connection_lost(exc)
        self._visit.leave()

    def data_received(self, data: bytes) -> None:
        """A piece at a time, so that a head that is too long is not taken apart first."""
        for piece in _pieces(data):
            if self.transport.is_closing() or self.transport.get_protocol() is not self:
                return
            super().data_received(piece)

    def handle_websocket_upgrade(self, event: h11.Request) -> None:
        """From here on it is a WebSocket's visit."""
        self._visit.leave()
        super().handle_websocket_upgrade(event)


class _OneRequest(h11.Connection):
    """No second request, and no body in chunks: a chunk of a byte costs as much as one of 4 KiB."""

    def next_event(self) -> Any:
        event = super().next_event()
        if isinstance(event, h11.Request) and any(
            name == b"transfer-encoding" for name, _ in event.headers
        ):
            raise h11.RemoteProtocolError("a length is required", error_status_hint=411)
        return event

    def send_with_data_passthrough(self, event: h11.Event) -> list[bytes] | None:
        if isinstance(event, h11.Response) and _CLOSE not in event.headers:
            event = h11.Response(
                status_code=event.status_code, headers=[*event.headers, _CLOSE], reason=event.reason
            )
        return super().send_with_data_passthrough(event)


class WebSocketConnection(WebSocketsSansIOProtocol):
    """A WebSocket whose frames and bytes are counted, at rates far above those of a call."""

    def __init__(self, door: Door, **uvicorn: Any) -> None:
        super().__init__(**uvicorn)
        limits, now = door.limits, self.loop.time()
        self._door = door
        self._frames = RateLimit(_FRAMES_A_MESSAGE * limits.messages_per_s, now)
        self._bytes = RateLimit(limits.bytes_per_s, now)

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """A place among those that wait."""
        super().connection_made(transport)
        self._visit: Visit = self._door.enter(self.transport)
        # asyncio would read 256 KiB of each connection before it is another's turn.
        self.transport.max_size = _READ  # type: ignore[attr-defined]

    def connection_lost(self, exc: Exception | None) -> None:
        """The place is free."""
        super().connection_lost(exc)
        self._visit.leave()

    def handle_connect(self, event: Any) -> None:
        """The application finds the visit in its `state`."""
        super().handle_connect(event)
        if not self.handshake_complete:  # it was not refused
            self.scope.setdefault("state", {})["visit"] = self._visit

    def data_received(self, data: bytes) -> None:
        """A piece at a time, as long as it is neither too much nor too little read."""
        for piece in _pieces(data):
            if self.transport.is_closing():
                return
            if not self._bytes.allows(self.loop.time(), len(piece)):
                self._visit.cut("flood")
                return
            try:
                super().data_received(piece)
            except (InvalidState, AssertionError):  # uvicorn's own, on garbage around a close
                self.transport.abort()
            if self.transport.get_write_buffer_size() > MAX_UNREAD:
                self._visit.cut("unread")

    def handle_events(self) -> None:
        """What a piece was made of."""
        if self._frames.allows(self.loop.time(), len(self.conn.events)):
            super().handle_events()
        else:
            self._visit.cut("flood")

    def on_task_complete(self, task: "asyncio.Task[None]") -> None:
        """The application is done with it."""
        super().on_task_complete(task)
        self._visit.end()


def _pieces(data: bytes) -> Iterator[bytes]:
    return (data[start : start + _PIECE] for start in range(0, len(data), _PIECE))
