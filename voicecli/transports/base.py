"""What the transports of a call share: its frames, and the line they pass through.

Each of them is a `pipelines.runtime.transport.Transport`: sans-I/O, pulled and pushed one frame a
tick by a shell, on whichever clock.
"""

from typing import Final, Protocol, TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.time import MILLISECOND, Nanos

Frame: TypeAlias = npt.NDArray[np.int16]
"""20 ms of mono audio: shape (160,), int16, 8000 Hz."""

RATE: Final = 8000
FRAME_SAMPLES: Final = 160
FRAME: Final[Nanos] = 20 * MILLISECOND


class LegOutput(Protocol):
    """What comes out of one direction of a phone line in one tick."""

    @property
    def pcm(self) -> Frame:
        """The 20 ms that are heard at the far end."""
        ...

    @property
    def ingress_ms(self) -> float:
        """How long ago they were put in, in milliseconds."""
        ...


class Leg(Protocol):
    """One direction of a phone line; `telephony_sim.line.Line` is one."""

    def process(self, frame: Frame, far: Frame | None = None, /) -> LegOutput:
        """Put in the next 20 ms; `far` is what is heard at this end meanwhile."""
        ...
