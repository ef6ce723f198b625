"""One call on the server's side: between a WebSocket and a process."""

import asyncio
import logging
from collections import deque
from collections.abc import Awaitable, Callable, Iterable
from contextlib import suppress
from typing import Final, TypeAlias

import numpy as np
from starlette.websockets import WebSocket, WebSocketDisconnect, WebSocketState

from telephony_sim.g711 import ulaw_decode
from voicecli.carriers.leg import (
    AgentEnd,
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    FromCaller,
    LegEnded,
    LegTraits,
    LocalProtocolError,
    Mark,
    MarkPlayed,
    RemoteProtocolError,
    Reply,
    ToCaller,
    Wire,
)
from voicecli.serve.admission import RateLimit
from voicecli.serve.calls import Calls, LiveCall
from voicecli.serve.ipc import (
    Begin,
    HangUp,
    Journal,
    Message,
    NotTransferred,
    Over,
    Progress,
    Transfer,
    Watch,
)
from voicecli.serve.outbox import Outbox
from voicecli.serve.pool import CallPool, CallWorker
from voicecli.serve.settings import Limits

log = logging.getLogger("voicecli.serve")
_NORMAL: Final = 1000
_APOLOGY_MARK: Final = "apology"
_BYTES_PER_S: Final = 8000
_LAST_WORDS_S: Final = 2.0
"""For a process to report after it was told to hang up; what it says later is of no call."""


class CallerStream:
    """The WebSocket of one call as what is said on it.

    Raises:
        RemoteProtocolError: from `receive`: garbage, too much of it, or none for too long.
    """

    def __init__(self, socket: WebSocket, end: AgentEnd, limits: Limits) -> None:
        self._end = end
        self._said: deque[FromCaller] = deque()
        self.closed_in_order = False
        """Whether the caller's end has closed it, and not just gone."""
        self._socket = socket
        self._limits = limits
        self._rate = RateLimit(limits.messages_per_s, asyncio.get_running_loop().time())

    async def receive(self) -> FromCaller | None:
        """What is said next; None when the caller's end has gone away."""
        while True:
            while self._said:
                said = self._said.popleft()
                if not isinstance(said, Reply):
                    return said
                try:
                    await self._send((said.wire,))
                except TimeoutError:
                    raise RemoteProtocolError("it does not read what it asked for") from None
                except (WebSocketDisconnect, RuntimeError):
                    return None
            try:
                async with asyncio.timeout(self._limits.idle_s):
                    received = await self._socket.receive()
            except TimeoutError:
                seconds = self._limits.idle_s
                raise RemoteProtocolError(f"nothing came for {seconds:g} s") from None
            if received["type"] != "websocket.receive":
                self.closed_in_order = received.get("code") == _NORMAL
                return None
            if not self._rate.allows(asyncio.get_running_loop().time()):
                rate = self._limits.messages_per_s
                raise RemoteProtocolError(f"more than {rate:g} messages a second")
            self._said += self._end.receive(received.get("text") or received.get("bytes") or "")

    async def send(self, said: ToCaller) -> None:
        """Send; TimeoutError if the caller's end does not read, WebSocketDisconnect if gone."""
        await self._send(self._end.send(said))

    async def _send(self, messages: Iterable[Wire]) -> None:
        for message in messages:
            async with asyncio.timeout(self._limits.send_s):
                if isinstance(message, str):
                    await self._socket.send_text(message)
                else:
                    await self._socket.send_bytes(message)

    async def close(self, code: int = 1000, reason: str = "") -> None:
        """Hang up and close the WebSocket, unless it is closed."""
        if self._socket.application_state is not WebSocketState.CONNECTED:
            return
        try:
            with suppress(LocalProtocolError):  # the leg never began, or is over
                await self.send(LegEnded())
            async with asyncio.timeout(self._limits.send_s):
                await self._socket.close(code, reason[:120])
        except (TimeoutError, RuntimeError, WebSocketDisconnect):
            pass  # nobody is there to hear it


Transferrer: TypeAlias = Callable[[str, str], Awaitable[str]]


class CallRelay:
    """Carries one call: the caller's messages to the process, the agent's voice back.

    `number_for` gives the number that a key puts the caller through to, `transfer` is told the
    call's id and such a number (it gives what went wrong, or nothing); `watchable` says whether
    `watch` may be called.
    """

    def __init__(
        self,
        stream: CallerStream,
        worker: CallWorker,
        call: LiveCall,
        calls: Calls,
        number_for: Callable[[str], str],
        *,
        traits: LegTraits,
        transfer: Transferrer,
        watchable: bool = False,
    ) -> None:
        self.call = call
        self._stream = stream
        self._worker = worker
        self._calls = calls
        self._number_for = number_for
        self._traits = traits
        self._transfer = transfer
        self._transferring: asyncio.Task[None] | None = None
        self._again = 0
        """Transfers that were asked for while one was under way, or done."""
        self._watchable = watchable
        self._outbox = Outbox()
        self._news = asyncio.Event()
        self._echo = asyncio.Event()
        self._over: str | None = None
        self._died = False

    async def run(self, pool: CallPool, limits: Limits) -> str:
        """From `start` to the end of the call; its cause."""
        self._worker.listener = self._from_process
        self._worker.send(
            Begin(self.call.name, self.call.call_id, self._traits, watchable=self._watchable)
        )
        listen = asyncio.create_task(self._listen())
        speak = asyncio.create_task(self._speak(pool))
        cause, code = "the call lasted too long", 1000
        try:
            async with asyncio.timeout(limits.max_duration_s):
                done, _ = await asyncio.wait({listen, speak}, return_when=asyncio.FIRST_COMPLETED)
                cause, code = (listen if listen in done else speak).result()
        except TimeoutError:
            pass
        finally:
            for task in (listen, speak):
                task.cancel()
            await asyncio.gather(listen, speak, return_exceptions=True)
        await self._hang_up(cause)
        await self._stream.close(code, cause)
        return cause

    def hang_up(self, cause: str) -> None:
        """Have the agent end the call."""
        self._worker.send(HangUp(cause))

    def watch(self, *, on: bool) -> None:
        """Have the call's journal gather in `call.journal`, or no longer."""
        self._worker.send(Watch(on))

    async def _hang_up(self, cause: str) -> None:
        """Let the process finish its report; it becomes free when the recording is written."""
        if self._over is None and not self._died:
            self._worker.send(HangUp(cause))
            try:
                async with asyncio.timeout(_LAST_WORDS_S):
                    while self._over is None and not self._died:
                        self._news.clear()
                        await self._news.wait()
            except TimeoutError:
                # The machine may be slow; whether the process hangs, the pool finds out.
                log.warning("a process takes long to hang up", extra={"call": self.call.name})
                self._worker.listener = None

    def _from_process(self, message: Message | None) -> None:
        match message:
            case None:
                self._died = True
            case AudioOut() | Mark() | Clear():
                self._outbox.put(message)
            case Progress():
                self._calls.progress(self.call, message)
            case Journal(lines):
                self.call.journal.append(lines)
            case Over(cause):
                self._over = cause
            case Transfer(job, number):
                self._put_through(number, job)
            case _:
                pass
        self._news.set()

    def _put_through(self, number: str, job: int | None = None) -> None:
        """Ask for it, unless it is being done; if it works, the caller's end hangs up on us."""
        if self._transferring is None:
            self._transferring = asyncio.create_task(self._ask_for_transfer(number, job))
            return
        self._again += 1
        self._calls.transferred_again(self.call, first=self._again == 1)
        if job is not None:
            self._worker.send(NotTransferred(job, "the call is being put through already"))

    async def _ask_for_transfer(self, number: str, job: int | None) -> None:
        if problem := await self._transfer(self.call.call_id, number):
            self._transferring = None  # it may be tried again
            if job is not None:
                self._worker.send(NotTransferred(job, problem))

    async def _listen(self) -> tuple[str, int]:
        """Until the caller's end is done; the cause and the code to close with."""
        try:
            while (message := await self._stream.receive()) is not None:
                if isinstance(message, LegEnded):
                    return "the caller hung up", 1000
                if isinstance(message, AudioIn | MarkPlayed | Dtmf):
                    self._worker.send(message)
                if isinstance(message, Dtmf) and (number := self._number_for(message.digit)):
                    self._put_through(number)
                if message == MarkPlayed(_APOLOGY_MARK):
                    self._echo.set()
        except RemoteProtocolError as error:
            extra = {"call": self.call.name, "why": str(error)}
            log.warning("protocol violated", extra=extra)
            return "the caller's end broke the protocol", 1008
        if self._stream.closed_in_order and not self._traits.says_end:
            return "the caller hung up", _NORMAL
        return "the connection was lost", _NORMAL

    async def _speak(self, pool: CallPool) -> tuple[str, int]:
        """Until the agent is done; the cause and the code to close with."""
        try:
            while True:
                self._news.clear()
                while (message := self._outbox.take()) is not None:
                    await self._stream.send(message)
                if self._died:
                    await self._apologise(pool.apology)
                    return "the call's process died", 1011
                if self._over is not None:
                    return self._over, 1000
                await self._news.wait()
        except TimeoutError:
            return "the caller's end does not read", 1008
        except (WebSocketDisconnect, RuntimeError):
            return "the connection was lost", 1000

    async def _apologise(self, apology: bytes) -> None:
        """The far end plays it, µ-law, from its buffer; wait until it was heard."""
        if apology:
            await self._stream.send(Clear())
            pcm = ulaw_decode(np.frombuffer(apology, np.uint8))
            await self._stream.send(AudioOut(self._traits.encode(pcm)))
            await self._stream.send(Mark(_APOLOGY_MARK))
            try:
                async with asyncio.timeout(len(apology) / _BYTES_PER_S + 1):
                    await self._echo.wait()
            except TimeoutError:
                pass  # it does not echo marks
