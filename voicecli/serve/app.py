"""The server's routes."""

import asyncio
import hashlib
import logging
import re
import secrets
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Final
from urllib.parse import urlsplit

from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.requests import ClientDisconnect, HTTPConnection, Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket

from voicecli.carriers.leg import LegStarted, RemoteProtocolError
from voicecli.carriers.protocol import HttpAnswer, HttpRequest, TooManyFieldsError, Webhooks
from voicecli.serve.admission import Admission
from voicecli.serve.calls import Calls
from voicecli.serve.door import Visit
from voicecli.serve.guard import Guard, host_name
from voicecli.serve.media import CallerStream, CallRelay, Transferrer
from voicecli.serve.metrics import Metrics
from voicecli.serve.pool import CallPool
from voicecli.serve.settings import ServeSettings
from voicecli.transports.base import RATE

log = logging.getLogger("voicecli.serve")
MAX_FORM: Final = 65_536
"""Bytes of a webhook's body; Twilio's have about a thousand."""

_LOOK_S: Final = 0.02
_Answer = Callable[[Webhooks, HttpRequest], HttpAnswer]


class CallRoutes:
    """Everything that the routes share."""

    def __init__(self, settings: ServeSettings, pool: CallPool, metrics: Metrics) -> None:
        self.settings = settings
        self.pool = pool
        self.metrics = metrics
        self.calls = Calls(metrics, lambda ms: self.admission.note_latency(ms, _now()))
        secret, carrier = settings.access.secret, settings.carrier
        self._signature = carrier.signature(secret)
        self._webhooks = carrier.webhooks()
        # Where no webhook announces a call there is nobody to give a token to.
        sealed = f"stream {secret}".encode() if secret and self._webhooks is not None else None
        key = hashlib.sha256(sealed).digest() if sealed else None
        self.admission = Admission(settings.limits, key)
        self.relays: set[CallRelay] = set()
        self.watchable = False
        """Whether a screen may ask for the journals of calls."""
        self.number = ""
        """The phone number whose calls come to us, if it was borrowed."""
        self.machine_message = ""
        """What an answering machine is told in an outbound call; empty: the agent speaks."""
        self.number_for: Callable[[str], str] = lambda _key: ""
        """The number that a key puts a caller through to, if it does."""
        self.transfer: Transferrer = self._nobody_to_ask
        """Puts a call through to a number; gives what went wrong."""

    def app(self) -> Starlette:
        """What callers' ends may reach, as an ASGI application."""
        routes: list[BaseRoute] = [WebSocketRoute("/media", self.media)]
        if self._webhooks is not None:
            routes += [
                Route(
                    "/voice", self._webhook(self._webhooks, self._answer), methods=["GET", "POST"]
                ),
                Route(
                    "/status", self._webhook(self._webhooks, self._note_status), methods=["POST"]
                ),
            ]
        if self.settings.operators is None:
            routes += self._operators_routes()
        # Unsigned calls are for this computer: not for what a tunnel sends here.
        unsigned = self.settings.access.secret is None
        return self._guarded(routes, self.settings.host, local_only=unsigned)

    def operators_app(self) -> Starlette:
        """What whoever runs the server looks at, as an ASGI application."""
        host = self.settings.operators[0] if self.settings.operators else self.settings.host
        return self._guarded(self._operators_routes(), host, local_only=False)

    def _guarded(self, routes: list[BaseRoute], host: str, *, local_only: bool) -> Starlette:
        public = urlsplit(self.settings.access.public_url).netloc.rpartition("@")[2]
        names = (host, host_name(public))
        guard = Middleware(Guard, names=names, local_only=local_only, refused=self._refuse)
        return Starlette(routes=routes, middleware=[guard])

    def _operators_routes(self) -> list[BaseRoute]:
        return [
            Route("/healthz", self.healthz),
            Route("/readyz", self.readyz),
            Route("/metrics", self.show_metrics),
        ]

    # -- webhooks -----------------------------------------------------------------------------

    def _webhook(
        self, webhooks: Webhooks, answer: _Answer
    ) -> Callable[[Request], Awaitable[Response]]:
        async def answered(request: Request) -> Response:
            body = bytearray()
            try:
                async for chunk in request.stream():
                    body += chunk
                    if len(body) > MAX_FORM:
                        return PlainTextResponse("too large", 413)
            except ClientDisconnect:
                return PlainTextResponse("nobody is there to read it", 400)
            asked = self._as_sent(request, bytes(body))
            try:
                if not self._signature.is_genuine(asked):
                    return self._not_genuine(request.url.path)
                told = answer(webhooks, asked)
            except TooManyFieldsError:
                return PlainTextResponse("too many fields", 413)
            return Response(told.text, media_type=told.media_type)

        return answered

    def _as_sent(self, request: HTTPConnection, body: bytes = b"") -> HttpRequest:
        """The request with the address that the carrier knows."""
        access = self.settings.access
        base_url = access.stream_base if request.scope["type"] == "websocket" else access.public_url
        query = f"?{request.url.query}" if request.url.query else ""
        url = f"{base_url}{request.url.path}{query}"
        return HttpRequest(url, dict(request.headers), body)

    def _not_genuine(self, path: str) -> Response:
        self._refuse("signature")
        log.warning(self._signature.advice, extra={"path": path})
        return PlainTextResponse("wrong signature", 403)

    def _answer(self, webhooks: Webhooks, asked: HttpRequest) -> HttpAnswer:
        """The carrier asks what to do with a call."""
        call = webhooks.announced(asked)
        if self.machine_message and call.answered_by_machine:
            return webhooks.leave_message(self.machine_message)
        token, refusal = self.admission.reserve(call.call_id, _now(), _wall())
        if refusal is not None:
            self._refuse(refusal)
            return webhooks.reject()
        return webhooks.connect(self.settings.access.stream_url, {"token": token})

    def _note_status(self, webhooks: Webhooks, asked: HttpRequest) -> HttpAnswer:
        """The carrier tells how an outbound call fares."""
        told, answer = webhooks.status(asked)
        log.info("call status", extra=dict(told))
        return answer

    # -- operators ----------------------------------------------------------------------------

    async def healthz(self, _request: Request) -> Response:
        """The process lives."""
        return PlainTextResponse("ok")

    async def readyz(self, _request: Request) -> Response:
        """It takes calls, now or when one of those under way is over."""
        if self.admission.draining:
            return PlainTextResponse("draining", 503)
        ready = self.pool.loaded
        return PlainTextResponse("ready" if ready else "loading", 200 if ready else 503)

    async def show_metrics(self, _request: Request) -> Response:
        """For Prometheus."""
        return Response(self.metrics.page(), media_type="text/plain; version=0.0.4")

    # -- calls --------------------------------------------------------------------------------

    async def media(self, socket: WebSocket) -> None:
        """One call's WebSocket, from handshake to end."""
        asked = self._as_sent(socket)
        if not self._signature.is_genuine(asked):
            self._not_genuine(socket.url.path)
            await socket.close()  # before it is accepted: the handshake gets a 403
            return
        visit: Visit = socket.state.visit
        visit.let_in()
        await socket.accept()
        end = self.settings.carrier.agent_end(asked)
        await self._connected(CallerStream(socket, end, self.settings.limits), visit)

    async def _connected(self, stream: CallerStream, visit: Visit) -> None:
        try:
            async with asyncio.timeout(self.settings.limits.start_s):
                start = await _start_of(stream)
        except TimeoutError:
            await self._turn_away(stream, "no `start` came", 1008)
            return
        except RemoteProtocolError as error:
            await self._turn_away(stream, str(error), 1008)
            return
        if start is None:
            return
        if start.traits.rate != RATE:
            why = f"audio at {start.traits.rate} Hz: have the carrier send {RATE} Hz"
            await self._turn_away(stream, why, 1008)
            return
        token = start.parameters.get("token", "")
        refusal = self.admission.redeem(token, start.call_id, _now(), _wall())
        if refusal is None and self.settings.access.secret is not None:
            await self._take_over(start.call_id)
        worker = self.pool.acquire() if refusal is None else None
        if worker is None:
            code = 1008 if refusal == "unknown token" else 1013  # "try again later"
            await self._turn_away(stream, refusal or "busy", code)
            return
        visit.become_call()
        pid = worker.process.pid or 0
        call = self.calls.begin(_name(start.call_id), start.call_id, pid, _now())
        relay = CallRelay(
            stream, worker, call, self.calls, self.number_for,
            traits=start.traits, transfer=self.transfer, watchable=self.watchable,
        )  # fmt: skip
        self.relays.add(relay)
        self.admission.begin(start.call_id)
        cause = "the server ended"
        try:
            cause = await relay.run(self.pool, self.settings.limits)
        finally:
            self.admission.end(start.call_id)
            self.relays.discard(relay)
            self.calls.end(call, cause, _now())

    async def _take_over(self, call_id: str) -> None:
        """A call that comes again takes its own place: its earlier stream leads nowhere."""
        earlier = [relay for relay in self.relays if relay.call.call_id == call_id]
        for relay in earlier:
            relay.hang_up("the call came again")
        with suppress(TimeoutError):
            async with asyncio.timeout(self.settings.limits.start_s):
                while earlier and not self.pool.idle:
                    await asyncio.sleep(_LOOK_S)

    def watch(self, name: str | None) -> None:
        """Have the journal of this live call gather, and of no other."""
        for relay in self.relays:
            relay.watch(on=relay.call.name == name)

    async def _turn_away(self, stream: CallerStream, why: str, code: int) -> None:
        self._refuse("protocol" if code == 1008 and why != "unknown token" else why)
        log.warning("stream refused", extra={"why": why})
        await stream.close(code, why)

    async def _nobody_to_ask(self, _call_id: str, _number: str) -> str:
        title = self.settings.carrier.title
        return f"this server has no {title} account to put calls through with"

    def _refuse(self, reason: str) -> None:
        self.metrics.refused.labels(reason).inc()


async def _start_of(stream: CallerStream) -> LegStarted | None:
    """The `start` of a stream; None if the caller's end goes away before."""
    while (message := await stream.receive()) is not None:
        if isinstance(message, LegStarted):
            return message
    return None


def _name(call_id: str) -> str:
    """A folder's name; the call's id comes from outside and is not to be trusted with a path."""
    safe = re.sub(r"[^A-Za-z0-9]", "", call_id)[-8:] or "call"
    moment = datetime.now().astimezone().strftime("%Y%m%d-%H%M%S")
    return f"{moment}-{safe}-{secrets.token_hex(2)}"


def _wall() -> float:
    """Tokens are honoured by other servers too: their clock must be everybody's."""
    return datetime.now(UTC).timestamp()


def _now() -> float:
    return time.monotonic()
