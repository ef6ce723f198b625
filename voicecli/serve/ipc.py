"""What the server and a call's process tell each other over their socket.

Each message is a tag of one byte, its length, the moment it was sent and its body: audio as it is,
all else as JSON.
"""

import json
import socket
import struct
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from typing import Any, Final, TypeAlias

from pipelines.runtime.clock import machine_time
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.carriers.leg import AudioIn, AudioOut, Clear, Dtmf, LegTraits, Mark, MarkPlayed

_HEAD: Final = struct.Struct("!BIQ")
_TIME: Final = struct.Struct("!q")
_UNKNOWN: Final = -1
_CHUNK: Final = 1 << 16
BEAT: Final[Nanos] = SECOND
"""How often a process that is warm says something, in calls and between them."""
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
class LoadFailed:
    """The engines could not be loaded."""

    message: str
    exit_code: int


@dataclass(frozen=True, slots=True)
class Begin:
    """A call for the process."""

    name: str
    """Of the call's folder."""
    call_id: str
    """The carrier's name of the call."""
    traits: LegTraits
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
class Transfer:
    """Put the caller through; the process's job of that number asks for it."""

    job: int
    number: str


@dataclass(frozen=True, slots=True)
class NotTransferred:
    """Why that job could not be done; if it can, the call ends."""

    job: int
    problem: str


@dataclass(frozen=True, slots=True)
class Progress:
    """What has happened in the call since the last of these."""

    state: str = "greeting"
    turn: int = 0
    voice_to_voice_ms: list[float] = field(default_factory=list)
    barge_in_ms: list[float] = field(default_factory=list)
    """From the caller's onset to silence at their ear."""
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
class Alive:
    """The process has nothing to tell, and would if it had; see BEAT."""


@dataclass(frozen=True, slots=True)
class Over:
    """The call has ended."""

    cause: str


Message: TypeAlias = (
    Ready | LoadFailed | Begin | Watch | Journal | HangUp | Transfer | NotTransferred | Progress
    | Over
    | Alive | AudioIn | AudioOut | Mark | MarkPlayed | Clear | Dtmf
)  # fmt: skip
_KINDS: Final[tuple[type, ...]] = (
    AudioIn, AudioOut, Mark, MarkPlayed, Clear, Dtmf, Ready, LoadFailed, Begin, Watch, Journal,
    HangUp,
    Transfer, NotTransferred, Progress, Over, Alive,
)  # fmt: skip
_TAGS: Final = {kind: tag for tag, kind in enumerate(_KINDS)}


def encode(message: Message, at: Nanos = 0) -> bytes:
    """A message as bytes, with the moment of `machine_time` at which it is sent."""
    if isinstance(message, AudioOut):
        body = message.payload
    elif isinstance(message, AudioIn):
        body = _TIME.pack(_UNKNOWN if message.at_ms is None else message.at_ms) + message.payload
    elif isinstance(message, Journal):
        body = message.lines.encode("utf-8", "backslashreplace")
    else:
        body = json.dumps(asdict(message)).encode()
    return _HEAD.pack(_TAGS[type(message)], len(body), at) + body


def decode_all(data: bytearray) -> Iterator[tuple[Message, Nanos]]:
    """The messages that are whole, each with the moment it was sent; takes them out of `data`."""
    while len(data) >= _HEAD.size:
        tag, size, at = _HEAD.unpack_from(data)
        end = _HEAD.size + size
        if len(data) < end:
            return
        body = bytes(data[_HEAD.size : end])
        del data[:end]
        yield _decode(tag, body), at


def _decode(tag: int, body: bytes) -> Message:
    kind: Any = _KINDS[tag]
    if kind is AudioOut:
        return AudioOut(body)
    if kind is AudioIn:
        at_ms = _TIME.unpack_from(body)[0]
        return AudioIn(body[_TIME.size :], None if at_ms == _UNKNOWN else at_ms)
    if kind is Journal:
        return Journal(body.decode())
    row = json.loads(body)
    if kind is Begin:
        row["traits"] = LegTraits(**row["traits"])
    return kind(**row)


class Link:
    """One end of the socket between server and process, which it owns.

    It never waits: what the other side does not read stays here, up to MAX_BACKLOG bytes of audio,
    and leaves with the next message or `flush`. A process looks at its end once a tick, so that no
    message wakes it in between.
    """

    def __init__(self, end: socket.socket) -> None:
        end.setblocking(False)
        self._socket = end
        self._inbox = bytearray()
        self._outbox = bytearray()
        self.closed = False
        """Whether the other side is gone."""
        self.dropped = 0
        """Messages of audio given up because the other side does not read."""

    def fileno(self) -> int:
        """For an event loop to watch."""
        return self._socket.fileno()

    def send(self, message: Message) -> None:
        """Send without waiting."""
        if isinstance(message, AudioIn | AudioOut) and len(self._outbox) > MAX_BACKLOG:
            self.dropped += 1
        else:
            self._outbox += encode(message, machine_time())
        self.flush()

    def flush(self) -> None:
        """Send what could not be sent before."""
        try:
            while self._outbox and not self.closed:
                del self._outbox[: self._socket.send(self._outbox)]
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True

    def receive(self) -> Iterator[tuple[Message, Nanos]]:
        """What has come, each with the moment of `machine_time` at which it was sent."""
        try:
            while not self.closed:
                chunk = self._socket.recv(_CHUNK)
                self._inbox += chunk
                self.closed = not chunk
                if len(chunk) < _CHUNK:
                    break
        except BlockingIOError:
            pass
        except OSError:
            self.closed = True
        return decode_all(self._inbox)

    def hang_up(self) -> None:
        """Let the other side see the end; what it still says can be received."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_WR)

    def close(self) -> None:
        """Give the socket back."""
        self.closed = True
        self._socket.close()
