"""How much room a live call has left; changes with what is watched."""

from dataclasses import dataclass, field

from voicecli.transports.sound_card import CardCounters


@dataclass(frozen=True, slots=True)
class Health:
    """Taken while the call goes on."""

    lag_ms: float = 0.0
    """How late a tick typically was over, of the last five seconds."""
    worst_lag_ms: float = 0.0
    """How late the latest of them was."""
    card: CardCounters = field(default_factory=CardCounters)
