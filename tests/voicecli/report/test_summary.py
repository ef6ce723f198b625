import io
from dataclasses import replace

from rich.console import Console

from voicecli.report.assertions import check, parse_condition
from voicecli.report.call_report import build_call_report
from voicecli.report.summary import Summary


def rendered(renderable, **console):
    output = io.StringIO()
    Console(file=output, width=80, **console).print(renderable)
    return output.getvalue()


def test_a_summary_counts_turns_by_band_and_shows_percentiles(call):
    text = rendered(Summary([call, call]))
    assert "2 calls · 6 turns · 2 natural · 2 delayed · 2 not answered" in text
    assert "2 cut-ins · 2 interruptions · 0 overlaps ignored · 2 engine failures" in text
    assert "100% of replies begun ahead used" in " ".join(text.split())
    assert "WER 7.7%" in text
    row = next(row for row in text.splitlines() if row.startswith("voice_to_voice"))
    assert " ".join(row.split()) == "voice_to_voice 888 ms 1,480 ms 1,480 ms 4"


def test_what_failed_is_said(call):
    text = rendered(Summary([replace(call, failures=tuple(f"llm failed {n}" for n in range(10)))]))
    assert "✗ booking: llm failed 0" in text
    assert "✗ booking: llm failed 7" in text
    assert "and 2 more" in text


def test_asserts_are_marked_by_a_sign_not_by_colour_alone(call):
    conditions = ("cut_ins == 0", "turns == 3")
    outcomes = [check(parse_condition(condition), [call]) for condition in conditions]
    text = rendered(Summary([call], outcomes))
    assert "✗ cut_ins is 1, not == 0" in text
    assert "✓ turns is 3 (== 3)" in text
    dumb = rendered(Summary([call], outcomes), force_terminal=True, _environ={"TERM": "dumb"})
    assert "FAIL cut_ins is 1, not == 0" in dumb
    assert dumb.isascii()


def test_what_was_not_measured_is_left_out(header):
    text = rendered(Summary([build_call_report("x", header, [])]))
    assert "1 call · 0 turns" in text
    assert "voice_to_voice" not in text
    assert "WER" not in text
