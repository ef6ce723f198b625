"""How often this caller pauses within a turn.

The detectors were fitted to callers of all kinds. When one who never pauses falls silent, that is
more probably the end than they say; when one who searches for words does, less. Such a change of
the prior moves the log-odds of any classifier by that of the ratio (Saerens, Latinne and
Decaestecker 2002, "Adjusting the outputs of a classifier to new a priori probabilities").
"""

import math

from pipelines.turn_taking.bookkeeping import Desk
from pipelines.turn_taking.decisions import PausesLearned
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.reasons import because
from pipelines.turn_taking.time import Nanos, from_ms


class PauseHabit:
    """The ends and pauses of one call so far, and what they add to the log-odds of an end."""

    def __init__(self, desk: Desk) -> None:
        self._policy, self._emit = desk.policy.endpointing, desk.emit
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
        if silence >= from_ms(self._policy.own_pauses_from_ms):
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
        most, prior = self._policy.own_pauses_most, self._policy.own_pauses_prior
        if most == 0:
            return
        ratio = math.log((self._ends + prior) / (self._pauses + prior))
        self.log_odds = min(max(ratio, -most), most)
        log_odds = round(self.log_odds, 2)
        reason = because("own_pauses", ends=self._ends, pauses=self._pauses, log_odds=log_odds)
        self._emit(PausesLearned(log_odds, reason))
