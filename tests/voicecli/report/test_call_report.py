from dataclasses import replace

import pytest

from pipelines.turn_taking.events import EngineFailed, EngineRemarked
from pipelines.turn_taking.time import MILLISECOND
from voicecli.recording.journal import JournalHeader
from voicecli.report.call_report import build_call_report, reply_at_ear
from voicecli.report.metrics import wer_of
from voicecli.report.wer import WordErrors


def test_a_call_is_gathered_from_journal_audio_and_labels(call):
    assert (call.name, call.profile, call.line) == ("booking", "demo", "pstn")
    assert call.duration_s == 12.0
    assert [report.turn.text for report in call.turns] == [
        "I'd like to book a table for two.",
        "Tomorrow, um, at eight.",
        "No, eight.",
    ]
    latencies = [report.turn.voice_to_voice for report in call.turns]
    assert latencies == [295 * MILLISECOND, 1480 * MILLISECOND, None]
    assert [b.turn for b in call.barge_ins] == [2]
    assert call.failures == ("llm failed at 11.000 s: out of memory",)


def test_an_engine_for_which_another_steps_in_has_failed_once():
    entries = (
        EngineRemarked(1, 4, "llm", "dropped a phrase"),
        EngineRemarked(2, 5, "llm", "far failed; near stands in", failed=True),
        EngineFailed(3, 5, "llm", "timed out"),
    )
    report = build_call_report("x", JournalHeader("demo", 8000), entries)
    assert report.failures == ("llm failed at 0.000 s: far failed; near stands in",)


def test_voice_to_voice_by_waveform_agrees_with_the_journal(call):
    for report in call.turns[:2]:
        assert abs(report.acoustic_voice_to_voice - report.turn.voice_to_voice) <= 20 * MILLISECOND
    assert call.turns[2].acoustic_voice_to_voice is None


def test_a_cut_in_is_the_turn_whose_reply_began_in_the_callers_speech(call):
    assert [report.cut_in for report in call.turns] == [False, True, False]
    assert call.cut_ins == 1


@pytest.mark.parametrize(
    ("start_ms", "end_ms", "expected"),
    [(3500, 4000, True), (3596, 4000, False), (2000, 3294, False), (2000, 3295, True)],
)
def test_starting_up_to_300_ms_before_the_caller_goes_on_is_a_cut_in(
    entries, header, start_ms, end_ms, expected
):
    stretch = (start_ms * MILLISECOND, end_ms * MILLISECOND)
    call = build_call_report("x", header, entries, cut_ins=[stretch])
    assert call.turns[0].cut_in is expected


def test_words_are_compared_over_the_whole_call_without_backchannels(call):
    assert call.word_errors == WordErrors(said=13, wrong=1)  # "nine" was heard as "eight"


def test_a_long_call_counts_for_more_than_a_short_one(call):
    short = replace(call, word_errors=WordErrors(said=1, wrong=1))
    unknown = replace(call, word_errors=None)
    assert wer_of([call, short, unknown]) == pytest.approx(2 / 14)
    assert wer_of([unknown]) is None


def test_what_audio_and_labels_would_tell_is_left_out_without_them(entries, header):
    call = build_call_report("x", header, entries)
    assert call.word_errors is None
    assert all(report.acoustic_voice_to_voice is None for report in call.turns)


def test_an_empty_journal_is_a_call_without_turns(header):
    call = build_call_report("x", header, [])
    assert call.turns == ()
    assert call.duration_s == 0


def test_the_reply_reaches_the_ear_egress_after_it_left(call):
    assert reply_at_ear(call.turns[0].turn) == 3295 * MILLISECOND
    assert reply_at_ear(call.turns[2].turn) is None
