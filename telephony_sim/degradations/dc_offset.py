"""A badly biased input."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """offset: share of full scale added to every sample."""

    offset: Annotated[float, Range(-1, 1)]

    __post_init__ = check


class DcOffset:
    """A constant added to every sample."""

    def __init__(self, settings: Settings) -> None:
        self._offset = settings.offset * 32768

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Shifted samples."""
        return pcm + self._offset


def build(settings: Settings, _rng: np.random.Generator) -> DcOffset:
    """A DC offset; it draws nothing."""
    return DcOffset(settings)
