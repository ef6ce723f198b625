"""What the caller's end buffers, measures, reports and demands, without a socket."""

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest

from pipelines.turn_taking.time import MILLISECOND, SECOND
from telephony_sim.dtmf import dtmf
from telephony_sim.g711 import ulaw_encode
from voicecli.carriers.errors import DialError
from voicecli.carriers.leg import AudioOut, Clear, Mark
from voicecli.carriers.twilio.dialler import stream_in
from voicecli.dial.far_buffer import FarBuffer, FloodError
from voicecli.dial.measure import Measured, keys_heard, measure
from voicecli.dial.phone import Dialled
from voicecli.dial.report import (
    CallResult,
    build_document,
    check,
    frame_jitter,
    frame_lateness,
    junit_report,
    parse_condition,
)
from voicecli.dial.run import parse_keys
from voicecli.dial.script import open_script
from voicecli.errors import InputError, UsageError
from voicecli.recording.labels import Turn
from voicecli.transports.caller_timing import PlayedSegment

ROOT = Path(__file__).parents[3]
MS = MILLISECOND
FRAME = AudioOut(ulaw_encode(np.full(160, 8000, np.int16)).tobytes())


def heard(buffer, milliseconds):
    frames = [buffer.frame(start * MS) for start in range(0, milliseconds, 20)]
    return np.flatnonzero(np.concatenate(frames))


def test_audio_is_heard_when_it_comes_to_the_sample():
    buffer = FarBuffer()
    buffer.take(FRAME, 33 * MS)
    sound = heard(buffer, 100)
    assert (sound[0], sound[-1]) == (33 * 8, 53 * 8 - 1)


def test_audio_that_comes_early_waits_for_what_came_before():
    buffer = FarBuffer()
    for _ in range(3):
        buffer.take(FRAME, 10 * MS)
    sound = heard(buffer, 200)
    assert (sound[0], sound[-1], len(sound)) == (80, 80 + 480 - 1, 480)


def test_a_long_piece_is_cut_into_frames():
    buffer = FarBuffer()
    buffer.take(AudioOut(FRAME.payload * 10), 5 * MS)
    assert len(heard(buffer, 300)) == 1600


def test_a_mark_is_echoed_when_the_audio_before_it_was_heard():
    buffer = FarBuffer()
    buffer.take(AudioOut(FRAME.payload * 5), 0)
    buffer.take(Mark("a"), 1 * MS)
    assert buffer.echoes(99 * MS) == []
    assert buffer.echoes(100 * MS) == [Mark("a")]
    assert buffer.echoes(200 * MS) == []


def test_clear_silences_at_once_and_echoes_every_mark():
    buffer = FarBuffer()
    buffer.take(AudioOut(FRAME.payload * 50), 0)
    buffer.take(Mark("a"), 0)
    buffer.take(Clear(), 150 * MS)
    assert buffer.echoes(150 * MS) == [Mark("a")]
    assert heard(buffer, 400)[-1] == 150 * 8 - 1
    buffer.take(FRAME, 200 * MS)  # and what comes after it is heard
    assert buffer.frame(200 * MS).any()


def test_only_gaps_within_speech_are_faults_and_only_long_ones_are_heard():
    buffer = FarBuffer()
    for at in (0, 25, 45, 95, 800):
        buffer.take(FRAME, at * MS)
    assert buffer.gaps == [5 * MS, 30 * MS]
    assert buffer.underruns == 1


def test_a_piece_is_late_if_there_was_nothing_left_to_play():
    buffer = FarBuffer()
    for at in (0, 1, 2, 59, 85, 500):  # three at once, so the fourth is due at 60
        buffer.take(FRAME, at * MS)
    assert frame_lateness(Dialled("too long", "", 0, buffer, [])) == [0, 0, 0, 0, 5 * MS, 0]


def test_jitter_counts_from_the_usual_piece_of_each_stretch():
    buffer = FarBuffer()
    buffer.arrivals = [at * MS for at in (3, 20, 40, 67, 80, 500, 520)]
    assert frame_jitter(Dialled("too long", "", 0, buffer, [])) == [
        3 * MS, 0, 0, 7 * MS, 0, 0, 0,
    ]  # fmt: skip


# -- measuring --------------------------------------------------------------------------------


def call(caller, agent, seconds=10):
    """Sound of both in these stretches of seconds; noise, which no filter mistakes for silence."""
    chance = np.random.default_rng(1)
    stereo = np.zeros((8000 * seconds, 2), np.int16)
    for channel, stretches in enumerate((caller, agent)):
        for start, end in stretches:
            a, b = round(start * 8000), round(end * 8000)
            stereo[a:b, channel] = chance.normal(0, 4000, b - a)
    turns = [Turn(start, end, "x") for start, end in caller]
    played = [
        PlayedSegment(i, round(s * SECOND), round(e * SECOND), False)
        for i, (s, e) in enumerate(caller)
    ]
    return stereo, played, turns


def labelled(turns, *intents):
    return [Turn(t.start_s, t.end_s, "x", intent) for t, intent in zip(turns, intents, strict=True)]


def test_voice_to_voice_runs_from_sound_to_sound():
    found = measure(*call([(1, 2), (5, 6)], [(0.1, 0.8), (2.5, 4), (7.8, 9)]))
    assert found.greeting == pytest.approx(0.1 * SECOND, abs=25 * MS)
    assert found.voice_to_voice == pytest.approx([500 * MS, 1800 * MS], abs=25 * MS)
    assert (len(found.dead_air), found.unanswered, found.cut_ins) == (1, 0, 0)


def test_a_turn_without_an_answer_is_counted():
    found = measure(*call([(1, 2), (5, 6)], [(6.4, 7)]))
    assert (found.turns, found.unanswered, len(found.voice_to_voice)) == (2, 1, 1)


def test_an_agent_that_is_spoken_over_is_timed_until_it_is_silent():
    found = measure(*call([(3, 5)], [(1, 3.4), (5.5, 6)]))
    assert found.barge_in == pytest.approx([400 * MS], abs=25 * MS)
    assert found.cut_ins == 0


def test_an_agent_that_begins_while_the_caller_speaks_has_cut_in():
    found = measure(*call([(3, 5)], [(4, 6)]))
    assert (found.cut_ins, found.barge_in) == (1, [])
    assert found.talk_over == pytest.approx(SECOND, abs=25 * MS)


def test_a_backchannel_is_no_turn_and_should_not_silence_the_agent():
    stereo, played, turns = call([(2, 2.4)], [(1, 4)])
    found = measure(stereo, played, labelled(turns, "backchannel"))
    assert (found.turns, found.backchannels, found.backchannels_obeyed) == (0, 1, 0)
    stereo, played, turns = call([(2, 2.4)], [(1, 2.3)])
    found = measure(stereo, played, labelled(turns, "backchannel"))
    assert found.backchannels_obeyed == 1


def test_a_pause_within_a_turn_asks_for_no_answer():
    stereo, played, turns = call([(1, 2), (3, 4)], [(4.5, 5)])
    found = measure(stereo, played, labelled(turns, "hold", "end_of_turn"))
    assert (found.turns, found.unanswered) == (1, 0)


# -- reports and conditions -------------------------------------------------------------------


def result(**figures):
    return CallResult(
        "one", Dialled("caller hung up", "", SECOND, FarBuffer(), []), Measured(**figures)
    )


def test_conditions_speak_of_all_calls_together():
    results = [result(voice_to_voice=[400 * MS]), result(voice_to_voice=[900 * MS])]
    assert check(parse_condition("voice_to_voice.p50 <= 650ms"), results).holds
    slow = check(parse_condition("voice_to_voice.max < 0.8s"), results)
    assert slow.sentence == "voice_to_voice.max is 900 ms, not < 0.8 s"
    assert check(parse_condition("underruns == 0"), results).holds
    assert not check(parse_condition("barge_in.p95 < 1s"), results).holds  # it never occurred


@pytest.mark.parametrize(
    ("text", "hint"),
    [
        ("voice_to_voice < 800ms", "say which value of voice_to_voice"),
        ("latency.p95 < 800ms", "there is no metric 'latency.p95'"),
        ("underruns == 0ms", "underruns == 0"),
        ("fast please", "METRIC COMPARISON LIMIT"),
    ],
)
def test_a_wrong_condition_is_explained(text, hint):
    with pytest.raises(UsageError, match=hint):
        parse_condition(text)


def test_reports_hold_what_was_measured_and_what_broke():
    broken = CallResult("two", None, Measured(), "nobody answers")
    results = [result(voice_to_voice=[400 * MS]), broken]
    outcomes = [check(parse_condition("failed == 0"), results)]
    document = json.loads(json.dumps(build_document("ws://x", results, outcomes)))
    assert document["schema"] == "voicecli.dial/1"
    assert document["summary"]["voice_to_voice_ms"]["p50"] == 400
    assert document["calls"][1]["problem"] == "nobody answers"
    text = (ROOT / "docs" / "reference" / "reports.md").read_text("utf-8")
    fields = {*document, *document["summary"], *(name for row in document["calls"] for name in row)}
    assert {name for name in fields if f"`{name}`" not in text} == set()
    suites = ET.fromstring(junit_report(results, outcomes))  # noqa: S314 - our own
    assert suites.find("testsuite[@name='calls']").get("errors") == "1"
    assert suites.find("testsuite[@name='asserts']").get("failures") == "1"


def test_keys_are_pressed_one_after_the_other():
    keys = parse_keys(["2:4", "1.5:12#"])
    assert [key.digit for key in keys] == ["1", "2", "#", "4"]
    assert keys[0].at == 1.5 * SECOND
    for wrong in ("12", "x:1", "1:E"):
        with pytest.raises(ValueError, match=r"SECONDS:KEYS|float"):
            parse_keys([wrong])


@pytest.mark.parametrize(
    ("twiml", "why"),
    [
        ("<Response><Reject reason='busy'/></Response>", "rejects the call: busy"),
        ("<Response><Say>Hi</Say></Response>", "no <Connect><Stream>"),
        ("hello", "does not answer with TwiML"),
    ],
)
def test_twiml_that_opens_no_stream_is_named(twiml, why):
    with pytest.raises(DialError, match=why):
        stream_in(twiml.encode(), "http://agent")


def test_tones_that_the_agent_sends_are_heard_as_keys():
    silence = np.zeros(4000, np.int16)
    assert keys_heard(np.concatenate([silence, dtmf("42#"), silence])) == "42#"
    assert keys_heard(call([], [(1, 4)])[0][:, 1]) == ""
    assert (
        build_document("ws://x", [result(), CallResult("b", None, Measured(), "", "1")], [])[
            "calls"
        ][1]["keys_heard"]
        == "1"
    )


def test_a_call_script_presses_keys_with_or_without_words(tmp_path):
    script = tmp_path / "menu.toml"
    head = 'description = "d"\nlicence = "CC0-1.0"\nvoice = "en-us"\nlead_in_s = 0.2\n'
    script.write_text(
        f'{head}[[turns]]\ntext = "My number is"\nkeys = "42#"\n[[turns]]\nkeys = "1"\n'
    )
    spoken = open_script(str(script))
    assert [(turn.text, turn.keys) for turn in spoken.turns] == [("My number is", "42#"), ("", "1")]
    script.write_text(f'{head}[[turns]]\nkeys = "1E"\n')
    with pytest.raises(InputError, match=r"turns 1.*no key 'E'"):
        open_script(str(script))


def test_a_call_script_is_spoken(tmp_path):
    script = tmp_path / "two.toml"
    script.write_text(
        'description = "d"\nlicence = "CC0-1.0"\nvoice = "en-us"\nlead_in_s = 0.2\n'
        '[[turns]]\ntext = "Hello there."\npause_s = 1.0\n[[turns]]\ntext = "Bye."\n'
    )
    spoken = open_script(str(script))
    assert [turn.text for turn in spoken.turns] == ["Hello there.", "Bye."]
    assert spoken.audio.rate == 8000
    assert spoken.audio.caller[: 8 * 150].max() < 10  # the lead-in
    start, end = (round(t * 8000) for t in (spoken.turns[0].start_s, spoken.turns[0].end_s))
    assert np.abs(spoken.audio.caller[start:end]).max() > 5000


@pytest.mark.parametrize("message", [AudioOut(bytes(80_000)), Mark("m")])
def test_an_agent_that_floods_is_cut_off(message):
    buffer = FarBuffer()

    def flood():
        for _ in range(20_000):
            buffer.take(message, 0)

    with pytest.raises(FloodError):
        flood()
    buffer.take(Clear(), 0)
    buffer.echoes(0)
    buffer.take(AudioOut(bytes(160)), 0)  # there is room again


def test_an_agent_that_clears_without_end_is_cut_off():
    buffer = FarBuffer()
    for _ in range(10_000):
        buffer.take(Clear(), 0)
    with pytest.raises(FloodError, match="cleared"):
        buffer.take(Clear(), 0)
