"""The virtual-clock shell: engines run inline and their time is charged to a simulated clock.

Faster than real time and, with modelled engines, reproducible to the bit: a discrete-event
simulation over a heap of what is due when.
"""

import heapq
from collections import defaultdict, deque
from collections.abc import Callable, Generator
from dataclasses import dataclass
from functools import partial
from typing import TypeAlias

from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery, Work, charged, steps_of
from pipelines.runtime.playout import FRAME
from pipelines.runtime.recorded_answers import RecordedAnswers
from pipelines.runtime.session import Session
from pipelines.runtime.transport import Transport
from pipelines.turn_taking.events import Event, JobId
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import Nanos


def run_virtual(
    policy: Policy,
    engines: Engines,
    transport: Transport,
    record: Callable[[Entry], None],
    progress: Callable[[Nanos], None] | None = None,
    *,
    recorded_answers: RecordedAnswers | None = None,
    today: str = "",
) -> Session:
    """Run a call to its end.

    Args:
        policy: of turn-taking.
        engines: run inline; the time they take, or say they take, passes on the virtual clock.
        transport: the caller.
        record: gets every event and command in order.
        progress: told the virtual time at every tick.
        recorded_answers: answers of a recorded call, told instead of asking the engines.
        today: the day on which the call is to have begun, as 2026-11-24; else the recording's, or
            the day that it is.
    """
    agenda = _Agenda()
    lanes = _VirtualLanes(agenda)
    session = Session(
        policy, engines, transport, lanes, record, recorded_answers=recorded_answers, today=today
    )
    lanes.deliver = session.handle

    def tick() -> None:
        session.tick(agenda.now)
        if progress is not None:
            progress(agenda.now)
        agenda.after(FRAME, tick)

    agenda.after(FRAME, tick)
    session.start(0)
    try:
        while not session.over:
            deadline = session.deadline
            if deadline is not None and deadline <= agenda.next_at:
                agenda.now = max(agenda.now, deadline)
                session.deadline_reached(agenda.now)
            else:
                agenda.run_next()
    finally:
        lanes.close()
    return session


Steps: TypeAlias = Generator[Delivery, None, None]


class _Agenda:
    """What is due when; first come, first served among what is due at once."""

    def __init__(self) -> None:
        self.now: Nanos = 0
        self._heap: list[tuple[Nanos, int, Callable[[], None]]] = []
        self._count = 0

    @property
    def next_at(self) -> Nanos:
        return self._heap[0][0]

    def after(self, delay: Nanos, action: Callable[[], None]) -> None:
        self._count += 1
        heapq.heappush(self._heap, (self.now + delay, self._count, action))

    def run_next(self) -> None:
        self.now, _, action = heapq.heappop(self._heap)
        action()


class _Stop:
    """A stop signal for work that runs on the same thread."""

    def __init__(self) -> None:
        self._set = False

    def set(self) -> None:
        self._set = True

    def is_set(self) -> bool:
        return self._set


@dataclass(frozen=True, slots=True, eq=False)
class _Wait:
    """A step that waits for others since `since`, of work that had cost `spent` before."""

    work: Work
    stop: _Stop
    spent: Nanos
    since: Nanos


class _VirtualLanes:
    """Each lane has one piece of work under way; its next step starts on delivery of the last."""

    def __init__(self, agenda: _Agenda) -> None:
        self._agenda = agenda
        self._waiting: defaultdict[str, deque[tuple[Work, _Stop]]] = defaultdict(deque)
        self._busy: dict[str, Steps] = {}
        """What each lane that has work is at."""
        self._waits: dict[str, _Wait] = {}
        """Of those, what only waits for others: over as soon as it is given up."""
        self._stops: defaultdict[JobId, list[_Stop]] = defaultdict(list)
        self.deliver: Callable[[Event], None]

    def submit(self, work: Work) -> None:
        stop = _Stop()
        if work.job:
            self._stops[work.job].append(stop)
        self._waiting[work.lane].append((work, stop))
        self._start_next(work.lane)

    def cancel(self, job: JobId) -> None:
        for stop in self._stops.pop(job, []):
            stop.set()
        for lane, wait in list(self._waits.items()):
            if wait.work.job == job:
                del self._waits[lane]
                self._agenda.after(0, partial(self._give_up, wait))

    def close(self) -> None:
        """Leave what is under way; nobody waits for it."""
        for steps in self._busy.values():
            steps.close()

    def _start_next(self, lane: str) -> None:
        while lane not in self._busy and self._waiting[lane]:
            work, stop = self._waiting[lane].popleft()
            if stop.is_set():
                self._over(work, 0)
                continue
            self._busy[lane] = steps_of(work, stop)
            self._step(work, stop, 0)

    def _step(self, work: Work, stop: _Stop, spent: Nanos) -> None:
        """Run to the next result and deliver it when its time has passed."""
        steps = self._busy[work.lane]
        waiting: list[None] = []
        delivery, cost = charged(
            lambda: next(steps, None),
            simulated_time=work.simulated_time,
            waiting=lambda: waiting.append(None),
        )
        wait = _Wait(work, stop, spent, self._agenda.now)
        if waiting:
            self._waits[work.lane] = wait

        def arrive() -> None:
            if waiting:
                if self._waits.get(work.lane) is not wait:
                    return  # it was given up
                del self._waits[work.lane]
            self._arrive(work, stop, delivery, spent + cost)

        self._agenda.after(cost, arrive)

    def _give_up(self, wait: _Wait) -> None:
        self._arrive(wait.work, wait.stop, None, wait.spent + self._agenda.now - wait.since)

    def _arrive(self, work: Work, stop: _Stop, delivery: Delivery | None, spent: Nanos) -> None:
        event = None if delivery is None else delivery(self._agenda.now)
        if event is not None:
            self.deliver(event)
        if delivery is None or stop.is_set():
            self._busy.pop(work.lane).close()
            self._over(work, spent)
            self._start_next(work.lane)
        else:
            self._step(work, stop, spent)

    def _over(self, work: Work, spent: Nanos) -> None:
        self._stops.pop(work.job, None)
        work.over(self._agenda.now, spent, self.deliver)
