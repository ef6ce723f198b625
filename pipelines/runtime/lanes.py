"""What a shell offers to run engines with: lanes of work, one after the other within each.

Work is a generator run off the event loop; each `Delivery` that it yields is called by the shell on
its own thread, with the moment at which the result was there, and gives the event to tell the core,
if there is one.
"""

from collections import defaultdict
from collections.abc import Callable, Generator, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from typing import Protocol, TypeAlias, TypeVar

from pipelines.engines.closing import closing
from pipelines.engines.protocols import StopSignal
from pipelines.engines.remarks import Failure, collected
from pipelines.engines.simulated_time import metered
from pipelines.runtime.clock import Stopwatch
from pipelines.turn_taking.commands import (
    CallTool,
    ContinueReply,
    GenerateReply,
    PrepareReply,
    ScoreEndOfTurn,
    SynthesizeClause,
)
from pipelines.turn_taking.events import (
    EngineFailed,
    EngineKind,
    EngineRemarked,
    Event,
    JobId,
    WorkDone,
)
from pipelines.turn_taking.time import Nanos

Delivery: TypeAlias = Callable[[Nanos], Event | None]

Question: TypeAlias = (
    ScoreEndOfTurn | PrepareReply | GenerateReply | ContinueReply | SynthesizeClause | CallTool
)
"""What work answers; of detectors, one is asked."""

Answers: TypeAlias = "Callable[[Question], Work | None]"
"""Who may answer in the place of an engine: gives work that tells the answer, or None."""


def nobody(_question: Question) -> None:
    """Leaves all questions to the engines."""


@dataclass(frozen=True, slots=True)
class Work:
    """One job for one engine."""

    job: JobId
    kind: EngineKind
    lane: str
    """Work on the same lane runs in order, never at once."""
    run: Callable[[StopSignal], Iterator[Delivery]]
    simulated_time: bool
    """Takes only the time it says it does (`pipelines.engines.simulated_time`)."""
    done: Callable[[], None] | None = None
    """Called on the shell's thread when the work is over, however it ended."""
    counted: bool = False
    """Whether the core is told what it cost."""

    @property
    def engine(self) -> str:
        """Whose lane it is: of several for one kind of engine ("turn_detector text") the kind."""
        return self.lane.partition(" ")[0]

    def over(self, at: Nanos, cost: Nanos, tell: Callable[[Event], None]) -> None:
        """The shell calls this when the work is over, however it ended."""
        if self.counted:
            tell(WorkDone(at, self.job, self.kind, cost))
        if self.done is not None:
            self.done()


class Lanes(Protocol):
    """Runs work; the two shells have one each."""

    def submit(self, work: Work) -> None:
        """Queue work behind what is on its lane."""
        ...

    def cancel(self, job: JobId) -> None:
        """Ask the job's work to stop; what is queued of it never starts."""
        ...


def steps_of(work: Work, stop: StopSignal) -> Generator[Delivery, None, None]:
    """Run work: each of its results, after what the engine remarked on the way to it.

    Whatever an engine raises ends its job, not the call: it becomes the job's last result. The
    shell closes these steps as soon as nobody wants them, before the next work on the lane: what is
    left behind would be ended in its midst.
    """
    results = work.run(stop)
    with suppress(Exception), closing(results):  # an edge: engines raise anything, on leaving too
        failed = False
        while not failed:
            remarks: list[str] = []
            try:
                with collected(remarks.append):
                    result = next(results, None)
            except Exception as error:  # noqa: BLE001 - the same edge
                result, failed = _failure(work, error), True
            for text in remarks:
                yield _remark(work, text)
            if result is None:
                return
            yield result


def _failure(work: Work, error: Exception) -> Delivery:
    message = f"{type(error).__name__}: {error}"
    return lambda at: EngineFailed(at, work.job, work.kind, message)


def _remark(work: Work, text: str) -> Delivery:
    failed = isinstance(text, Failure)
    return lambda at: EngineRemarked(at, work.job, work.kind, str(text), failed)


@dataclass(slots=True)
class Gauges:
    """Kept up to date by a real-time shell on the call's thread; may be read on any.

    A turn detector that works on the reply LLM counts to the LLM's lane.
    """

    waiting: dict[str, int] = field(default_factory=lambda: defaultdict(int))
    """Pieces of work for each engine, the detectors together, that under way included."""
    busy: dict[str, Nanos] = field(default_factory=lambda: defaultdict(int))
    """Time that each of them has worked since the call began."""
    unsaid: Nanos = 0
    """Audio that is made and has not left for the caller."""


_Result = TypeVar("_Result")


def charged(
    work: Callable[[], _Result], *, simulated_time: bool, waiting: Callable[[], None] = lambda: None
) -> tuple[_Result, Nanos]:
    """Do the work without letting it sleep; its result, and the time it took or said it took.

    Work in `simulated_time` takes only the time that it says it takes
    (`pipelines.engines.simulated_time`). `waiting` is called if it is a wait that ends as soon as
    it is given up.
    """
    spent: Nanos = 0

    def meter(duration: Nanos) -> None:
        nonlocal spent
        spent += duration

    watch = Stopwatch()
    with metered(meter, waiting):
        result = work()
    return result, spent if simulated_time else spent + watch.elapsed()
