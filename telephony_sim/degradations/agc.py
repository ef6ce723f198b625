"""Automatic gain control in a handset or gateway."""

from __future__ import annotations

from dataclasses import dataclass
from math import exp, log10
from typing import Annotated

import numpy as np

from telephony_sim.degradations import Signal
from telephony_sim.settings import Range, check


@dataclass(frozen=True, slots=True, kw_only=True)
class Settings:
    """Pulls active speech towards a level, as mobile phones and gateways do (ITU-T G.169).

    target_dbov: level of active speech aimed at. max_gain_db: most gain or loss. attack_db_per_s,
    release_db_per_s: how fast the gain may fall and rise. gate_dbov: frames below are not
    speech and leave the gain alone.
    """

    target_dbov: Annotated[float, Range(-60, 0)] = -26
    max_gain_db: Annotated[float, Range(0, 60)] = 15
    attack_db_per_s: Annotated[float, Range(0.1, 1000)] = 30
    release_db_per_s: Annotated[float, Range(0.1, 1000)] = 6
    gate_dbov: Annotated[float, Range(-90, 0)] = -50

    __post_init__ = check


class Agc:
    """One gain decision each 20 ms, faded in over the next frame so that it cannot click."""

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._gate = 32768**2 * 10 ** (settings.gate_dbov / 10)
        self._speech: float | None = None
        self._gain_db = 0.0
        self._factor = 1.0

    def process(self, pcm: Signal, _far: Signal) -> Signal:
        """Levelled samples."""
        frames = pcm.reshape(-1, 160)
        # Whole numbers add up to the same sum in any order: a file gives what a stream gives.
        energies = np.sum(np.square(np.rint(frames).astype(np.int64)), axis=1).tolist()
        ends = np.array([self._factor, *(self._next(energy / 160) for energy in energies)])
        ramp = ends[:-1, None] + np.diff(ends)[:, None] * _RAMP
        return (frames * ramp).reshape(-1)

    def _next(self, power: float) -> float:
        settings = self._settings
        if power > self._gate:
            new = 1.0 if self._speech is None else _NEW
            self._speech = (1 - new) * (self._speech or 0.0) + new * power
            level = 10 * log10(self._speech / 32768**2)
            wanted = min(
                max(settings.target_dbov - level, -settings.max_gain_db), settings.max_gain_db
            )
            down, up = settings.attack_db_per_s / 50, settings.release_db_per_s / 50
            self._gain_db += min(max(wanted - self._gain_db, -down), up)
            self._factor = 10 ** (self._gain_db / 20)
        return self._factor


_NEW = 1 - exp(-1 / 25)  # a frame's weight in the level of speech: half a second of it
_RAMP = np.arange(1, 161) / 160


def build(settings: Settings, _rng: np.random.Generator) -> Agc:
    """An AGC at unity gain; it draws nothing."""
    return Agc(settings)
