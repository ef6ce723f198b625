"""Conditions of `voicecli dial --assert`; changes with what they may say.

`voice_to_voice.p95 < 800ms`, `underruns == 0`: a metric of `report.py`, for durations a statistic
of it, a comparison and a limit.
"""

import operator
import re
from typing import Final

from pipelines.latency import percentile
from pipelines.turn_taking.time import MILLISECOND
from voicecli.dial.report import DURATIONS, NUMBERS, Results
from voicecli.errors import UsageError
from voicecli.report.assertions import Condition, Outcome

_FORM: Final = re.compile(
    r"\s*(?P<metric>[a-z_]+)(?:\.(?P<statistic>p\d{1,2}|p100|min|max|mean))?\s*"
    r"(?P<comparison><=|>=|==|!=|<|>)\s*(?P<limit>\d+(?:\.\d+)?)\s*(?P<unit>ms|s)?\s*"
)
_COMPARISONS: Final = {
    "<": operator.lt, "<=": operator.le, "==": operator.eq,
    "!=": operator.ne, ">=": operator.ge, ">": operator.gt,
}  # fmt: skip


def parse_condition(text: str) -> Condition:
    """Read a condition; UsageError says what is wrong and which names there are."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise UsageError(
            f"--assert {text!r}: write METRIC COMPARISON LIMIT, such as "
            "'voice_to_voice.p95 < 800ms' or 'underruns == 0'."
        )
    metric, statistic, unit = match["metric"], match["statistic"] or "", match["unit"]
    if metric not in DURATIONS and metric not in NUMBERS:
        raise UsageError(
            f"--assert {text!r}: there is no metric {metric!r}; there are {', '.join(NUMBERS)} "
            f"and, with .p50, .p95, .min, .max or .mean: {', '.join(DURATIONS)}."
        )
    if (metric in DURATIONS) != bool(statistic) or (metric in DURATIONS) != bool(unit):
        form = f"{metric}.p95 < 800ms" if metric in DURATIONS else f"{metric} == 0"
        raise UsageError(f"--assert {text!r}: write it like '{form}'.")
    limit = float(match["limit"]) * (1000 if unit == "s" else 1)
    shown = f"{match['limit']} {unit}" if unit else match["limit"]
    return Condition(text.strip(), metric, statistic, match["comparison"], limit, shown)


def check(condition: Condition, results: Results) -> Outcome:
    """Whether a condition holds for these calls together; what never occurred does not."""
    name = ".".join(filter(None, (condition.metric, condition.statistic)))
    value = _value(condition, results)
    if value is None:
        return Outcome(condition, False, f"{name} cannot be measured: it never occurred")
    holds = bool(_COMPARISONS[condition.comparison](value, condition.limit))
    shown = f"{value:.1f} ms" if condition.statistic else f"{value:g}"
    limit = f"{condition.comparison} {condition.limit_text}"
    return Outcome(
        condition, holds, f"{name} is {shown}" + (f" ({limit})" if holds else f", not {limit}")
    )


def _value(condition: Condition, results: Results) -> float | None:
    if not condition.statistic:
        return NUMBERS[condition.metric](results)
    values = DURATIONS[condition.metric](results)
    if not values:
        return None
    match condition.statistic:
        case "min":
            nanos = min(values)
        case "max":
            nanos = max(values)
        case "mean":
            nanos = sum(values) / len(values)
        case share:
            nanos = percentile(values, int(share[1:]))
    return nanos / MILLISECOND
