"""A network: the order in which its parts decide a packet's fate."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

from telephony_sim.degradations import PacketDegradation
from telephony_sim.transit import Transit

BLOCK = 50  # packets decided in one go: one second, so that numpy's cost per call fades


class Network:
    """Draws what happens to packet after packet; what it drew stays in `history` if asked to."""

    def __init__(self, stages: Sequence[PacketDegradation], *, record: bool = False) -> None:
        self._stages = stages
        self._record = record
        self._sent = 0
        self._fates: list[tuple[float, bool, float]] = []
        self.history: list[tuple[Transit, tuple[npt.NDArray[np.float64], ...]]] = []

    def send(self) -> tuple[float, bool, float]:
        """Delay in ms, whether it is lost, and a copy's delay in ms (NaN: none) of one packet."""
        if not self._fates:
            self._draw()
        return self._fates.pop()

    def _draw(self) -> None:
        transit = Transit(
            self._sent, np.zeros(BLOCK), np.zeros(BLOCK, np.bool_), np.full(BLOCK, np.nan)
        )
        drawn = tuple(stage.draw(BLOCK) for stage in self._stages)
        for stage, values in zip(self._stages, drawn, strict=True):
            stage.apply(transit, values)
        # Nothing arrives before it was sent, whatever a fast clock or a trace may say.
        np.maximum(transit.delay_ms, 0.0, out=transit.delay_ms)
        np.maximum(transit.copy_ms, 0.0, out=transit.copy_ms)
        self._sent += BLOCK
        if self._record:
            self.history.append((transit, drawn))
        self._fates = list(
            zip(
                transit.delay_ms.tolist(),
                transit.lost.tolist(),
                transit.copy_ms.tolist(),
                strict=True,
            )
        )[::-1]
