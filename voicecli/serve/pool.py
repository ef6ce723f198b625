"""The processes that stand ready for calls."""

import asyncio
import base64
import multiprocessing
import socket
from collections.abc import Callable, Coroutine
from contextlib import suppress
from multiprocessing.context import ForkServerContext
from multiprocessing.forkserver import ensure_running
from multiprocessing.process import BaseProcess
from typing import Any, Literal, TypeAlias

from voicecli.errors import EngineError
from voicecli.profile import Profile
from voicecli.serve import call_process
from voicecli.serve.environment import hidden, secrets_for_calls
from voicecli.serve.ipc import Link, LoadFailed, Message, Ready
from voicecli.serve.scratch import temporary_files_in_scratch
from voicecli.serve.settings import Recording
from voicecli.serve.threads import Threads
from voicecli.serve.watchdog import CHECK_S, LOADING, WARM, Patience, Watchdog, threads_of

_RETRY_S = (0.0, 1.0, 5.0, 15.0)
"""How long to wait before a process that never became ready is started again, and again."""

_PRELOADED = "voicecli.serve.fork_preload"
_LEAVING_S = 3.0
_LOOK_S = 0.02

State: TypeAlias = Literal["loading", "idle", "busy", "gone"]


class CallWorker:
    """One process, seen from the server.

    While it is busy, `listener` gets every message of its call, and None if the process dies.
    """

    def __init__(self, process: BaseProcess, link: Link) -> None:
        self.state: State = "loading"
        self.process = process
        self.listener: Callable[[Message | None], None] | None = None
        self.hung = False
        """Whether it was killed for that."""
        self._watchdog = Watchdog(lambda: threads_of(process.pid or 0))
        self._link = link
        self._gone = asyncio.Event()

    @property
    def ready(self) -> bool:
        """Whether it could take a call now."""
        return self.state == "idle" and not self.doubtful

    @property
    def doubtful(self) -> bool:
        """Whether it may have hung."""
        return self._watchdog.silent_s >= self.patience.doubtful_s

    @property
    def patience(self) -> Patience:
        """How long it may say nothing."""
        return LOADING if self.state == "loading" else WARM

    def check(self) -> None:
        """Kill the process if it hangs; to be called every CHECK_S."""
        if self.state != "gone" and self._watchdog.check(self.patience):
            self.hung = True
            self.kill()

    def send(self, message: Message) -> None:
        """Send to the process without waiting."""
        self._link.send(message)

    async def attend(self, take: Callable[[Message], None]) -> None:
        """Until the process is gone, hand over what it says."""
        loop = asyncio.get_running_loop()

        def read() -> None:
            self._watchdog.heard()
            for message, _ in self._link.receive():
                take(message)
            if self._link.closed:
                self._gone.set()

        loop.add_reader(self._link, read)
        try:
            await self._gone.wait()
        finally:
            loop.remove_reader(self._link)
            self._link.close()

    def kill(self) -> None:
        """End the process, and do not wait until it is: in the kernel it might hang for long."""
        self.process.kill()
        self._gone.set()

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
        self._arguments = (profile, recording, secrets_for_calls(profile))
        self._on_trouble = on_trouble
        self._workers: list[CallWorker] = []
        self._watchers: set[asyncio.Task[None]] = set()
        self._starter = Threads(1, "starter")
        self._closing = False
        self._context = _context()
        self.apology = b""
        """µ-law, for the caller of a process that died."""

    @property
    def idle(self) -> int:
        """Processes that could take a call now."""
        return sum(worker.ready for worker in self._workers)

    @property
    def loaded(self) -> bool:
        """Whether any process is there for calls, even if each has one."""
        warm = (worker for worker in self._workers if worker.state in {"idle", "busy"})
        return any(not worker.doubtful for worker in warm)

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
            self._keep(self._keep_one_alive(future))
        self._keep(self._look_after())
        try:
            await asyncio.gather(*ready)
        except BaseException:
            await self.close()
            raise

    def acquire(self) -> CallWorker | None:
        """A warm process for one call; it comes back by itself when the call is over."""
        worker = next((worker for worker in self._workers if worker.ready), None)
        if worker is not None:
            worker.state = "busy"
        return worker

    async def close(self) -> None:
        """End all processes: politely, then not."""
        self._closing = True
        for worker in self._workers:
            worker.close()
        processes = [worker.process for worker in self._workers]
        await asyncio.gather(*map(_end, processes))
        for task in self._watchers:
            task.cancel()
        await asyncio.gather(*self._watchers, return_exceptions=True)
        self._starter.close()

    def _keep(self, work: Coroutine[Any, Any, None]) -> None:
        task = asyncio.create_task(work)
        self._watchers.add(task)
        task.add_done_callback(self._watchers.discard)

    def check(self) -> None:
        """Kill what hangs: a call's caller is told, and another process takes its place."""
        for worker in self._workers:
            worker.check()

    async def _look_after(self) -> None:
        while True:
            await asyncio.sleep(CHECK_S)
            self.check()

    async def _keep_one_alive(self, ready: "asyncio.Future[None] | None") -> None:
        """Run a process, and another when it dies, until the pool closes."""
        attempt = 0
        while not self._closing:
            await asyncio.sleep(_RETRY_S[min(attempt, len(_RETRY_S) - 1)])
            try:
                worker = await self._spawn()
            # No memory, no file descriptors; what processes are forked from has died, or hangs.
            except (OSError, ValueError, EOFError) as error:
                attempt += 1
                why = str(error) or type(error).__name__
                trouble = EngineError(f"no process can be started for a call: {why}")
                if ready is not None and not ready.done():
                    ready.set_exception(trouble)
                    return
                self._on_trouble(str(trouble))
                continue
            was_loaded, trouble = await self._attend(worker, ready)
            if not was_loaded:
                attempt += 1
                if ready is not None and not ready.done():
                    ready.set_exception(trouble)
                    return
            else:
                attempt = 0
            self._workers.remove(worker)
            if not self._closing:
                with suppress(ValueError):  # it is still about to go
                    worker.process.close()  # or its descriptors wait for the garbage collection
                self._on_trouble(str(trouble))

    async def _spawn(self) -> CallWorker:
        ours, theirs = socket.socketpair()
        process = self._context.Process(
            target=call_process.main, args=(theirs, *self._arguments), daemon=True
        )
        start_fork_server()  # here: on the starter's thread another's programs would miss secrets
        with theirs:
            async with asyncio.timeout(LOADING.hung_s):
                await self._starter.run(process.start)
        worker = CallWorker(process, Link(ours))
        self._workers.append(worker)
        return worker

    async def _attend(
        self, worker: CallWorker, ready: "asyncio.Future[None] | None"
    ) -> tuple[bool, EngineError]:
        """Hear the process out until it is gone; whether it was ever ready, and why it went."""
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
                case LoadFailed(text, exit_code):
                    unfit.append(_unfit(text, exit_code))
                case _ if worker.listener is not None:
                    worker.listener(message)
                case _:
                    pass

        await worker.attend(take)
        was_loaded, worker.state = worker.state != "loading", "gone"
        if worker.listener is not None:
            worker.listener(None)
        await _ended(worker.process, _LEAVING_S)
        died = EngineError(f"the process {worker.process.pid} of a call {_how(worker, was_loaded)}")
        return was_loaded, unfit[0] if unfit else died


def _how(worker: CallWorker, was_loaded: bool) -> str:
    if not worker.hung:
        return f"ended with {worker.process.exitcode}; another takes its place"
    if not was_loaded:
        return (
            f"was not ready after {LOADING.hung_s:g} s and was killed: see which engine or tools "
            "file hangs while it loads"
        )
    return f"said nothing for {WARM.hung_s:g} s and was killed; another takes its place"


def _unfit(text: str, exit_code: int) -> EngineError:
    error = EngineError(text)
    error.exit_code = exit_code
    return error


def start_fork_server() -> None:
    """Start what processes are forked from, which needs the real standard error: before a screen.

    A pool does it by itself where there is no screen.
    """
    _context()
    with hidden(), temporary_files_in_scratch():
        ensure_running()


def _context() -> ForkServerContext:
    """Processes that share what they have imported, and have none of the server's threads."""
    context = multiprocessing.get_context("forkserver")
    context.set_forkserver_preload([_PRELOADED, call_process.__name__])
    return context


async def _ended(process: BaseProcess, seconds: float) -> bool:
    """Whether the process ends in time; waits without a thread, of which there might be too few."""
    until = asyncio.get_running_loop().time() + seconds
    while process.is_alive():
        if asyncio.get_running_loop().time() >= until:
            return False
        await asyncio.sleep(_LOOK_S)
    return True


async def _end(process: BaseProcess) -> None:
    if not await _ended(process, _LEAVING_S):
        process.kill()
        await _ended(process, _LEAVING_S)
