"""The core's two ledgers: which jobs still matter, and what is due when."""

from typing import Generic, TypeVar

from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.time import Nanos

_Name = TypeVar("_Name", bound=str)


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


class Timers(Generic[_Name]):
    """One deadline per name."""

    def __init__(self) -> None:
        self._due: dict[_Name, Nanos] = {}

    @property
    def next(self) -> Nanos | None:
        """The earliest deadline."""
        return min(self._due.values()) if self._due else None

    def set(self, name: _Name, at: Nanos) -> None:
        """Make `name` due at `at`, instead of when it was due before."""
        self._due[name] = at

    def cancel(self, *names: _Name) -> None:
        """Forget these, if set."""
        for name in names:
            self._due.pop(name, None)

    def take_due(self, now: Nanos) -> list[_Name]:
        """Names due at `now`, earliest first; they are no longer set."""
        due = sorted((at, name) for name, at in self._due.items() if at <= now)
        for _, name in due:
            del self._due[name]
        return [name for _, name in due]
