"""The real-time shell: asyncio ticks every 20 ms, engines on one worker thread a lane."""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from pipelines.runtime.clock import MonotonicClock, Stopwatch
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery, Work, steps_of
from pipelines.runtime.playout import FRAME
from pipelines.runtime.session import Session
from pipelines.runtime.transport import Transport
from pipelines.turn_taking.events import Event, JobId
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import SECOND, Nanos


async def run_realtime(
    policy: Policy,
    engines: Engines,
    transport: Transport,
    record: Callable[[Entry], None],
    progress: Callable[[Nanos], None] | None = None,
    *,
    clock: MonotonicClock | None = None,
) -> Session:
    """Run a call to its end on the wall clock; the arguments are those of `run_virtual`.

    `clock` is given by whoever must put times of their own on it; the call begins at its zero.
    Ticks follow an absolute schedule, so lateness of one does not delay the next. Cancelling the
    task stops the engines and raises CancelledError.
    """
    clock = clock or MonotonicClock()
    lanes = _ThreadLanes(asyncio.get_running_loop(), clock)
    session = Session(policy, engines, transport, lanes, record)
    alarm = _Alarm(clock, session)
    lanes.deliver = session.handle
    try:
        session.start(clock.now())
        due = FRAME
        while not session.over:
            alarm.set()
            await asyncio.sleep(max(0, due - clock.now()) / SECOND)
            session.tick(clock.now())
            if progress is not None:
                progress(due)
            due += FRAME
    finally:
        alarm.cancel()
        lanes.close()
    return session


class _Alarm:
    """Wakes the session at its deadline."""

    def __init__(self, clock: MonotonicClock, session: Session) -> None:
        self._clock = clock
        self._session = session
        self._handle: asyncio.TimerHandle | None = None

    def set(self) -> None:
        """Deadlines change at every event; looking every tick and at each deadline is enough."""
        self.cancel()
        deadline = self._session.deadline
        if deadline is not None and not self._session.over:
            delay = max(0, deadline - self._clock.now()) / SECOND
            self._handle = asyncio.get_running_loop().call_later(delay, self._ring)

    def cancel(self) -> None:
        if self._handle is not None:
            self._handle.cancel()
            self._handle = None

    def _ring(self) -> None:
        deadline = self._session.deadline
        if deadline is not None and deadline <= self._clock.now():
            self._session.deadline_reached(self._clock.now())
        self.set()


class _ThreadLanes:
    """One thread a lane; results come back through the event loop."""

    def __init__(self, loop: asyncio.AbstractEventLoop, clock: MonotonicClock) -> None:
        self._loop = loop
        self._clock = clock
        self._threads: dict[str, ThreadPoolExecutor] = {}
        self._stops: defaultdict[JobId, list[threading.Event]] = defaultdict(list)
        self._closing = threading.Event()
        self.deliver: Callable[[Event], None]

    def submit(self, work: Work) -> None:
        stop = threading.Event()
        if work.job:
            self._stops[work.job].append(stop)
        lane = self._threads.get(work.lane)
        if lane is None:
            lane = ThreadPoolExecutor(1, thread_name_prefix=work.lane)
            self._threads[work.lane] = lane
        lane.submit(self._run, work, stop)

    def cancel(self, job: JobId) -> None:
        for stop in self._stops.pop(job, []):
            stop.set()

    def close(self) -> None:
        """Stop everything; waits for the step under way on each lane."""
        self._closing.set()
        for job in list(self._stops):
            self.cancel(job)
        for lane in self._threads.values():
            lane.shutdown(wait=True, cancel_futures=True)

    def _run(self, work: Work, stop: threading.Event) -> None:
        """On the lane's thread."""
        watch = Stopwatch()
        if not stop.is_set():
            for delivery in steps_of(work, stop):
                self._post(self._arrive, delivery)
                if stop.is_set():
                    break
        self._post(self._over, work, watch.elapsed())

    def _post(self, call: Callable[..., None], *arguments: object) -> None:
        if not self._closing.is_set():
            self._loop.call_soon_threadsafe(call, *arguments)

    def _arrive(self, delivery: Delivery) -> None:
        if self._closing.is_set():
            return
        event = delivery(self._clock.now())
        if event is not None:
            self.deliver(event)

    def _over(self, work: Work, spent: Nanos) -> None:
        self._stops.pop(work.job, None)
        if not self._closing.is_set():
            work.over(self._clock.now(), spent, self.deliver)
