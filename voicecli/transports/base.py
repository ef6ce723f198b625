"""What the shells ask of a call's two-way audio; changes with what every kind of call can do.

A transport is sans-I/O: the shell pulls and pushes one 20 ms frame a tick, on whichever clock.
"""

from dataclasses import dataclass
from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.time import MILLISECOND, Nanos

Frame: TypeAlias = npt.NDArray[np.int16]
"""20 ms of mono audio: shape (160,), int16, 8000 Hz."""

RATE: Final = 8000
FRAME_SAMPLES: Final = 160
FRAME: Final[Nanos] = 20 * MILLISECOND


@dataclass(frozen=True, slots=True)
class Received:
    """The caller's frame of one tick, as it comes out of the line on the agent's side."""

    pcm: Frame
    ingress: Nanos
    """How long the line took: the agent has the frame this much after the caller uttered it."""


class Transport(Protocol):
    """One full-duplex call in ticks of 20 ms of media time."""

    @property
    def rate(self) -> int:
        """Samples per second in both directions: 8000."""
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
        """The 20 ms that the caller uttered up to media time `now`; one call a tick, in order."""
        ...

    def send(self, frame: Frame | None, now: Nanos) -> None:
        """Hand over the agent's frame of this tick; None means that the agent is silent."""
        ...


class LegOutput(Protocol):
    """What one direction of a phone line made of a frame."""

    @property
    def pcm(self) -> Frame:
        """The frame at the far end, as long as the one that was put in."""
        ...

    @property
    def ingress_ms(self) -> float:
        """Delay on the way, in milliseconds."""
        ...


class Leg(Protocol):
    """One direction of a phone line; `telephony_sim.line.Line` is one."""

    def process(self, frame: Frame, far: Frame | None = None, /) -> LegOutput:
        """Carry the next 20 ms to the far end; `far` is what the near end hears meanwhile."""
        ...
