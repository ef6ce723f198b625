"""What the shells ask of a call's two-way audio.

A transport is sans-I/O: the shell pulls and pushes one 20 ms frame a tick, on whichever clock.
"""

from dataclasses import dataclass
from typing import Protocol, runtime_checkable

from pipelines.runtime.timeline import Samples
from pipelines.turn_taking.events import Event, JobId
from pipelines.turn_taking.time import Nanos


@dataclass(frozen=True, slots=True)
class Received:
    """The caller's audio of one tick, as it comes out of the line on the agent's side."""

    pcm: Samples
    """Mono audio, int16, of shape (n * rate / 50,): one frame of 20 ms; none while the line stalls,
    and several when what was late comes at once."""
    ingress: Nanos
    """How long the line took: the agent has each frame this much after the caller uttered it, or
    would, had it not been late."""
    events: tuple[Event, ...] = ()
    """What else came from the caller meanwhile, such as pressed keys or typed words."""


class Transport(Protocol):
    """One full-duplex call in ticks of 20 ms."""

    @property
    def rate(self) -> int:
        """Samples per second in both directions."""
        ...

    @property
    def egress(self) -> Nanos:
        """Delay from handing over a frame to its first sample at the caller's ear."""
        ...

    @property
    def finished(self) -> bool:
        """Whether the caller has hung up, or has nothing more to say or to wait for."""
        ...

    def receive(self, now: Nanos) -> Received:
        """What reaches the agent by `now`, in the mean 20 ms; one call a tick, in order."""
        ...

    def send(self, frame: Samples | None, now: Nanos) -> None:
        """Hand over the agent's frame of this tick; None means that the agent is silent."""
        ...


@runtime_checkable
class TransferringTransport(Transport, Protocol):
    """A transport that can put the caller through to somebody else."""

    def transfer(self, job: JobId, number: str) -> None:
        """Do that; the call then ends, or a ToolFailed of that job is among the next `events`."""
        ...


@runtime_checkable
class EchoingTransport(Transport, Protocol):
    """A transport whose far side plays from a buffer of its own and says what was heard.

    That word comes as a MarkReached among the `events` of what is received.
    """

    @property
    def hangup_cause(self) -> str:
        """Why the call is `finished`, as the journal's last entry says it."""
        ...

    @property
    def hungry(self) -> bool:
        """Whether it takes another frame in this tick, so that one that is late is not missed."""
        ...

    @property
    def unheard(self) -> Nanos:
        """Audio that it has and has not yet played."""
        ...

    def mark(self, job: JobId) -> None:
        """The clause ended with the frame just sent: ask for word when it was heard."""
        ...

    def clear(self) -> None:
        """Have the far side forget at once what it has not played."""
        ...
