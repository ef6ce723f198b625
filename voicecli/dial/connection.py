"""The WebSocket of a call, with bounds on what its other end may do to us."""

from typing import Any, Final

from websockets.asyncio.client import ClientConnection
from websockets.protocol import Event

_FRAMES_AT_ONCE: Final = 50_000
"""Of an agent's frames: more than ten minutes of audio in pieces of 20 ms, and their marks."""
_FRAMES_A_SECOND: Final = 1000
_MAX_UNREAD: Final = 1 << 20
"""Bytes that may wait for the agent to read them; a minute of our audio."""


class Connection(ClientConnection):
    """A WebSocket whose other end may neither flood us nor leave us with what it never reads.

    Below the messages, which `FarBuffer` counts; the library counts the pieces of a message.
    """

    def __init__(self, *arguments: Any, **named: Any) -> None:
        super().__init__(*arguments, **named)
        self.flood = ""
        """Why it was cut; empty if it was not."""
        self._frames = 0
        self._began = self.loop.time()

    def process_event(self, event: Event) -> None:
        """One frame."""
        self._frames += 1
        super().process_event(event)

    def data_received(self, data: bytes) -> None:
        """Many frames."""
        super().data_received(data)
        allowed = _FRAMES_AT_ONCE + _FRAMES_A_SECOND * (self.loop.time() - self._began)
        if self._frames > allowed:
            self._cut("the agent sends more frames than any call has")
        elif self.transport.get_write_buffer_size() > _MAX_UNREAD:
            self._cut("the agent does not read what it is sent")

    def _cut(self, why: str) -> None:
        self.flood = self.flood or why
        self.transport.abort()
