"""How much room a live call has left."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from pipelines.turn_taking.time import Nanos
from voicecli.transports.sound_card import CardCounters


@dataclass(frozen=True, slots=True)
class Health:
    """Taken while the call goes on."""

    lag_ms: float = 0.0
    """How late a tick typically was over, of the last five seconds."""
    worst_lag_ms: float = 0.0
    """How late the latest of them was."""
    card: CardCounters = field(default_factory=CardCounters)
    heard_ms: float = 0.0
    """Sound of the microphone that waits for the call."""
    to_play_ms: float = 0.0
    """Sound of the call that waits for the loudspeaker."""
    unsaid_ms: float = 0.0
    """Speech of the agent that is made and waits for its turn."""
    waiting: Mapping[str, int] = field(default_factory=dict[str, int])
    """Pieces of work on each engine's lane, that under way included."""
    busy: Mapping[str, Nanos] = field(default_factory=dict[str, Nanos])
    """Time that each lane has worked since the call began."""
