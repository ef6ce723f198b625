"""What may be done before a turn is over, and what of it was in vain.

Compute is charged as the engines report it (WorkDone). Only what is thrown away counts against the
budget: what the answer uses would have been made anyway. The budget is looked at before each step
(the reading of the prompt, the reply with its first clause), and nothing new is asked of the LLM
while work in vain still runs; so a turn wastes at most the budget and one pause's work. The final
transcript is no such step: without it nobody knows when the turn is over.
"""

from collections.abc import Iterable

from pipelines.turn_taking.events import JobId, WorkDone
from pipelines.turn_taking.policy import SpeculationPolicy
from pipelines.turn_taking.reasons import Reason, because, milliseconds
from pipelines.turn_taking.time import Nanos, from_ms


class SpeculationLedger:
    """The account of one turn after the other.

    Without any report, as in journals of before there were reports, nothing is known to be wasted
    and only a budget of 0 refuses.
    """

    def __init__(self, policy: SpeculationPolicy) -> None:
        self._budget = from_ms(policy.budget_ms_per_turn)
        self._costs: dict[JobId, Nanos] = {}
        self._in_vain: set[JobId] = set()
        """Thrown away, and not yet known to be over."""
        self._wasted: Nanos = 0
        self._reports = False

    def done(self, event: WorkDone) -> None:
        """An engine says what a job has cost."""
        self._reports = True
        if event.job in self._in_vain:
            self._in_vain.discard(event.job)
            self._wasted += event.cost
        else:
            self._costs[event.job] = event.cost

    def refusal(self, step: str, pending: Iterable[JobId]) -> Reason | None:
        """Why this step must wait for the end of the turn, or None if it may be done now.

        Args:
            step: what it is called in the reason.
            pending: work of the present pause, which may yet turn out to be in vain.
        """
        at_risk = self._wasted + sum(self._costs.get(job, 0) for job in pending)
        if at_risk >= self._budget:
            return because(
                "budget_spent", step=step, spent_ms=milliseconds(at_risk),
                budget_ms=milliseconds(self._budget),
            )  # fmt: skip
        if self._reports and self._in_vain:
            return because("still_in_vain", step=step, jobs=len(self._in_vain))
        return None

    def throw_away(self, jobs: Iterable[JobId]) -> None:
        """The caller went on: this work was in vain."""
        for job in jobs:
            cost = self._costs.pop(job, None)
            if cost is None:
                self._in_vain.add(job)
            else:
                self._wasted += cost

    def close(self) -> float | None:
        """The turn is over: its waste in milliseconds, if there were reports; start anew."""
        wasted_ms = milliseconds(self._wasted) if self._reports else None
        self._costs.clear()
        self._in_vain.clear()
        self._wasted = 0
        return wasted_ms
