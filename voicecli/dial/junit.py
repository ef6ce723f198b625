"""Dialled calls as JUnit XML for CI dashboards."""

import xml.etree.ElementTree as ET
from collections.abc import Sequence

from pipelines.turn_taking.time import SECOND
from voicecli.dial.report import CallResult
from voicecli.foreign import one_line
from voicecli.report.assertions import Outcome


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
