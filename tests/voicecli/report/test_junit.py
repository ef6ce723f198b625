import xml.etree.ElementTree as ET
from dataclasses import replace

from voicecli.report.assertions import check, parse_condition
from voicecli.report.junit import junit_report, write_junit_report


def outcomes(call, *conditions):
    return [check(parse_condition(condition), [call]) for condition in conditions]


def parsed(call, *conditions):
    return ET.fromstring(junit_report([call], outcomes(call, *conditions)))  # noqa: S314 - our own


def test_there_is_a_case_for_the_call_each_turn_and_each_assert(call):
    names = [case.get("name") for case in parsed(call, "cut_ins == 0").iter("testcase")]
    assert names == [
        "call",
        "turn 1: I'd like to book a table for two.",
        "turn 2: Tomorrow, um, at eight.",
        "turn 3: No, eight.",
        "cut_ins == 0",
    ]


def test_suites_count_what_they_hold(call):
    suites = parsed(call, "cut_ins == 0", "turns == 3").findall("testsuite")
    counted = [
        tuple(suite.get(name) for name in ("tests", "failures", "errors", "skipped"))
        for suite in suites
    ]
    assert counted == [("4", "0", "1", "1"), ("2", "1", "0", "0")]


def test_only_an_assert_that_does_not_hold_is_a_failure(call):
    (failure,) = parsed(call, "cut_ins == 0", "turns == 3").iter("failure")
    assert failure.get("message") == "cut_ins is 1, not == 0"


def test_failed_engines_and_broken_off_calls_are_errors(call):
    (error,) = parsed(replace(call, partial=True)).iter("error")
    assert "out of memory" in error.get("message")
    assert "broken off" in error.get("message")
    assert list(parsed(replace(call, failures=())).iter("error")) == []


def test_a_turn_takes_its_voice_to_voice_and_shows_its_spans_and_reasons(call):
    case = list(parsed(call).iter("testcase"))[2]
    assert case.get("time") == "1.480000"
    output = case.findtext("system-out")
    assert "llm_ttft 250.0 ms" in output
    assert "the agent cut in on the caller" in output
    assert "no detector answered" in output


def test_text_that_xml_cannot_hold_is_replaced(call, tmp_path):
    path = tmp_path / "junit.xml"
    write_junit_report(path, [replace(call, name='bell \x07 & <quote> " \udc80')])
    suite = ET.parse(path).getroot().find("testsuite")  # noqa: S314 - our own
    assert suite.get("name") == 'bell � & <quote> " �'
