"""How finished the caller sounds, and how long to wait for that: scores -> P -> delay.

The detectors were fitted to callers of all kinds. When one who never pauses falls silent, that is
more probably the end than they say; when one who searches for words does, less (`CallerPrior`).
"""

import math
from collections.abc import Mapping, Sequence

from pipelines.turn_taking.context import CallContext
from pipelines.turn_taking.decisions import PausesLearned
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.policy import EndpointingPolicy
from pipelines.turn_taking.reasons import because
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


class CallerPrior:
    """The ends and pauses of one call so far, and what they add to the log-odds of an end.

    Such a change of the prior moves the log-odds of any classifier by that of the ratio (Saerens,
    Latinne and Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori
    probabilities").
    """

    def __init__(self, context: CallContext) -> None:
        self._policy, self._emit = context.policy.endpointing, context.emit
        self._ends = self._pauses = 0
        self._answered_by: JobId | None = None
        self.log_odds = 0.0
        """To be added to those of P(end)."""

    def ended(self, reply: JobId) -> None:
        """A turn is over, and is answered by this reply."""
        self._answered_by = reply
        self._ends += 1
        self._learn()

    def went_on(self, silence: Nanos) -> None:
        """The caller was silent for so long within a turn."""
        if silence >= from_ms(self._policy.caller_prior_pause_ms):
            self._pauses += 1
            self._learn()

    def cut_into(self, reply: JobId) -> None:
        """The caller spoke on before they had heard a clause of this reply: that was no end."""
        if reply != self._answered_by:
            return  # it answers no turn that was spoken
        self._answered_by = None
        self._ends -= 1
        self._pauses += 1
        self._learn()

    def _learn(self) -> None:
        most, prior = self._policy.caller_prior_most, self._policy.caller_prior_strength
        if most == 0:
            return
        ratio = math.log((self._ends + prior) / (self._pauses + prior))
        self.log_odds = min(max(ratio, -most), most)
        log_odds = round(self.log_odds, 2)
        reason = because("own_pauses", ends=self._ends, pauses=self._pauses, log_odds=log_odds)
        self._emit(PausesLearned(log_odds, reason))
