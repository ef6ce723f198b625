import json
from collections import defaultdict
from itertools import pairwise

from voicecli.report.slices import TRACKS, slices_of
from voicecli.report.trace import trace, write_trace


def on(call, track):
    return [piece for piece in slices_of(call) if piece.track == track]


def test_work_lasts_from_the_command_to_its_result(call):
    transcripts = [(s.start / 1e6, s.end / 1e6) for s in on(call, "asr") if s.end]
    assert transcripts == [(3130, 3180), (7840, 7990), (10_850, 10_930)]
    detectors = [(s.name, s.start / 1e6, s.end / 1e6) for s in on(call, "detectors")]
    assert detectors == [("llm", 3130, 3150), ("smart_turn", 3130, 3170)]
    first_reply = next(s for s in on(call, "llm") if s.end)
    assert (first_reply.name, first_reply.end / 1e6) == ("reply (speculative)", 3300)


def test_the_agents_clauses_last_as_long_as_they_are_heard(call):
    heard = [(s.name, s.start / 1e6, s.end / 1e6) for s in on(call, "agent")]
    assert heard == [
        ("Hello, Trattoria Roma.", 60, 1260),
        ("Certainly, for which evening?", 3295, 5195),
        ("I have a table at eight,", 8480, 9940),
        ("or one at nine by the window.", 9980, 10_425),
    ]
    assert on(call, "agent")[-1].details["outcome"] == "stopped"


def test_cancelled_and_unfinished_work_is_marked(call):
    outcomes = [s.details.get("outcome") for s in on(call, "llm") if s.end]
    assert outcomes == [None, "cancelled", "unfinished"]


def test_every_track_is_named_and_every_decision_shown_with_its_reason(call):
    rows = trace([call])["traceEvents"]
    named = {row["args"]["name"] for row in rows if row["name"] == "thread_name"}
    assert set(TRACKS) <= named
    reasons = [row["args"]["reason"] for row in rows if row.get("cat") == "decisions"
               and "reason" in row["args"]]  # fmt: skip
    assert reasons == [decision.sentence for decision in call.decisions]


def test_slices_of_one_thread_never_overlap(call):
    threads = defaultdict(list)
    for row in trace([call, call])["traceEvents"]:
        if row["ph"] == "X":
            threads[row["pid"], row["tid"]].append((row["ts"], row["ts"] + row["dur"]))
    assert len(threads) > 2 * 6
    for slices in threads.values():
        slices.sort()
        for (_, end), (start, _) in pairwise(slices):
            assert end <= start


def test_the_probability_of_speech_is_a_counter(call):
    counters = [row for row in trace([call])["traceEvents"] if row["ph"] == "C"]
    assert len(counters) == 372
    assert counters[0]["ts"] == 32_000  # microseconds
    assert counters[0]["args"] == {"P": 0.9}


def test_the_file_is_json_of_the_trace_event_format(call, tmp_path):
    write_trace(tmp_path / "trace.json", [call])
    read = json.loads((tmp_path / "trace.json").read_text(encoding="utf-8"))
    assert {"ph", "pid", "name"} <= set.intersection(*map(set, read["traceEvents"]))
