"""The processes that stand ready for calls; changes with how they are started and replaced."""

import asyncio
import base64
import multiprocessing
import socket
from collections.abc import Callable
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from typing import Literal, TypeAlias

from voicecli.errors import EngineError
from voicecli.profile import Profile
from voicecli.serve import call_process
from voicecli.serve.settings import Recording
from voicecli.serve.wire import Link, Message, Ready, Unfit

_RETRY_S = (0.0, 1.0, 5.0, 15.0)
"""How long to wait before a process that never became ready is started again, and again."""

State: TypeAlias = Literal["loading", "idle", "busy", "gone"]


class CallWorker:
    """One process, seen from the server.

    While it is busy, `listener` gets every message of its call, and None if the process dies.
    """

    def __init__(self, process: BaseProcess, link: Link) -> None:
        self.state: State = "loading"
        self.process = process
        self.listener: Callable[[Message | None], None] | None = None
        self._link = link

    def send(self, message: Message) -> None:
        """Send to the process without waiting."""
        self._link.send(message)

    async def attend(self, take: Callable[[Message], None]) -> None:
        """Until the process is gone, hand over what it says."""
        loop, gone = asyncio.get_running_loop(), asyncio.Event()

        def read() -> None:
            for message, _ in self._link.receive():
                take(message)
            if self._link.closed:
                gone.set()

        loop.add_reader(self._link, read)
        try:
            await gone.wait()
        finally:
            loop.remove_reader(self._link)
            self._link.close()

    def close(self) -> None:
        """Let the process end."""
        self._link.hang_up()


class CallPool:
    """As many processes as calls are allowed, each loaded before the first call comes.

    Args:
        on_trouble: told in a sentence when a process died or could not keep a recording.
    """

    def __init__(
        self, size: int, profile: Profile, recording: Recording, on_trouble: Callable[[str], None]
    ) -> None:
        self._size = size
        self._arguments = (profile, recording)
        self._on_trouble = on_trouble
        self._workers: list[CallWorker] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._closing = False
        self._context = _context()
        self.apology = b""
        """µ-law, for the caller of a process that died."""

    @property
    def idle(self) -> int:
        """Processes that could take a call now."""
        return sum(worker.state == "idle" for worker in self._workers)

    @property
    def pids(self) -> dict[int, State]:
        """Every process's id and state."""
        return {worker.process.pid or 0: worker.state for worker in self._workers}

    async def start(self) -> None:
        """Start all processes and wait until they are warm.

        Raises:
            VoicecliError: the engines cannot be loaded.
        """
        ready = [asyncio.get_running_loop().create_future() for _ in range(self._size)]
        for future in ready:
            self._watch(future)
        try:
            await asyncio.gather(*ready)
        except BaseException:
            await self.close()
            raise

    def acquire(self) -> CallWorker | None:
        """A warm process for one call; it comes back by itself when the call is over."""
        worker = next((worker for worker in self._workers if worker.state == "idle"), None)
        if worker is not None:
            worker.state = "busy"
        return worker

    async def close(self) -> None:
        """End all processes: politely, then not."""
        self._closing = True
        for worker in self._workers:
            worker.close()
        processes = [worker.process for worker in self._workers]
        await asyncio.to_thread(_join_all, processes)
        for task in self._watchers:
            task.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)

    def _watch(self, ready: "asyncio.Future[None] | None") -> None:
        task = asyncio.create_task(self._keep_one_alive(ready))
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    async def _keep_one_alive(self, ready: "asyncio.Future[None] | None") -> None:
        """Run a process, and another when it dies, until the pool closes."""
        attempt = 0
        while not self._closing:
            await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            try:
                worker = await self._spawn()
            except (OSError, ValueError) as error:  # no memory, no file descriptors
                attempt += 1
                trouble = EngineError(f"no process can be started for a call: {error}")
                if ready is not None and not ready.done():
                    ready.set_exception(trouble)
                    return
                self._on_trouble(str(trouble))
                continue
            trouble = await self._attend(worker, ready)
            if worker.state == "loading":
                attempt += 1
                if ready is not None and not ready.done():
                    ready.set_exception(trouble)
                    return
            else:
                attempt = 0
            worker.state = "gone"
            self._workers.remove(worker)
            if worker.listener is not None:
                worker.listener(None)
            if not self._closing:
                self._on_trouble(str(trouble))

    async def _spawn(self) -> CallWorker:
        ours, theirs = socket.socketpair()
        process = self._context.Process(
            target=call_process.main, args=(theirs, *self._arguments), daemon=True
        )
        with theirs:
            await asyncio.to_thread(process.start)
        worker = CallWorker(process, Link(ours))
        self._workers.append(worker)
        return worker

    async def _attend(
        self, worker: CallWorker, ready: "asyncio.Future[None] | None"
    ) -> EngineError:
        """Hear the process out until it is gone; why it went."""
        unfit: list[EngineError] = []

        def take(message: Message) -> None:
            match message:
                case Ready(apology, problem):
                    self.apology = base64.b64decode(apology) or self.apology
                    worker.state, worker.listener = "idle", None
                    if problem:
                        self._on_trouble(f"a call was not recorded: {problem}")
                    if ready is not None and not ready.done():
                        ready.set_result(None)
                case Unfit(text, exit_code):
                    unfit.append(_unfit(text, exit_code))
                case _ if worker.listener is not None:
                    worker.listener(message)
                case _:
                    pass

        await worker.attend(take)
        await asyncio.to_thread(worker.process.join, 5)
        return (
            unfit[0]
            if unfit
            else EngineError(
                f"the process {worker.process.pid} of a call ended with "
                f"{worker.process.exitcode}; another takes its place"
            )
        )


def _unfit(text: str, exit_code: int) -> EngineError:
    error = EngineError(text)
    error.exit_code = exit_code
    return error


def start_fork_server() -> None:
    """Start what processes are forked from, which needs the real standard error: before a screen.

    A pool does it by itself where there is no screen.
    """
    _context()
    ensure_running()


def _context() -> ForkServerContext:
    """Processes that share what they have imported, and have none of the server's threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([call_process.__name__])
    return context


def _join_all(processes: list[BaseProcess]) -> None:
    for process in processes:
        process.join(3)
        if process.is_alive():
            process.kill()
            process.join(3)
