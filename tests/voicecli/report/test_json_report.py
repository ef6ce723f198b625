import json
from pathlib import Path

import pytest

from voicecli.errors import StorageError
from voicecli.report.assertions import check, parse_condition
from voicecli.report.call_report import build_call_report
from voicecli.report.json_report import json_report, write_json_report

DOCUMENT = Path(__file__).parents[3] / "docs" / "reference" / "reports.md"


@pytest.fixture
def report(call):
    return json_report([call], [check(parse_condition("cut_ins == 0"), [call])])


def keys(value, path=""):
    """Every path of keys in a report; the items of a list are alike."""
    if isinstance(value, dict):
        for key, inner in value.items():
            yield from keys(inner, f"{path}.{key}" if path else key)
    elif isinstance(value, list) and value and isinstance(value[0], dict):
        for item in value:
            yield from keys(item, f"{path}[]")
    else:
        yield path


def test_the_fields_promised_for_version_1_are_there(report):
    promised = {
        "schema", "profile", "line", "calls[].call", "calls[].duration_s", "calls[].wall_s",
        "calls[].turns[].index", "calls[].turns[].caller.start_s", "calls[].turns[].caller.end_s",
        "calls[].turns[].caller.text", "calls[].turns[].reply.text", "calls[].turns[].reply.heard",
        "calls[].turns[].voice_to_voice_ms", "calls[].turns[].acoustic_voice_to_voice_ms",
        "calls[].turns[].spans_ms.ingress", "calls[].turns[].spans_ms.egress",
        "calls[].turns[].decision.reason", "calls[].turns[].decision.p_end_of_turn",
        "calls[].turns[].decision.silence_ms", "calls[].turns[].cut_in",
        "calls[].barge_ins[].verdict", "summary.voice_to_voice_ms.p50",
        "summary.voice_to_voice_ms.p95", "summary.voice_to_voice_ms.max", "summary.cut_ins",
        "summary.wer",
    }  # fmt: skip
    assert promised <= set(keys(report))


def test_every_field_is_documented(report):
    text = DOCUMENT.read_text(encoding="utf-8")
    names = {part.removesuffix("[]") for path in keys(report) for part in path.split(".")}
    assert {name for name in names if f"`{name}`" not in text} == set()


def test_figures_carry_the_unit_of_their_name(report):
    first, second, third = report["calls"][0]["turns"]
    assert report["schema"] == "voicecli.replay/1"
    assert (report["profile"], report["line"]) == ("demo", "pstn")
    assert first["voice_to_voice_ms"] == sum(first["spans_ms"].values()) == 295
    assert first["caller"] == {
        "start_s": 2.0,
        "end_s": 3.0,
        "text": "I'd like to book a table for two.",
    }
    assert first["decision"]["p_end_of_turn"] == 0.93
    assert second["decision"]["p_end_of_turn"] is None
    assert second["reply"]["heard"] == "I have a table at eight, or"
    assert second["reply"]["interrupted"]
    assert second["cut_in"]
    assert (first["speculations_kept"], second["speculations_kept"]) == (1, 0)
    assert (first["spent_ms"], second["spent_ms"]) == (0, 310.5)
    assert third["voice_to_voice_ms"] is None
    assert third["spans_ms"] == {}


def test_barge_ins_and_summary_are_in_milliseconds(report):
    (barge_in,) = report["calls"][0]["barge_ins"]
    assert barge_in["onset_s"] == 10.1
    assert barge_in["onset_to_silent_ms"] == sum(barge_in["spans_ms"].values()) == 300
    summary = report["summary"]
    assert summary["voice_to_voice_ms"] == {"p50": 887.5, "p95": 1420.75, "max": 1480}
    assert summary["barge_in_ms"]["judged"]["p50"] == 320  # since the onset
    assert summary["cut_ins"] == 1
    assert summary["speculation_hit_rate"] == 1
    assert summary["spent_ms"]["max"] == 310.5
    assert report["asserts"] == [
        {"condition": "cut_ins == 0", "holds": False, "sentence": "cut_ins is 1, not == 0"}
    ]


def test_calls_of_different_profiles_have_no_common_one(call, header, entries):
    other = build_call_report("other", header.__class__("another", 8000), entries)
    report = json_report([call, other])
    assert report["profile"] is None
    assert [c["profile"] for c in report["calls"]] == ["demo", "another"]


def test_a_report_without_turns_has_null_figures(header):
    report = json_report([build_call_report("x", header, [])])
    assert report["summary"]["voice_to_voice_ms"] == {"p50": None, "p95": None, "max": None}


def test_the_file_holds_the_same_report(call, tmp_path):
    path = tmp_path / "out" / "report.json"
    write_json_report(path, [call])
    assert json.loads(path.read_text(encoding="utf-8")) == json_report([call])
    assert [p.name for p in path.parent.iterdir()] == ["report.json"]


def test_a_report_that_cannot_be_written_is_a_storage_error(call, tmp_path):
    (tmp_path / "report.json").mkdir()
    with pytest.raises(StorageError, match=r"report\.json cannot be written"):
        write_json_report(tmp_path / "report.json", [call])
    assert [p.name for p in tmp_path.iterdir()] == ["report.json"]
