"""Some dialled calls as one report.

The same names serve `--assert`, the summary and the JSON report (`voicecli.dial/1`).
"""

import xml.etree.ElementTree as ET
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Any, Final, TypeAlias

from pipelines.latency import percentile
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos, to_ms
from voicecli.dial.measure import Measured
from voicecli.dial.phone import Course, Dialled
from voicecli.foreign import one_line
from voicecli.report.assertions import Metrics, Outcome

SCHEMA: Final = "voicecli.dial/1"


@dataclass(frozen=True, slots=True)
class CallResult:
    """One call: how it went and what was measured; `failure` says why there was none."""

    name: str
    dialled: Dialled | None
    measured: Measured
    failure: str = ""
    keys: str = ""
    """Keys whose tones the agent sent."""

    @property
    def problem(self) -> str:
        """What went wrong, in a sentence; empty if nothing."""
        return self.failure or (self.dialled.problem if self.dialled else "")


Results: TypeAlias = Sequence[CallResult]


def _measured(values: Callable[[Measured], Iterable[Nanos]]) -> Callable[[Results], list[Nanos]]:
    return lambda results: [value for result in results for value in values(result.measured)]


def _counted(value: Callable[[Measured], int]) -> Callable[[Results], int]:
    return lambda results: sum(value(result.measured) for result in results)


def _dialled(results: Results) -> list[Dialled]:
    return [result.dialled for result in results if result.dialled is not None]


DURATIONS: Final[dict[str, Callable[[Results], list[Nanos]]]] = {
    "voice_to_voice": _measured(lambda m: m.voice_to_voice),
    "greeting": _measured(lambda m: [] if m.greeting is None else [m.greeting]),
    "barge_in": _measured(lambda m: m.barge_in),
    "dead_air": _measured(lambda m: m.dead_air),
    "talk_over": _measured(lambda m: [m.talk_over] if m.talk_over else []),
    "gap": lambda results: [gap for d in _dialled(results) for gap in d.buffer.gaps],
    "frame_lateness": lambda results: [x for d in _dialled(results) for x in frame_lateness(d)],
    "frame_jitter": lambda results: [x for d in _dialled(results) for x in frame_jitter(d)],
    "own_lateness": lambda results: [x for d in _dialled(results) for x in d.lateness],
}
"""Metrics in nanoseconds, one value an occurrence."""

NUMBERS: Final[dict[str, Callable[[Results], int]]] = {
    "calls": len,
    "failed": lambda results: sum(bool(result.problem) for result in results),
    "turns": _counted(lambda m: m.turns),
    "unanswered": _counted(lambda m: m.unanswered),
    "cut_ins": _counted(lambda m: m.cut_ins),
    "backchannels": _counted(lambda m: m.backchannels),
    "backchannels_obeyed": _counted(lambda m: m.backchannels_obeyed),
    "underruns": lambda results: sum(d.buffer.underruns for d in _dialled(results)),
    "clears": lambda results: sum(d.buffer.clears for d in _dialled(results)),
}
"""Metrics that are one number over all calls."""


def frame_lateness(call: Dialled | Course) -> list[Nanos]:
    """How late each piece of the agent's audio came: after what came before it had been played."""
    return call.buffer.lateness


def frame_jitter(call: Dialled | Course) -> list[Nanos]:
    """How unevenly the agent's audio came, heard or not: each piece against the usual one.

    The pieces of a stretch are due at equal distances of 20 ms; the middle one of it is on time.
    """
    stretch: list[Nanos] = []
    jitter: list[Nanos] = []
    for at in [*call.buffer.arrivals, None]:
        if at is not None and (not stretch or at - stretch[-1] < 100 * MILLISECOND):
            stretch.append(at)
            continue
        offsets = [arrival - index * 20 * MILLISECOND for index, arrival in enumerate(stretch)]
        usual = sorted(offsets)[len(offsets) // 2] if offsets else 0
        jitter += [max(0, offset - usual) for offset in offsets]
        stretch = [] if at is None else [at]
    return jitter


def build_document(url: str, results: Results, outcomes: Iterable[Outcome]) -> dict[str, Any]:
    """The JSON report."""
    return {
        "schema": SCHEMA,
        "url": url,
        "calls": [_call(result) for result in results],
        "summary": {
            **{name: value(results) for name, value in NUMBERS.items()},
            **{f"{name}_ms": in_short(value(results)) for name, value in DURATIONS.items()},
        },
        "asserts": [
            {"condition": o.condition.text, "holds": o.holds, "sentence": o.sentence}
            for o in outcomes
        ],
    }


def in_short(values: Sequence[Nanos]) -> dict[str, float] | None:
    """Percentiles in milliseconds; None without values."""
    if not values:
        return None
    shares = {f"p{share}": percentile(values, share) for share in (50, 95, 99)}
    row = {"n": len(values), **shares, "max": max(values)}
    return {
        key: value if key == "n" else round(value / MILLISECOND, 2) for key, value in row.items()
    }


def _call(result: CallResult) -> dict[str, Any]:
    measured, dialled = result.measured, result.dialled
    row: dict[str, Any] = {"call": result.name, "problem": result.problem}
    if dialled is not None:
        row |= {
            "ending": dialled.ending,
            "duration_s": round(dialled.duration / SECOND, 2),
            "underruns": dialled.buffer.underruns,
            "gaps_ms": [round(to_ms(gap), 2) for gap in dialled.buffer.gaps],
            "clears": dialled.buffer.clears,
        }
    return row | {
        "greeting_ms": None if measured.greeting is None else to_ms(measured.greeting),
        "voice_to_voice_ms": [to_ms(value) for value in measured.voice_to_voice],
        "barge_in_ms": [to_ms(value) for value in measured.barge_in],
        "dead_air_ms": [to_ms(value) for value in measured.dead_air],
        "talk_over_ms": to_ms(measured.talk_over),
        "turns": measured.turns,
        "unanswered": measured.unanswered,
        "cut_ins": measured.cut_ins,
        "backchannels": measured.backchannels,
        "backchannels_obeyed": measured.backchannels_obeyed,
        "keys_heard": result.keys,
    }


_DIAL: Metrics[Results] = Metrics(DURATIONS, NUMBERS)
parse_condition = _DIAL.parse
check = _DIAL.check


def junit_report(results: Sequence[CallResult], outcomes: Sequence[Outcome]) -> str:
    """One case a call (an error if it broke) and one an assert (a failure if it does not hold)."""
    root = ET.Element("testsuites", name="voicecli dial")
    calls = ET.SubElement(root, "testsuite", name="calls", tests=str(len(results)))
    calls.set("errors", str(sum(bool(result.problem) for result in results)))
    for result in results:
        seconds = result.dialled.duration / SECOND if result.dialled else 0.0
        case = ET.SubElement(calls, "testcase", classname="calls", name=one_line(result.name))
        case.set("time", f"{seconds:.3f}")
        if result.problem:
            ET.SubElement(case, "error", message=one_line(result.problem))
    asserts = ET.SubElement(root, "testsuite", name="asserts", tests=str(len(outcomes)))
    asserts.set("failures", str(sum(not outcome.holds for outcome in outcomes)))
    for outcome in outcomes:
        case = ET.SubElement(asserts, "testcase", classname="asserts", name=outcome.condition.text)
        if not outcome.holds:
            ET.SubElement(case, "failure", message=outcome.sentence)
    ET.indent(root)
    return '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
