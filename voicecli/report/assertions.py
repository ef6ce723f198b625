"""Conditions given with --assert.

`voice_to_voice.p95 < 800ms`, `cut_ins == 0`, `wer <= 10%`: a metric, for durations a statistic of
it, a comparison and a limit.
"""

import operator
import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final, Generic, TypeVar

from pipelines.latency import percentile
from pipelines.turn_taking.time import MILLISECOND
from voicecli.errors import AssertionUnmetError, UsageError
from voicecli.report.call_report import CallReport
from voicecli.report.metrics import DURATIONS, NUMBERS

_FORM: Final = re.compile(
    r"\s*(?P<metric>[A-Za-z_]\w*(?:\.[A-Za-z_]\w*)*)\s*"
    r"(?P<comparison><=|>=|==|!=|<|>)\s*"
    r"(?P<limit>\d+(?:\.\d*)?|\.\d+)\s*(?P<unit>ms|s|%)?\s*"
)
_COMPARISONS: Final = {
    "<": operator.lt,
    "<=": operator.le,
    "==": operator.eq,
    "!=": operator.ne,
    ">=": operator.ge,
    ">": operator.gt,
}
_UNITS: Final = {"ms": 1.0, "s": 1000.0}
_STATISTIC: Final = re.compile(r"p(\d{1,2}|100)|min|max|mean")

Subject = TypeVar("Subject")


@dataclass(frozen=True, slots=True)
class Condition:
    """A parsed condition; the limit is in milliseconds for durations, else a plain number."""

    text: str
    metric: str
    statistic: str
    """Empty unless the metric is a duration."""
    comparison: str
    limit: float
    limit_text: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """Whether a condition holds, in a sentence."""

    condition: Condition
    holds: bool
    sentence: str


@dataclass(frozen=True, slots=True)
class Metrics(Generic[Subject]):
    """The metrics that conditions on a kind of subject may name."""

    durations: Mapping[str, Callable[[Subject], Sequence[float]]]
    """Values in nanoseconds; a condition names a statistic of them."""
    numbers: Mapping[str, Callable[[Subject], float | None]]

    def parse(self, text: str) -> Condition:
        """Read a condition; UsageError says what is wrong and which names there are."""
        match = _FORM.fullmatch(text)
        if match is None:
            raise UsageError(
                f"--assert {text!r}: write METRIC COMPARISON LIMIT, "
                "such as 'voice_to_voice.p95 < 800ms' or 'cut_ins == 0'."
            )
        metric, statistic = self._metric(text, match["metric"])
        unit = match["unit"]
        allowed = _UNITS.keys() if statistic else {None, "%"} if metric == "wer" else {None}
        if unit not in allowed:
            wanted = "a limit in ms or s" if statistic else "a number without unit"
            raise UsageError(f"--assert {text!r}: {metric} needs {wanted}.")
        limit = float(match["limit"]) * (0.01 if unit == "%" else _UNITS.get(unit, 1.0))
        limit_text = f"{match['limit']}{'' if unit in {None, '%'} else ' '}{unit or ''}"
        return Condition(text.strip(), metric, statistic, match["comparison"], limit, limit_text)

    def check(self, condition: Condition, subject: Subject) -> Outcome:
        """Whether a condition holds; what cannot be measured does not."""
        name = ".".join(filter(None, (condition.metric, condition.statistic)))
        value = self._measure(condition, subject)
        if value is None:
            why = "no call has labels" if condition.metric == "wer" else "it never occurred"
            return Outcome(condition, False, f"{name} cannot be measured: {why}")
        holds = bool(_COMPARISONS[condition.comparison](value, condition.limit))
        limit = f"{condition.comparison} {condition.limit_text}"
        relation = f" ({limit})" if holds else f", not {limit}"
        return Outcome(condition, holds, f"{name} is {_shown(value, condition)}{relation}")

    def measure(self, name: str, subject: Subject) -> float | None:
        """A metric by the name that a condition has for it, durations in milliseconds; None if
        there was nothing to measure; UsageError says which names there are."""
        metric, statistic = self._metric(name, name)
        return self._measure(Condition(name, metric, statistic, "", 0, ""), subject)

    def _metric(self, text: str, name: str) -> tuple[str, str]:
        if name in self.numbers:
            return name, ""
        metric, _, statistic = name.rpartition(".")
        if metric in self.durations and _STATISTIC.fullmatch(statistic):
            return metric, statistic
        if name in self.durations or metric in self.durations:
            missing = name if name in self.durations else metric
            raise UsageError(
                f"--assert {text!r}: say which value of {missing}: "
                f"{missing}.p50, .p95 (any from p0 to p100), .min, .max or .mean."
            )
        raise UsageError(
            f"--assert {text!r}: there is no metric {name!r}; there are {', '.join(self.numbers)} "
            f"and, with .p50, .p95, .min, .max or .mean: {', '.join(self.durations)}."
        )

    def _measure(self, condition: Condition, subject: Subject) -> float | None:
        if not condition.statistic:
            return self.numbers[condition.metric](subject)
        values = self.durations[condition.metric](subject)
        if not values:
            return None
        match condition.statistic:
            case "min":
                nanos = min(values)
            case "max":
                nanos = max(values)
            case "mean":
                nanos = sum(values) / len(values)
            case percent:
                nanos = percentile(values, int(percent[1:]))
        return nanos / MILLISECOND


def require(outcomes: Iterable[Outcome]) -> None:
    """Raise AssertionUnmetError naming every condition that does not hold."""
    unmet = [outcome.sentence for outcome in outcomes if not outcome.holds]
    if unmet:
        raise AssertionUnmetError("; ".join(unmet) + ".")


def _shown(value: float, condition: Condition) -> str:
    if condition.statistic:
        return f"{value:.1f}".removesuffix(".0") + " ms"
    return f"{value:.1%}" if condition.limit_text.endswith("%") else f"{value:.4g}"


_REPLAY: Final[Metrics[Sequence[CallReport]]] = Metrics(DURATIONS, NUMBERS)
parse_condition = _REPLAY.parse
check = _REPLAY.check
measure = _REPLAY.measure
"""Conditions on calls that were run here; `voicecli.dial` has its own metrics."""
