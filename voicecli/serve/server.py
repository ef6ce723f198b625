"""Runs the server from first warm process to last call."""

import asyncio
import gc
import logging
import signal
import socket
from collections.abc import Iterator
from contextlib import AsyncExitStack, contextmanager, nullcontext
from enum import Enum
from functools import partial
from typing import Final, cast

import uvicorn
from starlette.applications import Starlette

from voicecli.descriptors import free_descriptors, raise_descriptor_limit
from voicecli.errors import UsageError
from voicecli.profile import Profile
from voicecli.serve.app import CallRoutes
from voicecli.serve.connections import HttpConnection, WebSocketConnection
from voicecli.serve.door import Door
from voicecli.serve.logs import few_lines
from voicecli.serve.metrics import Metrics
from voicecli.serve.number import answering_number
from voicecli.serve.plan import Plan
from voicecli.serve.pool import CallPool
from voicecli.serve.settings import ServeSettings, local_url
from voicecli.serve.threads import threads
from voicecli.serve.tunnel import tunnel
from voicecli.signals import on_hangup
from voicecli.tools.load import code_run

log = logging.getLogger("voicecli.serve")
_BACKLOG: Final = 1024
"""Connections that the system keeps until they are accepted."""
_AT_ONCE: Final = 8
"""Connections that are accepted before calls under way get their turn again."""


class Stage(Enum):
    """How far a server's life has come."""

    LOADING = "loading"
    READY = "ready"
    DRAINING = "draining"
    OVER = "over"


class CallServer:
    """One server, which may run on another thread than whoever watches it.

    `stop` and what can be read may be used from any thread.

    Args:
        plan: where to listen, and for whom.
        profile: the agent.
        watchable: whether `watch` will be used; the journals of calls are kept for it.
    """

    def __init__(self, plan: Plan, profile: Profile, *, watchable: bool = False) -> None:
        self.plan = plan
        self.profile = profile
        self.routes: CallRoutes | None = None
        """What it does; None while it loads."""
        self.stage = Stage.LOADING
        self._watchable = watchable
        self._loop: asyncio.AbstractEventLoop | None = None
        self._task: asyncio.Task[None] | None = None
        self._drain: _Drain | None = None
        self._stopped = False

    async def run(self, *, signals: bool = True) -> None:
        """Serve until stopped.

        Args:
            signals: whether SIGTERM, Ctrl-C and a closed terminal stop it; only on the main thread.

        Raises:
            UsageError: the port is taken.
            TunnelError, CarrierError: no address, or no number.
            VoicecliError: the engines cannot be loaded.
        """
        self._loop, self._task = asyncio.get_running_loop(), asyncio.create_task(self._serve())
        for number in (signal.SIGTERM, signal.SIGINT) if signals else ():
            self._loop.add_signal_handler(number, self._stop)
        if signals:
            on_hangup(self.stop)
        if self._stopped:
            self._stop()
        try:
            await self._task
        except asyncio.CancelledError:
            if not self._stopped:
                raise
        finally:
            self.stage = Stage.OVER

    @property
    def now(self) -> float:
        """The moment on the clock of its calls, in seconds."""
        return 0.0 if self._loop is None else self._loop.time()

    def stop(self) -> None:
        """Take no more calls and end with the last of them; asked again, end them now."""
        if self._loop is None:
            self._stopped = True
        elif self.stage is not Stage.OVER:
            self._loop.call_soon_threadsafe(self._stop)

    def watch(self, name: str | None) -> None:
        """Have the journal of the live call of this name gather in its `journal`."""
        if self._loop is not None and self.routes is not None and self.stage is not Stage.OVER:
            self._loop.call_soon_threadsafe(self.routes.watch, name)

    def _stop(self) -> None:
        self._stopped = True
        if self._drain is not None:
            self.stage = Stage.DRAINING
            self._drain.signalled()
        elif self._task is not None:
            self._task.cancel()

    async def _serve(self) -> None:
        async with AsyncExitStack() as cleanup:
            settings, listeners = _listening(self.plan.settings, cleanup)
            outdoors = cleanup.enter_context(threads(1, "outdoors"))
            if self.plan.account is not None and self.plan.options.borrows:
                # Better now than when everything is loaded.
                await outdoors.run(self.plan.account.check, self.plan.options.number)
            if self.plan.ngrok:
                address = await outdoors.run(cleanup.enter_context, tunnel(settings.port))
                settings = settings.reached_at(address)
            metrics = Metrics()
            cleanup.enter_context(few_lines(metrics.unlogged.inc))
            raise_descriptor_limit()

            def on_trouble(what: str) -> None:
                metrics.died.inc()
                log.error(what)

            pool = CallPool(settings.limits.max_calls, self.profile, settings.recording, on_trouble)
            size = settings.limits.max_calls
            log.info("loading", extra={"profile": self.profile.name, "processes": size})
            if path := code_run(self.profile):
                log.info("tools", extra={"file": path})
            for note in self.profile.notes:
                log.info("language", extra={"note": note})
            await pool.start()
            cleanup.push_async_callback(pool.close)
            # What is there by now stays: looking through it for garbage takes 50 ms, of every call,
            # and each connection that comes and goes brings the next time nearer.
            gc.collect()
            gc.freeze()
            cleanup.callback(gc.unfreeze)
            routes = CallRoutes(settings, pool, metrics)
            routes.watchable = self._watchable
            self.routes = routes
            self._drain = _Drain(routes)
            door = Door(
                settings.limits, free_descriptors(), lambda why: metrics.cut.labels(why).inc()
            )
            await self._answer(routes, self._drain, door, listeners)

    async def _answer(
        self, routes: CallRoutes, drain: "_Drain", door: Door, listeners: list[socket.socket]
    ) -> None:
        """Take calls until a signal comes, then see the last of them through."""
        apps = [routes.app()] if len(listeners) == 1 else [routes.app(), routes.operators_app()]
        most = routes.settings.carrier.max_message
        servers = [_Server(_configuration(app, door, most)) for app in apps]
        running = [
            asyncio.create_task(server.serve(sockets=[listener]))
            for server, listener in zip(servers, listeners, strict=True)
        ]
        account, options = self.plan.account, self.plan.options
        try:
            async with answering_number(account, options, routes) if account else nullcontext():
                if not drain.asked.is_set():
                    self.stage = Stage.READY
                    _announce(routes.settings)
                await drain.asked.wait()
            await drain.quiet()  # new calls go where they went before
        finally:
            for server in servers:
                server.should_exit = True
            await asyncio.gather(*running)


def _listening(
    settings: ServeSettings, cleanup: AsyncExitStack
) -> tuple[ServeSettings, list[socket.socket]]:
    """Sockets for callers and, if they are to be apart, for operators."""
    listeners = [cleanup.enter_context(listen(settings.host, settings.port, "--port"))]
    settings = settings.at_port(listeners[0].getsockname()[1])
    if settings.operators is not None:
        beside = cleanup.enter_context(listen(*settings.operators, "--operators"))
        settings = settings.watched_at(beside.getsockname()[1])
        listeners.append(beside)
    return settings, listeners


def _announce(settings: ServeSettings) -> None:
    if settings.access.secret is None:
        log.warning("unsigned calls are taken: anybody on this computer can call")
    extra = {"url": settings.url}
    if settings.access.public_url != settings.url:
        extra["public"] = settings.access.public_url
    if settings.operators is not None:
        extra["metrics"] = f"{local_url(*settings.operators)}/metrics"
    log.info("ready", extra=extra)


class _Server(uvicorn.Server):
    """Leaves signals to us: its own way to stop would cut live calls off."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        """Let more connections wait in the system's queue than are accepted at once."""
        await super().startup(sockets)
        for listener in sockets or ():
            listener.listen(_BACKLOG)

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Drain:
    """The first signal stops new calls, the second one ends those under way."""

    def __init__(self, routes: CallRoutes) -> None:
        self.asked = asyncio.Event()
        self._routes = routes
        self._until = 0.0

    def signalled(self) -> None:
        if self.asked.is_set():
            self._end_calls()
            return
        seconds = self._routes.settings.limits.drain_s
        self._until = asyncio.get_running_loop().time() + seconds
        self._routes.admission.draining = True
        self.asked.set()
        if live := self._routes.admission.live:
            log.info(
                "draining: no new calls; signal again to end those under way",
                extra={"live": live, "seconds": seconds},
            )

    async def quiet(self) -> None:
        """Wait for the calls under way, but not for ever."""
        try:
            async with asyncio.timeout_at(self._until):
                await self._until_quiet()
        except TimeoutError:
            log.warning("drain timeout", extra={"live": self._routes.admission.live})
            self._end_calls()
            await self._until_quiet()

    def _end_calls(self) -> None:
        for relay in tuple(self._routes.relays):
            relay.hang_up("the server is shutting down")

    async def _until_quiet(self) -> None:
        while self._routes.relays:
            await asyncio.sleep(0.05)


def listen(host: str, port: int, option: str) -> socket.socket:
    """A listening socket; UsageError names the option if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = None
    try:
        listener = socket.socket(family, socket.SOCK_STREAM)
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((host, port))
        listener.listen(_BACKLOG)
    except (OSError, UnicodeError) as error:  # a name that cannot be encoded is none either
        if listener is not None:
            listener.close()
        why = error.strerror if isinstance(error, OSError) else "that is no host"
        raise UsageError(
            f"cannot listen on {ascii(host)[1:-1]}:{port}: {why}; choose another {option}."
        ) from None
    return listener


def _configuration(app: Starlette, door: Door, max_message: int) -> uvicorn.Config:
    return uvicorn.Config(
        app,
        # What it calls classes, it only calls.
        http=cast("type[asyncio.Protocol]", partial(HttpConnection, door)),
        ws=cast("type[asyncio.Protocol]", partial(WebSocketConnection, door)),
        backlog=_AT_ONCE,
        ws_max_size=max_message,
        ws_max_queue=32,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
