"""Other endpointers asked about a call that is over: what they say, and that it changes nothing."""

import json
import re
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from pipelines.runtime.timeline import Timeline
from pipelines.runtime.transport import Received
from pipelines.turn_taking.time import MILLISECOND, SECOND
from voicecli.engines import LazyEngines, build_engines
from voicecli.errors import UsageError, WeightsError
from voicecli.profile import Profile, load_profile
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.journal import journal_hash
from voicecli.recording.labels import Labels, Turn
from voicecli.replaying.run import FinishedCall, Setting, run_call
from voicecli.replaying.source import CallSource
from voicecli.report.json_report import shadow_json
from voicecli.report.shadows import ShadowDetails, ShadowSummary
from voicecli.shadow.choice import build_shadows, parse
from voicecli.shadow.pauses import fold_pauses
from voicecli.shadow.score import Shadows, heard_through_the_line
from voicecli.shadow.verdicts import ShadowReport
from voicecli.transports.file_caller import FileCaller

RATE = 8000
HOLD = Turn(2.5, 3.4, "well um", "hold")
END = Turn(4.2, 5.4, "a table for two", "end_of_turn")


@pytest.fixture
def profile() -> Profile:
    """One that answers after 1,200 ms of silence, whatever its detector says."""
    scripted = load_profile("scripted")
    endpointing = replace(scripted.policy.endpointing, delays_ms=((0.0, 1200), (1.0, 1200)))
    return replace(scripted, policy=replace(scripted.policy, endpointing=endpointing))


def made_call(profile: Profile, line: str = "clean", *, labels: bool = True) -> FinishedCall:
    """Noise stands for a hold of 800 ms and the end of a turn."""
    pcm = np.zeros(8 * RATE, np.int16)
    rng = np.random.default_rng(5)
    for turn in (HOLD, END):
        span = slice(round(turn.start_s * RATE), round(turn.end_s * RATE))
        pcm[span] = rng.normal(0, 4000, span.stop - span.start)
    audio = CallAudio(pcm, None, RATE, RATE, len(pcm) / RATE, "")
    source = CallSource("made", Path("made"), audio, Labels((HOLD, END)), None)
    call = run_call(source, Setting(profile, line), build_engines(profile))
    return call if labels else replace(call, labels=None)


def report(call: FinishedCall, profile: Profile, shadow: str) -> ShadowReport:
    asked = build_shadows([parse(shadow)], profile, LazyEngines(profile))
    [found] = Shadows(asked, profile.policy).report(call)
    return found


def test_a_timer_that_would_have_cut_in_is_told_with_when_and_who_was_right(profile):
    found = report(made_call(profile), profile, "silence:400")
    in_hold, at_end = found.disagreements
    assert (in_hold.truth, in_hold.right) == ("hold", "ours")
    assert in_hold.ours is None
    assert in_hold.shadow == 400 * MILLISECOND
    assert in_hold.went_on == pytest.approx(800 * MILLISECOND, abs=60 * MILLISECOND)
    assert (at_end.truth, at_end.right) == ("end", "shadow")
    assert at_end.ours == pytest.approx(1200 * MILLISECOND, abs=20 * MILLISECOND)
    assert found.answers("shadow", "hold") == [400 * MILLISECOND]
    assert found.answers("ours", "hold") == []


def test_answers_that_nobody_could_tell_apart_are_no_disagreement(profile):
    assert report(made_call(profile), profile, "silence:1100").disagreements == []


def test_a_detector_is_taken_by_its_threshold_or_by_the_profiles_own_curve(profile):
    call = made_call(profile)
    [at_end] = report(call, profile, "scripted:0.95").disagreements  # it always says 0.9
    assert at_end.shadow == 3000 * MILLISECOND  # the backstop
    assert at_end.right == "ours"
    hasty = report(call, profile, "scripted:0.5").verdicts
    assert [verdict.shadow_p for verdict in hasty] == [0.9, 0.9]
    assert report(call, profile, "scripted").disagreements == []


def test_the_time_a_shadow_takes_counts_in_its_answer_and_in_nothing_else(profile):
    call = made_call(profile)
    before = journal_hash(call.entries)
    [slow] = profile.turn_detectors
    settings = replace(slow.settings, latency_ms=500)
    patient = replace(profile, turn_detectors=(replace(slow, settings=settings),))
    quick, late = (report(call, p, "scripted:0.5").verdicts[-1] for p in (profile, patient))
    assert late.shadow - quick.shadow == 480 * MILLISECOND
    assert journal_hash(call.entries) == before == journal_hash(made_call(profile).entries)


def test_without_labels_nobody_is_right(profile):
    found = report(made_call(profile, labels=False), profile, "silence:400")
    assert len(found.disagreements) == 2
    assert {verdict.right for verdict in found.disagreements} == {None}


def test_speech_over_the_agent_and_sounds_without_words_are_no_pauses_of_a_turn(profile):
    silent = replace(profile.asr.settings, words=("",))
    deaf = replace(profile, asr=replace(profile.asr, settings=silent))
    assert fold_pauses(made_call(deaf).entries, deaf.policy) == []
    held = fold_pauses(made_call(profile).entries, profile.policy)
    assert [pause.answered_at is None for pause in held] == [True, False]
    assert all(pause.text for pause in held)
    assert held[0].history[0].role == "system"


def test_a_shadow_hears_what_came_out_of_the_line(profile, monkeypatch):
    arrived = Timeline(RATE)
    receive = FileCaller.receive

    def listening(caller: FileCaller, now: int) -> Received:
        received = receive(caller, now)
        arrived.write(received.pcm)
        return received

    monkeypatch.setattr(FileCaller, "receive", listening)
    call = made_call(profile, "pstn")
    again = heard_through_the_line(call.stereo, call.header)
    span = (2 * SECOND, 5 * SECOND)
    assert np.array_equal(again.read(*span), arrived.read(*span))


@pytest.mark.parametrize("text", ["smrt", "smart_turn:1.5", "smart_turn:x", "silence:-1"])
def test_what_makes_no_sense_is_refused_with_what_does(text):
    with pytest.raises(UsageError, match=r"there are|behind the colon"):
        parse(text)


def test_missing_weights_are_one_clear_error(profile, monkeypatch, tmp_path):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with pytest.raises(WeightsError, match="voicecli models pull smart-turn"):
        build_shadows([parse("smart_turn")], profile, LazyEngines(profile))


def test_the_tables_and_the_json_say_it(profile):
    from rich.console import Console  # noqa: PLC0415

    call = made_call(profile)
    found = report(call, profile, "silence:400")
    console = Console(width=130, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(ShadowDetails(found), ShadowSummary([replace(call.report(), shadows=(found,))]))
    text = console.export_text()
    assert "silence:400 disagrees in 2 of 2 pauses" in text
    assert re.search(r"holds +400 ms +\d{3} ms +ours", text)
    assert "1 of 1" in text  # its cut-ins
    written: dict[str, Any] = json.loads(json.dumps(shadow_json(found)))
    assert written["shadow"]["cut_ins"] == 1
    assert written["ours"]["cut_ins"] == 0
    assert [row["right"] for row in written["disagreements"]] == ["ours", "shadow"]
