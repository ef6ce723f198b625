"""The real-time shells: a tick every 20 ms, engines on one worker thread a lane.

`run_realtime` shares an asyncio loop with whatever else the program does. `run_alone` is for a
process that does nothing but the call: it has no event loop, so a tick costs half as much.
"""

import asyncio
import threading
from collections import defaultdict
from collections.abc import Callable
from contextlib import suppress
from functools import partial
from queue import Empty, SimpleQueue
from typing import Final

from pipelines.engines.closing import closing
from pipelines.runtime.clock import MonotonicClock, Stopwatch
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery, Gauges, Work, steps_of
from pipelines.runtime.playout import FRAME
from pipelines.runtime.session import Session
from pipelines.runtime.transport import Transport
from pipelines.turn_taking.events import Event, JobId
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import SECOND, Nanos

_WAITING_S: Final = 0.5
_BRIEF: Final = frozenset({"vad"})
"""Lanes whose work is done sooner than it is handed to a thread and back: 0.1 ms."""


async def run_realtime(
    policy: Policy,
    engines: Engines,
    transport: Transport,
    record: Callable[[Entry], None],
    progress: Callable[[Nanos], None] | None = None,
    *,
    clock: MonotonicClock | None = None,
    gauges: Gauges | None = None,
    today: str = "",
) -> Session:
    """Run a call to its end on the wall clock; the arguments are those of `run_virtual`.

    `clock` is given by whoever must put times of their own on it; the call begins at its zero.
    `gauges` are kept up to date for whoever shows them.
    Ticks follow an absolute schedule, so lateness of one does not delay the next. No engine runs
    on the event loop. Cancelling the task stops the engines and raises CancelledError.
    """
    clock, gauges = clock or MonotonicClock(), gauges or Gauges()
    lanes = _ThreadLanes(asyncio.get_running_loop().call_soon_threadsafe, clock, gauges)
    session = Session(policy, engines, transport, lanes, record, today=today)
    call = _Call(session, lanes, clock, progress)
    try:
        while (wake := call.run_due()) is not None:
            await asyncio.sleep(max(0, wake - clock.now()) / SECOND)
    finally:
        lanes.close()
    return call.session


def run_alone(
    policy: Policy,
    engines: Engines,
    transport: Transport,
    record: Callable[[Entry], None],
    progress: Callable[[Nanos], None] | None = None,
    *,
    clock: MonotonicClock | None = None,
    gauges: Gauges | None = None,
    waiting: Callable[[], None] | None = None,
) -> Session:
    """The same on a thread of its own: blocks until the call is over.

    The voice detector runs on this thread, between the caller's frame and the agent's. `waiting` is
    called now and then while engines finish after the call's end.
    """
    clock, gauges = clock or MonotonicClock(), gauges or Gauges()
    results = SimpleQueue[Callable[[], None]]()

    def post(arrive: Callable[..., None], *arguments: object) -> None:
        results.put(partial(arrive, *arguments))

    lanes = _ThreadLanes(post, clock, gauges, _BRIEF)
    call = _Call(Session(policy, engines, transport, lanes, record), lanes, clock, progress)
    try:
        while (wake := call.run_due()) is not None:
            with suppress(Empty):  # nothing came before it was time
                results.get(timeout=max(0, wake - clock.now()) / SECOND)()
    finally:
        lanes.close(waiting)
    return call.session


class _Call:
    """What is to be done when; each shell waits in its own way."""

    def __init__(
        self,
        session: Session,
        lanes: "_ThreadLanes",
        clock: MonotonicClock,
        progress: Callable[[Nanos], None] | None,
    ) -> None:
        self.session = session
        self._clock = clock
        self._progress = progress
        self._due: Nanos = 0
        self._gauges = lanes.gauges
        lanes.deliver = session.handle

    def run_due(self) -> Nanos | None:
        """Do what it is time for; when to look again, at the latest, or None if it is all over.

        Deadlines change at every event; looking every tick and at each deadline is enough.
        """
        now = self._clock.now()
        if self._due == 0:
            self.session.start(now)
            self._due = FRAME
        deadline = self.session.deadline
        if deadline is not None and deadline <= now:
            self.session.deadline_reached(now)
        if self._due <= now:
            self.session.tick(now)
            self._gauges.unsaid = self.session.unsaid
            if self._progress is not None:
                self._progress(self._due)
            self._due += FRAME
        if self.session.over:
            return None
        deadline = self.session.deadline
        return self._due if deadline is None else min(self._due, deadline)


class _ThreadLanes:
    """One thread a lane, but none for `brief` ones; `post` has the call's own thread take results.

    `post` is called from other threads.
    """

    def __init__(
        self,
        post: Callable[..., object],
        clock: MonotonicClock,
        gauges: Gauges,
        brief: frozenset[str] = frozenset(),
    ) -> None:
        self._hand_over = post
        self._clock = clock
        self.gauges = gauges
        self._brief = brief
        self._queues: dict[str, SimpleQueue[tuple[Work, threading.Event] | None]] = {}
        self._threads: list[threading.Thread] = []
        self._stops: defaultdict[JobId, list[threading.Event]] = defaultdict(list)
        self._closing = threading.Event()
        self.deliver: Callable[[Event], None]

    def submit(self, work: Work) -> None:
        self.gauges.waiting[work.engine] += 1
        if work.lane in self._brief:
            self._run_here(work)
            return
        stop = threading.Event()
        if work.job:
            self._stops[work.job].append(stop)
        queue = self._queues.get(work.lane)
        if queue is None:
            queue = self._queues[work.lane] = SimpleQueue()
            thread = threading.Thread(
                target=self._run_lane, args=(queue,), name=work.lane, daemon=True
            )
            self._threads.append(thread)
            thread.start()
        queue.put((work, stop))

    def cancel(self, job: JobId) -> None:
        for stop in self._stops.pop(job, []):
            stop.set()

    def close(self, waiting: Callable[[], None] | None = None) -> None:
        """Stop everything; waits for the step under way on each lane, calling `waiting`."""
        self._closing.set()
        for job in list(self._stops):
            self.cancel(job)
        for queue in self._queues.values():
            queue.put(None)
        for thread in self._threads:
            while waiting is not None and thread.is_alive():
                thread.join(_WAITING_S)
                waiting()
            thread.join()

    def _run_lane(self, queue: "SimpleQueue[tuple[Work, threading.Event] | None]") -> None:
        """On the lane's thread."""
        while (job := queue.get()) is not None:
            if not self._closing.is_set():
                self._run(*job)

    def _run_here(self, work: Work) -> None:
        watch = Stopwatch()
        for delivery in steps_of(work, self._closing):
            self._arrive(delivery)
        self._over(work, watch.elapsed())

    def _run(self, work: Work, stop: threading.Event) -> None:
        watch = Stopwatch()
        if not stop.is_set():
            with closing(steps_of(work, stop)) as steps:
                for delivery in steps:
                    self._post(self._arrive, delivery)
                    if stop.is_set():
                        break
        self._post(self._over, work, watch.elapsed())

    def _post(self, call: Callable[..., None], *arguments: object) -> None:
        if not self._closing.is_set():
            self._hand_over(call, *arguments)

    def _arrive(self, delivery: Delivery) -> None:
        if self._closing.is_set():
            return
        event = delivery(self._clock.now())
        if event is not None:
            self.deliver(event)

    def _over(self, work: Work, spent: Nanos) -> None:
        self._stops.pop(work.job, None)
        self.gauges.waiting[work.engine] -= 1
        self.gauges.busy[work.engine] += spent
        if not self._closing.is_set():
            work.over(self._clock.now(), spent, self.deliver)
