"""Percentiles of latencies."""

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass

from pipelines.latency.vocabulary import SPANS, SpanName, Turn


@dataclass(frozen=True, slots=True)
class Distribution:
    """Some values in short, in their own unit; durations in nanoseconds."""

    count: int
    p50: float
    p95: float
    max: float


@dataclass(frozen=True, slots=True)
class Summary:
    """A set of turns in short; a distribution is None if there is nothing to measure."""

    turns: int
    answered: int
    voice_to_voice: Distribution | None
    spans: Mapping[SpanName, Distribution | None]
    saved: Distribution | None
    speculations_dropped: int


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0 to 100) percent lie, linear between neighbours.

    Raises ValueError if there are no values or `share` is out of range.
    """
    if not values or not 0 <= share <= 100:
        raise ValueError("a percentile needs values and a share from 0 to 100")
    ordered = sorted(values)
    position = (len(ordered) - 1) * share / 100
    below = math.floor(position)
    above = min(below + 1, len(ordered) - 1)
    return ordered[below] + (ordered[above] - ordered[below]) * (position - below)


def distribution(values: Iterable[float]) -> Distribution | None:
    """The values in short; None if there are none."""
    kept = list(values)
    if not kept:
        return None
    return Distribution(len(kept), percentile(kept, 50), percentile(kept, 95), max(kept))


def summarise(turns: Iterable[Turn]) -> Summary:
    """The turns in short; spans and savings only of those that were answered."""
    everything = list(turns)
    answered = [turn for turn in everything if turn.spans]
    return Summary(
        turns=len(everything),
        answered=len(answered),
        voice_to_voice=distribution(sum(turn.spans.values()) for turn in answered),
        spans={name: distribution(turn.spans[name] for turn in answered) for name in SPANS},
        saved=distribution(turn.saved for turn in answered),
        speculations_dropped=sum(turn.speculations_dropped for turn in everything),
    )
