"""Echo through the air, from loudspeaker to microphone."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.echo_path import EchoPath
from telephony_sim.settings import Choice, Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Echo from loudspeaker to microphone (speakerphone, laptop).

    delay_ms: device buffers and the direct path. return_loss_db: of the whole echo. tail_ms: time
    in which the room's reflections fade by 60 dB. of: "far", what comes down the other direction
    leaks back, or "near", the talker's own voice returns to the same line (to hear it in a file).
    """

    delay_ms: Annotated[float, Range(0, 1000)] = 60
    return_loss_db: Annotated[float, Range(0, 80)] = 30
    tail_ms: Annotated[float, Range(5, 1000)] = 200
    of: Annotated[str, Choice(("far", "near"))] = "far"

    __post_init__ = check


def build(settings: Settings, rng: np.random.Generator) -> EchoPath:
    """The direct path and 15 reflections that chance places under an exponential decay.

    A sparse response costs little and is enough for what it is for: an adaptive filter must still
    find every reflection, and the ear hears a room.
    """
    late = np.sort(rng.integers(8, round(settings.tail_ms * 8 * 0.6) + 16, 15))
    offsets = np.concatenate(([0], late))
    weights = 10 ** (-3 * offsets / (settings.tail_ms * 8)) * rng.choice([-1.0, 1.0], 16)
    offsets = offsets + round(settings.delay_ms * 8)
    return EchoPath(offsets, weights, settings.return_loss_db, near=settings.of == "near")
