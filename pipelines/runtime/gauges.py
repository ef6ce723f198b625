"""What waits in a real-time call, for screens to show."""

from collections import defaultdict
from dataclasses import dataclass, field

from pipelines.turn_taking.time import Nanos


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
