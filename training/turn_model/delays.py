"""What a waiting curve would have done at recorded pauses."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.turn_taking.endpointing import silence_before_answering
from pipelines.turn_taking.policy import EndpointingPolicy
from pipelines.turn_taking.time import to_ms


@dataclass(frozen=True, slots=True)
class Outcome:
    """Of one curve over many pauses."""

    cut_ins: int
    """Holds longer than the wait: the agent would have begun to speak."""
    holds: int
    median_ms: float
    """Wait at the ends."""
    p95_ms: float
    ends: int


def outcome_of(
    probabilities: Sequence[float | None],
    ends: Sequence[bool],
    pauses_s: Sequence[float],
    policy: EndpointingPolicy,
) -> Outcome:
    """Apply the policy's curve to each pause.

    Args:
        probabilities: fused P(end) of each pause, None where no detector answered.
        ends: whether each was one.
        pauses_s: how long the caller was silent, in seconds; read for holds only.
        policy: the curve and its backstop.
    """
    waits = [to_ms(silence_before_answering(p, policy)) for p in probabilities]
    at_ends = [wait for wait, end in zip(waits, ends, strict=True) if end]
    holds = [(w, 1000 * s) for w, s, end in zip(waits, pauses_s, ends, strict=True) if not end]
    return Outcome(
        cut_ins=sum(pause > wait for wait, pause in holds),
        holds=len(holds),
        median_ms=float(np.median(at_ends)) if at_ends else float("nan"),
        p95_ms=float(np.percentile(at_ends, 95)) if at_ends else float("nan"),
        ends=len(at_ends),
    )
