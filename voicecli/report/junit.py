"""The report as JUnit XML for CI dashboards.

A suite per call with a test case for the call (an error if an engine failed, or if the call was
broken off or could not be used) and one per turn (skipped if it was not answered), and a suite of
the asserts (failures). A slow turn is no failure by itself: only an assert says how slow is too
slow.
"""

import xml.etree.ElementTree as ET
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType

from pipelines.latency import SPANS, Turn
from pipelines.turn_taking.time import MILLISECOND, SECOND
from voicecli.foreign import visible
from voicecli.report.assertions import Outcome
from voicecli.report.call_report import CallReport, TurnReport
from voicecli.report.json_report import write_whole


def junit_report(
    calls: Sequence[CallReport],
    outcomes: Iterable[Outcome] = (),
    unusable: Mapping[str, str] = MappingProxyType({}),
) -> str:
    """The report of some calls as an XML document; `unusable` says what is wrong with others."""
    root = ET.Element("testsuites", name="voicecli replay")
    for call in calls:
        suite = ET.SubElement(
            root, "testsuite", name=visible(call.name), time=f"{call.duration_s:.3f}"
        )
        _call(suite, call)
        for report in call.turns:
            _turn(suite, call, report)
    for name, problem in unusable.items():
        suite = ET.SubElement(root, "testsuite", name=visible(name), time="0")
        case = ET.SubElement(suite, "testcase", classname=visible(name), name="call", time="0")
        ET.SubElement(case, "error", message=visible(problem))
    asserts = list(outcomes)
    if asserts:
        suite = ET.SubElement(root, "testsuite", name="asserts", time="0")
        for outcome in asserts:
            _assert(suite, outcome)
    for suite in root:
        for tag, counted in (("testcase", "tests"), ("failure", "failures"), ("error", "errors")):
            suite.set(counted, str(len(list(suite.iter(tag)))))
        suite.set("skipped", str(len(list(suite.iter("skipped")))))
    ET.indent(root)
    return ET.tostring(root, encoding="unicode", xml_declaration=False) + "\n"


def write_junit_report(
    path: Path,
    calls: Sequence[CallReport],
    outcomes: Iterable[Outcome] = (),
    unusable: Mapping[str, str] = MappingProxyType({}),
) -> None:
    """Write the report to a file; StorageError if that is impossible."""
    declaration = '<?xml version="1.0" encoding="UTF-8"?>\n'
    write_whole(path, declaration + junit_report(calls, outcomes, unusable))


def _call(suite: ET.Element, call: CallReport) -> None:
    case = ET.SubElement(suite, "testcase", classname=visible(call.name), name="call")
    case.set("time", f"{call.duration_s:.3f}")
    problems = list(call.failures)
    if call.partial:
        problems.append("the call was broken off; the report is partial")
    if problems:
        ET.SubElement(case, "error", message=visible("; ".join(problems)))


def _turn(suite: ET.Element, call: CallReport, report: TurnReport) -> None:
    turn = report.turn
    name = f"turn {turn.index}: {turn.text}" if turn.text else f"turn {turn.index}"
    case = ET.SubElement(suite, "testcase", classname=visible(call.name), name=visible(name))
    case.set("time", f"{(turn.voice_to_voice or 0) / SECOND:.6f}")
    if not turn.spans:
        ET.SubElement(case, "skipped", message="the turn was not answered")
    ET.SubElement(case, "system-out").text = visible(_details(turn, cut_in=report.cut_in))


def _details(turn: Turn, *, cut_in: bool) -> str:
    spans = [f"{name} {turn.spans[name] / MILLISECOND:.1f} ms" for name in SPANS if turn.spans]
    return "\n".join(
        [
            *spans,
            *(["the agent cut in on the caller"] if cut_in else []),
            f"reply: {turn.written}",
            f"heard: {turn.heard}",
            *(decision.sentence for decision in turn.decisions),
        ]
    )


def _assert(suite: ET.Element, outcome: Outcome) -> None:
    name = visible(outcome.condition.text)
    case = ET.SubElement(suite, "testcase", classname="asserts", name=name, time="0")
    if not outcome.holds:
        ET.SubElement(case, "failure", message=visible(outcome.sentence))
