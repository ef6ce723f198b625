"""One call from the caller's side in real time."""

import asyncio
import logging
import threading
from collections import deque
from collections.abc import Sequence
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Final, Literal, Protocol, TypeAlias, cast

from websockets.asyncio.client import connect
from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidStatus,
    WebSocketException,
)

from pipelines.runtime.clock import MonotonicClock
from pipelines.runtime.transport import Received
from pipelines.turn_taking.events import DtmfReceived
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos, from_ms
from voicecli.carriers.errors import DialError
from voicecli.carriers.leg import (
    AudioIn,
    CallerEnd,
    Dtmf,
    FromCaller,
    LegEnded,
    LegStarted,
    LegTraits,
    MarkPlayed,
    RemoteProtocolError,
)
from voicecli.carriers.protocol import Carrier, Dialler, StreamAddress
from voicecli.carriers.registry import find_carrier
from voicecli.dial.connection import Connection
from voicecli.dial.far_buffer import FarBuffer, FloodError
from voicecli.transports.base import FRAME, Frame

log = logging.getLogger("voicecli.dial")
_CONNECT_S: Final = 15.0

_CLOSING_S: Final = 2.0
"""For a connection that has broken to be known as closed."""
_NORMAL: Final = 1000

Ending: TypeAlias = Literal[
    "caller hung up", "agent hung up", "too long",
    "connection lost",  # nobody closed it: the socket was aborted, the server killed
    "closed abnormally",  # with another code than that of an ordinary hang-up
    "protocol violated",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Key:
    """A key to be pressed this long after the call began."""

    at: Nanos
    digit: str


class Caller(Protocol):
    """Who uses the phone: what they say and hear, and the line between them and the agent."""

    @property
    def finished(self) -> bool:
        """Whether they have hung up."""
        ...

    def send(self, frame: Frame | None, now: Nanos, /) -> None:
        """Let them hear the 20 ms from `now` on; None is silence."""
        ...

    def receive(self, now: Nanos, /) -> Received:
        """The 20 ms that they have said by `now`, and the keys that they have pressed."""
        ...


@dataclass(slots=True)
class Course:
    """How a call goes so far; written by the call, and read by whoever shows it."""

    now: Nanos = 0
    buffer: FarBuffer = field(default_factory=FarBuffer)
    lateness: list[Nanos] = field(default_factory=list[Nanos])
    """Of our own ticks: what we cannot hold against the agent."""


@dataclass(frozen=True, slots=True)
class Dialled:
    """How a call went, beside its audio."""

    ending: Ending
    problem: str
    """What the agent's end did wrong: how it broke the call, or that it never sent any audio; empty
    if nothing."""
    duration: Nanos
    buffer: FarBuffer
    lateness: list[Nanos]
    """Of our own ticks: what we cannot hold against the agent."""


async def dial(
    url: str,
    caller: Caller,
    *,
    keys: Sequence[Key] = (),
    secret: str | None = None,
    max_s: float = 600.0,
    course: Course | None = None,
    carrier: str = "twilio",
) -> Dialled:
    """Make one call and see it through.

    Args:
        url: ws(s):// of a media stream, or http(s):// of a voice webhook.
        caller: what we say, and the line between us and the agent.
        keys: pressed meanwhile, in order of time.
        secret: signs the requests as the carrier would.
        max_s: hang up after this many seconds.
        course: is kept up to date meanwhile.
        carrier: whose part we play.

    Raises:
        DialError: nobody answers, or we are not let in.
    """
    played = find_carrier(carrier)
    dialler = played.dialler(secret)
    call_id = dialler.new_call_id()
    address = await find_stream(dialler, url, call_id)
    start = LegStarted(call_id, address.parameters)
    async with await _connect(address.url, dialler, played) as socket:
        longest = from_ms(max_s * 1000)
        phone = _Phone(
            socket, dialler.caller_end(), caller, keys, longest=longest, course=course or Course()
        )
        return await phone.run(start)


async def find_stream(dialler: Dialler, url: str, call_id: str) -> StreamAddress:
    """The stream of an address, asked for on a thread; DialError if it takes too long, too."""
    found: Future[StreamAddress] = Future()
    found.set_running_or_notify_cancel()

    def ask() -> None:
        try:
            found.set_result(dialler.find_stream(url, call_id))
        except Exception as error:  # noqa: BLE001 - raised where it is awaited
            found.set_exception(error)

    # Not one of asyncio's threads, for which a program waits before it ends.
    threading.Thread(target=ask, name="webhook", daemon=True).start()
    try:
        async with asyncio.timeout(_CONNECT_S):
            return await asyncio.wrap_future(found)
    except TimeoutError:
        raise DialError(f"{url} has not answered within {_CONNECT_S:g} s.") from None


async def _connect(url: str, dialler: Dialler, carrier: Carrier) -> Connection:
    try:
        connection = await connect(
            url, additional_headers=dialler.headers(url), compression=None,
            max_size=dialler.max_message, open_timeout=_CONNECT_S, proxy=None,
            create_connection=Connection,
        )  # fmt: skip
        return cast("Connection", connection)
    except InvalidStatus as error:
        status = error.response.status_code
        hint = f"set {carrier.secret} to the agent's" if status == 403 else "is it a media stream?"
        raise DialError(f"{url} refuses the WebSocket ({status}): {hint}.") from None
    # Of what is no address, such as a port of five nines, asyncio says so with the latter two.
    except (InvalidHandshake, WebSocketException, ValueError, OverflowError) as error:
        raise DialError(f"{url} cannot be dialled: {error}.") from None
    except (OSError, TimeoutError) as error:
        raise DialError(
            f"nobody answers at {url} ({error}); `voicecli serve` starts an agent."
        ) from None


class _Phone:
    def __init__(
        self,
        socket: Connection,
        end: CallerEnd,
        caller: Caller,
        keys: Sequence[Key],
        *,
        longest: Nanos,
        course: Course,
    ) -> None:
        self._socket = socket
        self._caller = caller
        self._keys = deque(keys)
        self._longest = longest
        self._end = end
        self._course = course
        self._clock = MonotonicClock()
        self._problem = ""
        self._traits = LegTraits()

    async def run(self, start: LegStarted) -> Dialled:
        self._course.buffer.traits = self._traits = start.traits
        await self._say(start)
        self._clock = MonotonicClock()
        listen = asyncio.create_task(self._listen())
        ending: Ending = "agent hung up"
        due, closed = FRAME, False
        try:
            while not (closed := listen.done()):
                await asyncio.sleep(max(0, due - self._clock.now()) / SECOND)
                await self._tick(due)
                if self._caller.finished or due >= self._longest:
                    ending = "caller hung up" if self._caller.finished else "too long"
                    break
                due += FRAME
            if not closed:
                await self._say(LegEnded())
        except ConnectionClosed:  # the listener sees it, too
            await asyncio.wait({listen}, timeout=_CLOSING_S)
            closed = True
        if self._problem:
            ending = "protocol violated"
        elif closed:
            ending, self._problem = self._how_it_closed()
        listen.cancel()
        with suppress(asyncio.CancelledError):
            await listen
        if not self._problem and not self._course.buffer.arrivals:
            self._problem = "the agent never sent any audio"
        return Dialled(ending, self._problem, due, self._course.buffer, self._course.lateness)

    async def _tick(self, due: Nanos) -> None:
        """20 ms: hear, then speak, then press."""
        self._course.lateness.append(max(0, self._clock.now() - due))
        self._course.now = due
        start = due - FRAME
        heard = self._course.buffer.frame(start)
        self._caller.send(heard if heard.any() else None, start)
        received = self._caller.receive(due)
        spoken = self._traits.encode(received.pcm)
        await self._say(AudioIn(spoken, start // MILLISECOND))
        pressed = [event.digit for event in received.events if isinstance(event, DtmfReceived)]
        while self._keys and self._keys[0].at <= due:
            pressed.append(self._keys.popleft().digit)
        for digit in pressed:
            await self._say(Dtmf(digit))
        for mark in self._course.buffer.echoes(due):
            await self._say(MarkPlayed(mark.name))

    async def _say(self, said: FromCaller) -> None:
        for message in self._end.send(said):
            await self._socket.send(message)

    async def _listen(self) -> None:
        """Until the agent hangs up or says what nobody understands."""
        try:
            async for message in self._socket:
                for said in self._end.receive(message):
                    self._course.buffer.take(said, self._clock.now())
                    if isinstance(said, LegEnded):
                        await self._socket.close()
        except (RemoteProtocolError, FloodError) as error:
            self._problem = str(error)
        except ConnectionClosed:
            pass  # `_how_it_closed` says how

    def _how_it_closed(self) -> tuple[Ending, str]:
        """What a closed connection says of how the call ended, and what was wrong with that."""
        if self._socket.flood:
            return "protocol violated", self._socket.flood
        theirs, ours = self._socket.protocol.close_rcvd, self._socket.protocol.close_sent
        if theirs is None and ours is not None and ours.code != _NORMAL:
            return "protocol violated", f"not a WebSocket's messages ({ours.code} {ours.reason})"
        if theirs is None:
            return "connection lost", (
                "the connection broke off without being closed; look whether the agent still runs"
            )
        if theirs.code == _NORMAL:
            return "agent hung up", ""
        problem = f"closed with {theirs.code} {theirs.reason}".strip()
        if theirs.reason == "unknown token":
            problem += "; dial its webhook instead, http(s)://HOST/voice"
        return "closed abnormally", problem
