"""How finished the caller sounds, and how long to wait for that: scores -> P -> delay."""

import math
from collections.abc import Mapping, Sequence

from pipelines.turn_taking.policy import EndpointingPolicy
from pipelines.turn_taking.time import Nanos, from_ms

_EPSILON = 1e-4


def fuse(
    scores: Mapping[str, float], weights: Sequence[tuple[str, float]], prior: float = 0.0
) -> float | None:
    """P(end of turn) from the detectors that have answered; None if none of weight has.

    The weighted mean of their log-odds (a logarithmic opinion pool): any subset of detectors gives
    an answer, and a confident one outweighs an undecided one. A score that is not a number is
    left out. `prior` is what is known beside them, added to that mean in log-odds.
    """
    total = mean = 0.0
    for detector, weight in weights:
        score = scores.get(detector)
        if score is None or math.isnan(score) or weight <= 0:
            continue
        clipped = min(max(score, _EPSILON), 1 - _EPSILON)
        mean += weight * math.log(clipped / (1 - clipped))
        total += weight
    if total == 0:
        return None
    return 1 / (1 + math.exp(-mean / total - prior))


def silence_before_answering(probability: float | None, policy: EndpointingPolicy) -> Nanos:
    """The silence that ends the turn at this P(end of turn): piecewise linear, capped."""
    if probability is None:
        return from_ms(min(policy.unscored_ms, policy.backstop_ms))
    return from_ms(min(_interpolate(probability, policy.delays_ms), policy.backstop_ms))


def _interpolate(x: float, points: Sequence[tuple[float, float]]) -> float:
    left_x, left_y = points[0]
    if x <= left_x:
        return left_y
    for right_x, right_y in points[1:]:
        if x <= right_x:
            share = (x - left_x) / (right_x - left_x)
            return left_y + share * (right_y - left_y)
        left_x, left_y = right_x, right_y
    return left_y
