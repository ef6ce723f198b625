"""What both sides of a call share: live jobs, timers, questions to decide, and the way out."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.turn_taking.commands import Command
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import Nanos

TimerName: TypeAlias = Literal[
    "endpoint", "transcript", "overlap", "reply", "sentence", "tool", "filler", "playout", "idle",
    "dtmf",
]  # fmt: skip


class Jobs:
    """Hands out job ids and knows which of them are still wanted.

    Every result of a job that is not live is stale, whoever cancelled it and why.
    """

    def __init__(self) -> None:
        self._last: JobId = 0
        self._live: set[JobId] = set()

    def start(self) -> JobId:
        """A new, live job."""
        self._last += 1
        self._live.add(self._last)
        return self._last

    def end(self, *jobs: JobId | None) -> None:
        """These jobs are done or no longer wanted."""
        self._live.difference_update(job for job in jobs if job is not None)

    def is_live(self, job: JobId) -> bool:
        """Whether a result of this job still matters."""
        return job in self._live


Question: TypeAlias = Literal[
    "agent",  # what has become of its utterance?
    "overlap",  # does what is said over the agent interrupt it?
    "floor",  # the agent no longer has the floor: is what was said over it an ordinary turn?
    "end",  # is the caller's turn over?
    "by_hand",  # is there anything typed or keyed to be answered, or asked for by its own code?
]


class Questions:
    """What an event has raised: it is decided when all of the event is noted, each thing once."""

    def __init__(self) -> None:
        self.raised: set[Question] = set()
        """Those to be decided."""

    def ask(self, *questions: Question) -> None:
        """Something has changed on which the answers rest."""
        self.raised.update(questions)

    def take(self, question: Question) -> bool:
        """Whether it was asked; from now on it is not."""
        if question not in self.raised:
            return False
        self.raised.remove(question)
        return True


class Timers:
    """One deadline per name."""

    def __init__(self) -> None:
        self._due: dict[TimerName, Nanos] = {}

    @property
    def next(self) -> Nanos | None:
        """The earliest deadline."""
        return min(self._due.values()) if self._due else None

    def set(self, name: TimerName, at: Nanos) -> None:
        """Make `name` due at `at`, instead of when it was due before."""
        self._due[name] = at

    def is_set(self, name: TimerName) -> bool:
        """Whether `name` is due some time."""
        return name in self._due

    def cancel(self, *names: TimerName) -> None:
        """Forget these, if set."""
        for name in names:
            self._due.pop(name, None)

    def take_due(self, now: Nanos) -> list[TimerName]:
        """Names due at `now`, earliest first; they are no longer set."""
        due: list[TimerName] = [name for name, at in self._due.items() if at <= now]
        due.sort(key=lambda name: (self._due[name], name))
        for name in due:
            del self._due[name]
        return due


@dataclass(frozen=True, slots=True)
class CallContext:
    """The policy and the ledgers of one call, and where its commands go."""

    policy: Policy
    jobs: Jobs
    timers: Timers
    questions: Questions
    emit: Callable[[Command], None]
