"""Tells a call's process that hangs from one that gets no processor."""

from collections.abc import Callable, Mapping
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

CHECK_S: Final = 0.5
"""Between two checks.

Checks are counted, not time: while this server itself gets no processor, or all of the machine
sleeps, no check is made that could speak against a process.
"""


@dataclass(frozen=True, slots=True)
class Patience:
    """How long a process may say nothing, in seconds."""

    look_s: float
    """Until somebody looks whether it waits for a processor; what it waits then does not count."""
    doubtful_s: float
    """Until it takes no call."""
    hung_s: float
    """Until it has hung."""
    most_s: float
    """Until it has hung whatever it waits for."""


WARM: Final = Patience(1.5, 2.0, 3.0, 10.0)
"""It says something once a second."""
LOADING: Final = Patience(180.0, 0.0, 180.0, 900.0)
"""It says something when it is ready for calls."""


@dataclass(frozen=True, slots=True)
class Thread:
    """What the system has noted of a thread."""

    ran_s: float
    waited_s: float
    """For a processor; a wait that goes on is noted at its end."""
    runnable: bool


Threads: TypeAlias = Mapping[str, Thread]


class Watchdog:
    """Counts how long a process has been silent, as far as it could have spoken.

    Args:
        look: the threads of the process now, by their ids; none where the system does not tell.
    """

    def __init__(self, look: Callable[[], Threads]) -> None:
        self.silent_s = 0.0
        """Since it was last heard, or began."""
        self._look = look
        self._starved_s = 0.0
        self._seen: Threads | None = {}

    def heard(self) -> None:
        """It has said something."""
        self.silent_s = self._starved_s = 0.0
        self._seen = None

    def check(self, patience: Patience) -> bool:
        """Note that another CHECK_S have passed; whether it has hung."""
        self.silent_s += CHECK_S
        if self.silent_s >= patience.look_s:
            threads = self._look()
            if self._seen is not None:
                self._starved_s += _starved_s(self._seen, threads)
            self._seen = threads
        counted = self.silent_s - self._starved_s
        return counted >= patience.hung_s or self.silent_s >= patience.most_s


def _starved_s(before: Threads, after: Threads) -> float:
    """How long the thread that waited most has waited: all others may wait for its lock."""
    waits = [0.0]
    for key, thread in after.items():
        then = before.get(key)
        if thread == then and thread.runnable:
            waits.append(CHECK_S)
        else:
            waits.append(thread.waited_s - (then.waited_s if then else 0.0))
    return max(waits)


def threads_of(pid: int) -> Threads:
    """The threads of a process, from /proc; none where that is missing or the process is gone."""
    found: dict[str, Thread] = {}
    with suppress(OSError):
        for task in Path(f"/proc/{pid}/task").iterdir():
            with suppress(OSError, ValueError, IndexError):  # a thread has just ended
                ran, waited, _ = map(int, (task / "schedstat").read_text().split())
                state = (task / "stat").read_text().rpartition(")")[2].split()[0]
                found[task.name] = Thread(ran / 1e9, waited / 1e9, state == "R")
    return found
