"""The telephone band."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.filters import RecursiveFilter, elliptic
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """The telephone band, by default that of ITU-T G.712: 300 to 3400 Hz.

    low_hz, high_hz: edges of the pass band, where the loss is at most 0.25 dB.
    """

    low_hz: Annotated[float, Range(20, 1000)] = 300
    high_hz: Annotated[float, Range(1500, 3700)] = 3400

    __post_init__ = check


class BandLimit:
    """Elliptic high-pass and low-pass, each with 0.1 dB ripple and 40 dB in its stop band.

    Recursive rather than a long FIR: its state makes any cut of the call exact.
    """

    def __init__(self, settings: Settings) -> None:
        high_pass = elliptic(4, settings.low_hz, "highpass")
        low_pass = elliptic(6, settings.high_hz, "lowpass")
        self.filter = RecursiveFilter(high_pass.then(low_pass))

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Band-limited samples."""
        return self.filter.process(pcm)


def build(settings: Settings, _rng: np.random.Generator) -> BandLimit:
    """A filter at rest; it draws nothing."""
    return BandLimit(settings)
