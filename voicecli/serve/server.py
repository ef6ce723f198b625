"""Runs the server from first warm process to last call; changes with how it starts and ends."""

import asyncio
import logging
import signal
import socket
from collections.abc import Callable, Iterator
from contextlib import AbstractAsyncContextManager, ExitStack, contextmanager, nullcontext

import uvicorn
from rich.console import Console

from voicecli.errors import UsageError
from voicecli.profile import Profile
from voicecli.serve.app import Switchboard
from voicecli.serve.board import Board
from voicecli.serve.logs import set_up_logs
from voicecli.serve.metrics import Metrics
from voicecli.serve.pool import CallPool
from voicecli.serve.settings import ServeSettings
from voicecli.transports.twilio import MAX_FROM_CALLER

log = logging.getLogger("voicecli.serve")

Outside = Callable[[Switchboard], AbstractAsyncContextManager[None]]


async def run_server(
    settings: ServeSettings,
    profile: Profile,
    *,
    log_json: bool = False,
    outside: Outside | None = None,
) -> None:
    """Serve until SIGTERM or Ctrl-C, then let live calls end; a second signal ends them.

    Args:
        settings: where to listen, and for whom.
        profile: the agent.
        log_json: log JSON objects, and show no table.
        outside: entered once calls can come, and left before the server ends.

    Raises:
        UsageError: the port is taken.
        VoicecliError: the engines cannot be loaded.
    """
    console = Console()
    set_up_logs(lambda line: console.print(line, markup=False, soft_wrap=True), as_json=log_json)
    metrics = Metrics()
    with ExitStack() as cleanup:
        listener = cleanup.enter_context(listen(settings.host, settings.port))
        settings = settings.at_port(listener.getsockname()[1])

        def on_trouble(what: str) -> None:
            metrics.died.inc()
            log.error(what)

        pool = CallPool(settings.limits.max_calls, profile, settings.recording, on_trouble)
        log.info("loading", extra={"profile": profile.name, "processes": settings.limits.max_calls})
        await pool.start()
        board = Switchboard(settings, pool, metrics)
        server = _Server(_configuration(board))
        if console.is_terminal and not log_json:
            table = Board(console, board.calls, lambda: pool.idle)
            cleanup.enter_context(table.shown())
        drain = _Drain(board, server)
        for number in (signal.SIGTERM, signal.SIGINT):
            asyncio.get_running_loop().add_signal_handler(number, drain.signalled)
        log.info("ready", extra={"url": f"http://{settings.host}:{settings.port}"})
        try:
            async with outside(board) if outside is not None else nullcontext():
                await server.serve(sockets=[listener])
        finally:
            await pool.close()


class _Server(uvicorn.Server):
    """Leaves signals to us: its own way to stop would cut live calls off."""

    @contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


class _Drain:
    """The first signal stops new calls, the second one ends those under way."""

    def __init__(self, board: Switchboard, server: uvicorn.Server) -> None:
        self._board = board
        self._server = server
        self._task: asyncio.Task[None] | None = None

    def signalled(self) -> None:
        if self._board.admission.draining:
            self._end_calls()
            return
        self._board.admission.draining = True
        live = self._board.admission.live
        if live:
            seconds = self._board.settings.limits.drain_s
            log.info(
                "draining: no new calls; signal again to end those under way",
                extra={"live": live, "seconds": seconds},
            )
        self._task = asyncio.create_task(self._drained())

    async def _drained(self) -> None:
        try:
            async with asyncio.timeout(self._board.settings.limits.drain_s):
                await self._until_quiet()
        except TimeoutError:
            log.warning("drain timeout", extra={"live": self._board.admission.live})
            self._end_calls()
            await self._until_quiet()
        self._server.should_exit = True

    def _end_calls(self) -> None:
        for relay in tuple(self._board.relays):
            relay.hang_up("the server is shutting down")

    async def _until_quiet(self) -> None:
        while self._board.relays:
            await asyncio.sleep(0.05)


def listen(host: str, port: int) -> socket.socket:
    """A listening socket; UsageError if the address cannot be had."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(512)
    except OSError as error:
        listener.close()
        raise UsageError(
            f"cannot listen on {host}:{port}: {error.strerror}; choose another --port."
        ) from None
    return listener


def _configuration(board: Switchboard) -> uvicorn.Config:
    return uvicorn.Config(
        board.app(),
        ws="websockets-sansio",
        ws_max_size=4 * MAX_FROM_CALLER,  # bytes: a character has up to four
        ws_max_queue=32,
        ws_per_message_deflate=False,
        access_log=False,
        log_config=None,
        lifespan="off",
        server_header=False,
        timeout_graceful_shutdown=5,
    )
