"""What may be tuned: how a point of the search becomes a policy."""

from collections.abc import Sequence
from dataclasses import dataclass, replace

from pipelines.turn_taking.policy import Policy

_AT = (0.0, 0.2, 0.4, 0.6, 0.8, 0.9, 0.95, 1.0)
"""Probabilities at which the delay is written down."""


@dataclass(frozen=True, slots=True)
class Point:
    """One setting of endpointing.

    The silence before an answer falls from `ceiling_ms` at P(end) = 0 to `floor_ms` at 1, along
    (1 - P) ** `bend`. `weights` are those of the policy's detectors, in its order.
    """

    floor_ms: float
    ceiling_ms: float
    bend: float
    weights: tuple[float, ...]

    def delays_ms(self) -> tuple[tuple[float, float], ...]:
        """The points of `policy.endpointing.delays_ms`."""
        span = self.ceiling_ms - self.floor_ms
        return tuple((p, round(self.floor_ms + span * (1 - p) ** self.bend)) for p in _AT)

    def policy(self, base: Policy) -> Policy:
        """The base policy with this endpointing."""
        names = [name for name, _ in base.endpointing.weights]
        endpointing = replace(
            base.endpointing,
            delays_ms=self.delays_ms(),
            weights=tuple(zip(names, self.weights, strict=True)),
            backstop_ms=max(base.endpointing.backstop_ms, round(self.ceiling_ms)),
        )
        return replace(base, endpointing=endpointing)


BOUNDS = ((120.0, 600.0), (500.0, 4000.0), (0.4, 4.0))
"""Of floor, ceiling and bend; weights lie between 0.1 and 2."""


def points(count: int, detectors: int, seed: int) -> list[Point]:
    """Points spread evenly over the space by a scrambled Sobol sequence (Owen 1998)."""
    from scipy.stats import qmc  # noqa: PLC0415 - slow to import

    sampler = qmc.Sobol(len(BOUNDS) + detectors, scramble=True, rng=seed)
    low, high = zip(*BOUNDS, *(((0.1, 2.0),) * detectors), strict=True)
    rows: Sequence[Sequence[float]] = qmc.scale(sampler.random(count), low, high).tolist()
    return [Point(row[0], row[1], row[2], tuple(row[3:])) for row in rows]
