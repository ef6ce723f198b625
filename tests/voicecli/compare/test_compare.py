"""Profiles judged by what the callers meant."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
from rich.console import Console

from voicecli import extras
from voicecli.compare.run import as_json, compare, labelled_calls
from voicecli.compare.table import Comparison, Variant
from voicecli.compare.truth import Outcome, judge
from voicecli.compare.variants import ablation, named_apart
from voicecli.engines import build_engines
from voicecli.errors import InputError, UsageError
from voicecli.profile import Profile, load_profile
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.labels import Cue, Labels, Turn, write_labels
from voicecli.replaying.run import Setting, run_call
from voicecli.replaying.source import CallSource

ROOT = Path(__file__).parents[3]
RATE = 8000


def source(*turns: Turn) -> CallSource:
    """A call in which noise stands for each turn's speech."""
    pcm = np.zeros(round((turns[-1].end_s + 2) * RATE), np.int16)
    rng = np.random.default_rng(5)
    for turn in turns:
        span = slice(round(turn.start_s * RATE), round(turn.end_s * RATE))
        pcm[span] = rng.normal(0, 4000, span.stop - span.start)
    audio = CallAudio(pcm, None, RATE, RATE, len(pcm) / RATE, "")
    return CallSource("made", Path("made"), audio, Labels(turns), None)


def outcomes(profile: Profile, *turns: Turn) -> list[Outcome]:
    call = run_call(source(*turns), Setting(profile, "clean"), build_engines(profile))
    assert call.labels is not None
    return judge(call.report(), call.labels)


@pytest.fixture
def profile() -> Profile:
    return load_profile("scripted")


def waiting(profile: Profile, milliseconds: int) -> Profile:
    """Answers after this silence, whatever the detectors say."""
    points = ((0.0, milliseconds), (1.0, milliseconds))
    endpointing = replace(profile.policy.endpointing, delays_ms=points)
    return replace(profile, policy=replace(profile.policy, endpointing=endpointing))


QUESTION = Turn(2.5, 4.0, "a table for two please", "end_of_turn")


def test_an_answer_is_timed_from_the_labelled_end_of_speech(profile):
    [answered] = outcomes(waiting(profile, 600), QUESTION)
    assert answered.kind == "answered"
    assert answered.latency == pytest.approx(700e6, abs=150e6)


def test_an_answer_into_a_hold_is_a_cut_in_and_silence_is_not(profile):
    hold = Turn(2.5, 3.4, "well um", "hold")
    rest = Turn(4.2, 5.4, "a table for two", "end_of_turn")
    assert outcomes(waiting(profile, 300), hold, rest)[0].kind == "cut in"
    assert [o.kind for o in outcomes(waiting(profile, 1500), hold, rest)] == ["held", "answered"]


def test_an_interruption_that_stops_the_agent_is_timed_from_its_onset(profile):
    stop = Turn(5.0, 6.8, "no wait that is wrong", "interruption", Cue(600))
    first, second = outcomes(profile, QUESTION, stop)
    assert (first.kind, second.kind) == ("answered", "stopped")
    assert second.latency is not None
    assert 100e6 < second.latency < 600e6


def test_an_agent_that_cannot_be_interrupted_is_found_out(profile):
    deaf = replace(profile.policy.barge_in, enabled=False)
    profile = replace(profile, policy=replace(profile.policy, barge_in=deaf))
    stop = Turn(5.0, 6.0, "no wait that is wrong", "interruption", Cue(600))
    assert [o.kind for o in outcomes(profile, QUESTION, stop)][1] == "not stopped"


@pytest.mark.parametrize("intent", ["interruption", "backchannel", "noise"])
def test_speech_over_an_agent_that_has_nothing_left_to_say_is_not_judged(profile, intent):
    late = Turn(15.0, 15.6, "wait", intent)
    assert [o.kind for o in outcomes(profile, QUESTION, late)] == ["answered", "agent silent"]
    variant = Variant("one", [], outcomes(profile, QUESTION, late))
    figures = as_json([variant])["variants"][0]["figures"]
    assert figures["interruptions that stop it"] == "-"
    assert figures["stopped by backchannel or noise"] == "-"


@pytest.mark.parametrize(("heard", "kind"), [("uh huh", "ignored"), ("stop", "stopped for it")])
def test_a_backchannel_is_judged_by_what_it_does_to_the_agent(profile, heard, kind):
    words = replace(profile.asr.settings, words=("a table please", heard), ms_per_word=0)
    profile = replace(profile, asr=replace(profile.asr, settings=words))
    listening = Turn(5.0, 5.3, "uh huh", "backchannel", Cue(600))
    assert [o.kind for o in outcomes(profile, QUESTION, listening)] == ["answered", kind]


def test_the_ablation_adds_one_idea_a_step_and_ends_with_the_profile(profile):
    steps = ablation(profile)
    names = [step.name for step in steps]
    assert names == ["naive", "streaming", "semantic", "overlapped", "speculative"]
    assert steps[-1].policy == profile.policy
    assert len({step.policy for step in steps}) == 5
    latency = [outcomes(step, QUESTION)[0].latency for step in steps]
    assert latency[0] > latency[1] > latency[2]
    assert latency[2] >= latency[3] >= latency[4]


def test_turns_in_which_variants_differ_are_listed(profile):
    hold = Turn(2.5, 3.4, "well um", "hold")
    rest = Turn(4.2, 5.4, "a table for two", "end_of_turn")
    variants = [
        Variant(name, [], outcomes(waiting(profile, wait), hold, rest))
        for name, wait in (("hasty", 300), ("patient", 1500))
    ]
    console = Console(width=120, record=True, file=open("/dev/null", "w"))  # noqa: SIM115, PTH123
    console.print(Comparison(variants))
    text = console.export_text()
    assert "well um" in text
    assert "cut in" in text
    assert "1 of 2" in text
    assert as_json(variants)["variants"][1]["turns"][0]["outcome"] == "held"


def test_calls_without_labels_are_refused_with_what_needs_them(tmp_path):
    soundfile.write(tmp_path / "x.wav", np.zeros(RATE, np.int16), RATE)
    with pytest.raises(InputError, match=r"labels\.json"):
        labelled_calls([str(tmp_path / "x.wav")])


def test_copies_of_a_profile_that_kept_its_name_go_by_their_files(profile, tmp_path):
    mine = replace(profile, path=tmp_path / "mine.toml")
    assert [each.name for each in named_apart([profile, mine])] == [profile.path.stem, "mine"]


def test_copies_whose_files_share_a_name_go_by_their_folders(profile, tmp_path):
    mine = [replace(profile, path=tmp_path / folder / "agent.toml") for folder in ("a", "b")]
    assert [each.name for each in named_apart(mine)] == ["a-agent", "b-agent"]


def test_calls_of_the_same_name_have_their_own_turns(tmp_path):
    for folder in ("d1", "d2"):
        (tmp_path / folder / "call").mkdir(parents=True)
        soundfile.write(tmp_path / folder / "call/caller.wav", np.ones(RATE, np.int16), RATE)
        write_labels(tmp_path / folder / "call/labels.json", Labels((Turn(0.1, 0.9, "hi"),)))
    sources = labelled_calls([str(tmp_path / folder / "call") for folder in ("d1", "d2")])
    assert [source.name for source in sources] == ["d1-call", "d2-call"]


def test_a_profile_is_not_compared_with_itself(profile):
    with pytest.raises(UsageError, match="twice"):
        named_apart([profile, profile])


def test_one_profile_is_no_comparison(profile):
    with pytest.raises(UsageError, match="two different"):
        compare([profile], ["pauses"], line=None, json_file=None, html=None, plot=None)


@pytest.mark.parametrize(
    ("file", "missing", "message"),
    [
        ("c.png", ["matplotlib"], r"matplotlib: pip install 'voicecli\[quality\]'"),
        ("c.doc", [], r"ends in \.png, \.svg, \.pdf"),
    ],
)
def test_a_plot_that_cannot_be_drawn_is_refused_before_any_call_is_read(
    profile, tmp_path, monkeypatch, file, missing, message
):
    monkeypatch.setattr(extras, "find_spec", lambda name: None if name in missing else True)
    both = [profile, replace(profile, name="other")]
    with pytest.raises(UsageError, match=message):
        compare(both, ["none"], line=None, json_file=None, html=None, plot=tmp_path / file)


def test_the_whole_command_writes_json_page_and_plot(profile, tmp_path):
    paths = {name: tmp_path / name for name in ("c.json", "c.html", "c.png")}
    compare(
        [profile, replace(waiting(profile, 900), name="patient")],
        ["pauses"],
        line=None,
        json_file=paths["c.json"],
        html=paths["c.html"],
        plot=paths["c.png"],
    )
    report = json.loads(paths["c.json"].read_text())
    assert [variant["name"] for variant in report["variants"]] == ["scripted", "patient"]
    text = (ROOT / "docs" / "reference" / "reports.md").read_text("utf-8")
    fields = {*report, *report["variants"][0], *report["variants"][0]["turns"][0]}
    assert {name for name in fields if f"`{name}`" not in text} == set()
    assert "answer after p50" in paths["c.html"].read_text()
    assert paths["c.png"].read_bytes().startswith(b"\x89PNG")
