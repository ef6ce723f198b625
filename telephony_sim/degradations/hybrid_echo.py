"""Electrical echo at a hybrid, where two wires become four."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.echo_path import EchoPath
from telephony_sim.settings import Choice, Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Echo from the two-to-four-wire hybrid of an analogue loop (ITU-T G.131, G.168).

    delay_ms: to the first reflection. return_loss_db: echo return loss; well balanced loops have
    12 dB or more. of: "far", what comes down the other direction leaks back, or "near", the
    talker's own voice returns to the same line (to hear it in a file).
    """

    delay_ms: Annotated[float, Range(0, 1000)] = 5
    return_loss_db: Annotated[float, Range(0, 80)] = 12
    of: Annotated[str, Choice(("far", "near"))] = "far"

    __post_init__ = check


def build(settings: Settings, rng: np.random.Generator) -> EchoPath:
    """A dispersive path: five reflections of changing sign within 6 ms, as G.168's models have."""
    late = np.sort(rng.integers(1, 48, 4))
    offsets = np.concatenate(([0], late)) + round(settings.delay_ms * 8)
    weights = np.where(np.arange(5) % 2, -1.0, 1.0) * np.exp(-np.arange(5) / 2)
    return EchoPath(offsets, weights, settings.return_loss_db, near=settings.of == "near")
