"""How long each part of a turn took, and why: folds over the journal."""

from pipelines.latency.decisions import fold_decisions
from pipelines.latency.fold import LatencyFold, fold_barge_ins, fold_turns
from pipelines.latency.index import JournalIndex
from pipelines.latency.statistics import Distribution, Summary, distribution, percentile, summarise
from pipelines.latency.vocabulary import (
    BARGE_IN_SPANS,
    SPANS,
    BargeIn,
    BargeInSpan,
    Decision,
    SpanName,
    ToolUse,
    Turn,
    spans_worth_showing,
)

__all__ = [
    "BARGE_IN_SPANS",
    "SPANS",
    "BargeIn",
    "BargeInSpan",
    "Decision",
    "Distribution",
    "JournalIndex",
    "LatencyFold",
    "SpanName",
    "Summary",
    "ToolUse",
    "Turn",
    "distribution",
    "fold_barge_ins",
    "fold_decisions",
    "fold_turns",
    "percentile",
    "spans_worth_showing",
    "summarise",
]
