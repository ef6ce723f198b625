"""What the server and a call's process tell each other over their socket.

Each message is a tag of one byte, its length and its body: audio as it is, all else as JSON.
"""

import asyncio
import json
import socket
import struct
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeAlias

from voicecli.transports.twilio_messages import Clear, Dtmf, Mark, Media

_HEAD: Final = struct.Struct("!BI")
_TIME: Final = struct.Struct("!Q")
MAX_BACKLOG: Final = 1 << 18
"""Bytes that may wait for the other side to read: audio beyond it is dropped."""


@dataclass(frozen=True, slots=True)
class Ready:
    """The process can take a call; its engines are loaded and warm."""

    apology: str = ""
    """µ-law in base64, to be played should the process die."""
    problem: str = ""
    """What went wrong with the recording of the call before."""


@dataclass(frozen=True, slots=True)
class Unfit:
    """The engines could not be loaded."""

    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Begin:
    """A call for the process."""

    name: str
    """Of the call's folder."""
    call_sid: str
    watchable: bool = False
    """Whether the server may yet ask for the journal."""


@dataclass(frozen=True, slots=True)
class Watch:
    """Send the journal, from its beginning on, or stop sending it."""

    on: bool


@dataclass(frozen=True, slots=True)
class Journal:
    """The next lines of a call's journal, each with its end."""

    lines: str


@dataclass(frozen=True, slots=True)
class HangUp:
    """End the call."""

    cause: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What has happened in the call since the last of these."""

    state: str = "greeting"
    turn: int = 0
    voice_to_voice_ms: list[float] = field(default_factory=list)
    barge_in_ms: list[float] = field(default_factory=list)
    """From the caller's onset to the end of playout."""
    greeting_ms: float | None = None
    """From `start` to the first frame of the greeting."""
    dropped: int = 0
    missing: int = 0
    underruns: int = 0
    failures: list[str] = field(default_factory=list)
    """Kinds of engine that failed."""
    lateness_ms: list[float] = field(default_factory=list)
    """How late each 20 ms frame was."""


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended."""

    cause: str


Message: TypeAlias = (
    Ready | Unfit | Begin | Watch | Journal | HangUp | Progress | Over | Media | Mark | Clear | Dtmf
)
_KINDS: Final[tuple[type, ...]] = (
    Media, Mark, Clear, Dtmf, Ready, Unfit, Begin, Watch, Journal, HangUp, Progress, Over,
)  # fmt: skip
_TAGS: Final = {kind: tag for tag, kind in enumerate(_KINDS)}


def encode(message: Message) -> bytes:
    """A message as bytes."""
    if isinstance(message, Media):
        body = _TIME.pack(message.timestamp_ms) + message.payload
    elif isinstance(message, Journal):
        body = message.lines.encode("utf-8", "backslashreplace")
    else:
        body = json.dumps(asdict(message)).encode()
    return _HEAD.pack(_TAGS[type(message)], len(body)) + body


def decode(tag: int, body: bytes) -> Message:
    """The message of a tag and a body, as `encode` made them."""
    kind: Any = _KINDS[tag]
    if kind is Media:
        return Media(body[_TIME.size :], _TIME.unpack_from(body)[0])
    if kind is Journal:
        return Journal(body.decode())
    return kind(**json.loads(body))


class Link:
    """One end of the socket between server and process."""

    def __init__(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self._reader = reader
        self._writer = writer
        self.dropped = 0
        """Messages of audio given up because the other side does not read."""

    @classmethod
    async def over(cls, end: socket.socket) -> "Link":
        """A link over a connected socket, which it owns from now on."""
        return cls(*await asyncio.open_connection(sock=end))

    def send(self, message: Message) -> None:
        """Send without waiting."""
        if self._writer.is_closing():
            return
        backlog = self._writer.transport.get_write_buffer_size()
        if isinstance(message, Media) and backlog > MAX_BACKLOG:
            self.dropped += 1
            return
        self._writer.write(encode(message))

    async def receive(self) -> Message | None:
        """The next message; None when the other side is gone."""
        try:
            tag, size = _HEAD.unpack(await self._reader.readexactly(_HEAD.size))
            return decode(tag, await self._reader.readexactly(size))
        except (asyncio.IncompleteReadError, ConnectionError):
            return None

    def close(self) -> None:
        """Let the other side see the end."""
        self._writer.close()
