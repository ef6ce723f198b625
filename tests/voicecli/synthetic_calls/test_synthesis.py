"""Calls made from scripts are exactly what their labels say, and the same every time."""

import threading
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from pipelines.engines.registry import Context
from pipelines.engines.tts import espeak
from pipelines.runtime.timeline import to_int16
from voicecli.errors import InputError, StorageError, WeightsError
from voicecli.recording.labels import Cue, read_labels
from voicecli.synthetic_calls import synthesis
from voicecli.synthetic_calls.call_script import CallScript, Utterance, read_script, write_script
from voicecli.synthetic_calls.clip_speech import clip_vad
from voicecli.synthetic_calls.synthesis import make_recording, render, scripts_in

SHIPPED = sorted((Path(__file__).parents[3] / "recordings").glob("*/call.toml"))
HEAD = 'description = "a test"\nlicence = "CC0-1.0"\nvoice = "en-us"\n'
SCRIPT = (
    HEAD
    + """
lead_in_s = 1.0
[[turns]]
text = "I would like,"
intent = "hold"
pause_s = 0.5
[[turns]]
text = "a table."
pause_s = 2.0
[[turns]]
sound = "cough"
intent = "noise"
cue_ms = 700
"""
)

shipped = pytest.mark.parametrize("script", SHIPPED, ids=lambda path: path.parent.name)


@pytest.fixture
def call(tmp_path):
    """Makes a call of a script's text and returns its folder."""

    def make(text):
        folder = tmp_path / "a_call"
        folder.mkdir(exist_ok=True)
        (folder / "call.toml").write_text(text)
        make_recording(folder / "call.toml")
        return folder

    return make


def test_the_labels_are_the_script_at_the_times_it_asks_for(call):
    labels = read_labels(call(SCRIPT) / "labels.json")
    first, second, cough = labels.turns
    assert (first.text, first.intent, first.cue) == ("I would like,", "hold", None)
    assert (cough.text, cough.intent, cough.cue) == ("", "noise", Cue(700))
    assert first.start_s == 1.0
    assert second.start_s - first.end_s == pytest.approx(0.5)
    assert cough.start_s - second.end_s == pytest.approx(2.0)
    assert "a_call/call.toml" in labels.source


def test_making_a_call_twice_gives_the_same_bytes(call):
    folder = call(SCRIPT)
    once = [(folder / name).read_bytes() for name in ("caller.flac", "labels.json")]
    call(SCRIPT)
    assert once == [(folder / name).read_bytes() for name in ("caller.flac", "labels.json")]


def test_another_seed_is_another_cough(call):
    folder = call(SCRIPT)
    once = (folder / "caller.flac").read_bytes()
    call("seed = 5\n" + SCRIPT)
    assert once != (folder / "caller.flac").read_bytes()


def test_a_pause_within_a_sentence_is_labelled_as_a_hold_before_it(call):
    folder = call(HEAD + '[[turns]]\ntext = "My number is four. Yes, really."\ncue_ms = 5\n')
    audio, rate = soundfile.read(folder / "caller.flac")
    before, after = read_labels(folder / "labels.json").turns
    assert (before.intent, before.text, before.cue) == ("hold", "", Cue(5))
    assert (after.intent, after.text) == ("end_of_turn", "My number is four. Yes, really.")
    assert after.start_s - before.end_s >= 0.2
    assert np.abs(audio[round(before.end_s * rate) : round(after.start_s * rate)]).max() < 0.01


def test_what_is_said_over_the_agent_is_one_label_whatever_its_pauses(call):
    turn = '[[turns]]\ntext = "Stop. That is enough."\nintent = "interruption"\ncue_ms = 5\n'
    (label,) = read_labels(call(HEAD + turn) / "labels.json").turns
    assert (label.intent, label.cue) == ("interruption", Cue(5))


def test_a_word_before_an_ellipsis_is_drawn_out_and_the_label_has_it_without(call):
    def said(text):
        (turn,) = read_labels(call(f'{HEAD}[[turns]]\ntext = "{text}"\n') / "labels.json").turns
        return turn

    drawn = said("um…, four")
    assert drawn.text == "um, four"
    plain = said("um, four")
    assert 0.15 < (drawn.end_s - drawn.start_s) - (plain.end_s - plain.start_s) < 0.6


def test_breaths_are_drawn_before_longer_turns_and_leave_the_labels_alone(call):
    text = HEAD + '[[turns]]\ntext = "I would like a table."\n[[turns]]\ntext = "Yes."\n'
    folder = call(text)
    without, labels = soundfile.read(folder / "caller.flac")[0], read_labels(folder / "labels.json")
    call(f"breaths = true\n{text}")
    breathing, rate = soundfile.read(folder / "caller.flac")
    assert read_labels(folder / "labels.json") == labels
    first = round(labels.turns[0].start_s * rate)
    assert np.abs(breathing[:first]).max() > 0.005
    assert not breathing[first - 800 : first].any()
    assert np.array_equal(breathing[first:], without[first:])


def test_all_scripts_are_found_or_only_those_asked_for(tmp_path):
    for name in ("one", "two"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "call.toml").write_text(SCRIPT)
    assert scripts_in(tmp_path, ["two"]) == [tmp_path / "two" / "call.toml"]
    assert scripts_in(tmp_path) == [tmp_path / name / "call.toml" for name in ("one", "two")]


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (HEAD, "turns"),
        (HEAD + "[[turns]]\n", "needs a text"),
        (HEAD + '[[turns]]\ntext = "a"\nsound = "cough"', "needs a text"),
        (HEAD + '[[turns]]\ntext = "a"\n[[turns]]\ntxet = "b"', "turns 2"),
        (HEAD + '[[turns]]\ntext = "a"\npause_s = -1', "pause_s"),
        (HEAD + '[[turns]]\ntext = "..."', "has no sound"),
        (HEAD.replace("en-us", "en-moon") + '[[turns]]\ntext = "a"', 'no voice "en-moon"'),
        (HEAD.replace("voice", "vioce") + '[[turns]]\ntext = "a"', 'did you mean "voice"'),
        ("turns = [", "not valid TOML"),
    ],
)
def test_a_wrong_script_is_named_and_nothing_is_written(call, tmp_path, text, words):
    with pytest.raises(InputError, match=words) as error:
        call(text)
    assert "call.toml" in str(error.value)
    assert [path.name for path in (tmp_path / "a_call").iterdir()] == ["call.toml"]


def spoken(text: str) -> np.ndarray:
    """A voice, shape (n,), int16, 16 kHz, without silence around it."""
    tts = espeak.build(espeak.Settings(end_pause_ms=0), Context(locate=Path))
    pcm = np.concatenate(list(tts.synthesize(text, threading.Event())))
    return to_int16(soxr.resample(np.trim_zeros(pcm), tts.sample_rate, 16_000))


@pytest.mark.weights
def test_a_persons_clip_is_labelled_where_they_speak_with_a_hold_before_each_pause(tmp_path):
    first, second = spoken("I would like to book a table"), spoken("for two people on Sunday")
    hum = np.random.default_rng(2).normal(0, 60, 8000).astype(np.int16)  # half a second
    click = np.zeros(800, np.int16)
    click[:40] = 20_000
    clip = np.concatenate([hum, first, hum, second, hum, click, hum])
    soundfile.write(tmp_path / "clip.wav", clip, 16_000)
    folder = tmp_path / "call"
    folder.mkdir()
    (folder / "call.toml").write_text(
        HEAD + '[[turns]]\ntext = "so it goes"\nfile = "../clip.wav"\nintent = "interruption"\n'
        "cue_ms = 300\n"
    )
    make_recording(folder / "call.toml")
    before, after = read_labels(folder / "labels.json").turns
    assert (before.intent, before.text, before.cue) == ("hold", "", Cue(300))
    assert (after.intent, after.text, after.cue) == ("interruption", "so it goes", None)
    start = before.start_s
    assert before.end_s - start == pytest.approx(len(first) / 16_000, abs=0.12)
    assert after.start_s - start == pytest.approx((len(first) + 8000) / 16_000, abs=0.12)
    end = (len(first) + 8000 + len(second)) / 16_000
    assert after.end_s - start == pytest.approx(end, abs=0.12)


@pytest.mark.weights
def test_a_persons_clip_in_which_no_speech_is_found_is_one_label(tmp_path):
    noise = np.random.default_rng(2).normal(0, 3000, 16_000).astype(np.int16)
    soundfile.write(tmp_path / "clip.wav", noise, 16_000)
    (tmp_path / "call.toml").write_text(HEAD + '[[turns]]\ntext = "hm"\nfile = "clip.wav"\n')
    (turn,) = make_recording(tmp_path / "call.toml").labels.turns
    assert turn.end_s - turn.start_s == pytest.approx(1.0, abs=0.01)


def test_a_persons_clip_needs_the_voice_detector_and_says_how_to_get_it(tmp_path, monkeypatch):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path / "none"))
    clip_vad.cache_clear()
    soundfile.write(tmp_path / "clip.wav", np.ones(16_000, np.int16), 16_000)
    (tmp_path / "call.toml").write_text(HEAD + '[[turns]]\ntext = "hm"\nfile = "clip.wav"\n')
    with pytest.raises(WeightsError, match="models pull silero-vad"):
        make_recording(tmp_path / "call.toml")


def test_a_recorded_noise_is_one_label_without_text(tmp_path):
    noise = np.random.default_rng(2).normal(0, 3000, 16_000).astype(np.int16)
    noise[4000:9000] = 0  # a pause that would be a hold in speech
    soundfile.write(tmp_path / "cough.wav", noise, 16_000)
    (tmp_path / "call.toml").write_text(
        HEAD + '[[turns]]\nfile = "cough.wav"\nintent = "noise"\ncue_ms = 500\n'
    )
    (turn,) = make_recording(tmp_path / "call.toml").labels.turns
    assert (turn.text, turn.intent, turn.cue) == ("", "noise", Cue(500))
    assert turn.end_s - turn.start_s == pytest.approx(1.0, abs=0.01)


def test_noise_behind_a_call_has_the_level_asked_for_and_leaves_the_labels_alone(call):
    folder = call(SCRIPT.replace("lead_in_s", "noise_dbfs = -50\nlead_in_s"))
    noisy, _ = soundfile.read(folder / "caller.flac")
    with_noise = read_labels(folder / "labels.json")
    quiet, _ = soundfile.read(call(SCRIPT) / "caller.flac")
    assert read_labels(folder / "labels.json") == with_noise
    assert 20 * np.log10(np.std(noisy[:16_000])) == pytest.approx(-50, abs=1)
    assert not quiet[:16_000].any()


@shipped
def test_a_script_that_is_written_is_read_back(script, tmp_path):
    read = read_script(script)
    write_script(tmp_path / "new" / "call.toml", read)
    assert read_script(tmp_path / "new" / "call.toml") == read


def test_a_script_keeps_quotes_and_other_alphabets(tmp_path):
    said = 'Say "naïve" \\ 日本, please.'
    script = CallScript("it's", "CC0", "en-us", (Utterance(said),), noise_dbfs=-40.0)
    write_script(tmp_path / "call.toml", script)
    assert read_script(tmp_path / "call.toml") == script


def test_a_missing_script_and_an_empty_folder(tmp_path):
    with pytest.raises(InputError, match="nobody"):
        make_recording(scripts_in(tmp_path, ["nobody"])[0])
    with pytest.raises(InputError, match="no call scripts"):
        scripts_in(tmp_path)


def test_a_full_disk_leaves_what_was_there(call, monkeypatch):
    folder = call(SCRIPT)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}

    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(synthesis, "write_labels", full)
    with pytest.raises(StorageError, match="No space left"):
        make_recording(folder / "call.toml")
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_four_calls_ship_and_are_small():
    names = [path.parent.name for path in SHIPPED]
    assert names == ["barge_in", "digits", "pauses", "plain_turns"]
    assert sum(path.with_name("caller.flac").stat().st_size for path in SHIPPED) < 3_000_000


@pytest.mark.weights
@shipped
def test_a_shipped_call_is_what_its_script_gives(script):
    """But for what another processor makes of a neural voice."""
    made = render(read_script(script), script)
    audio, rate = soundfile.read(script.with_name("caller.flac"), dtype="int16")
    turns = read_labels(script.with_name("labels.json")).turns
    assert rate == made.rate
    assert len(audio) == pytest.approx(len(made.pcm), abs=0.2 * rate)
    assert [(t.text, t.intent, t.cue) for t in turns] == [
        (t.text, t.intent, t.cue) for t in made.labels.turns
    ]
    for turn, again in zip(turns, made.labels.turns, strict=True):
        assert turn.end_s - turn.start_s == pytest.approx(again.end_s - again.start_s, abs=0.05)


@shipped
def test_in_a_shipped_call_there_is_speech_where_the_labels_say_and_else_a_quiet_room(script):
    audio, rate = soundfile.read(script.with_name("caller.flac"))
    labels = read_labels(script.with_name("labels.json"), len(audio) / rate)
    edges = [
        0,
        *(round(at * rate) for t in labels.turns for at in (t.start_s, t.end_s)),
        len(audio),
    ]
    pieces = [audio[a:b] for a, b in pairwise(edges)]
    assert all(np.std(piece) > 0.03 for piece in pieces[1::2])
    for quiet in pieces[::2]:
        levels = [np.std(quiet[at : at + rate // 50]) for at in range(0, len(quiet), rate // 50)]
        assert max(levels) < 0.01  # breath and noise
        assert np.std(quiet) > 0.0003


def test_the_shipped_calls_show_every_intent():
    turns = [t for path in SHIPPED for t in read_labels(path.with_name("labels.json")).turns]
    assert {turn.intent for turn in turns} == {
        "end_of_turn",
        "hold",
        "backchannel",
        "interruption",
        "noise",
    }


@shipped
def test_a_shipped_call_says_how_it_was_made_and_under_which_licence(script):
    assert f"voicecli recordings make {script.parent.name}" in script.read_text()
    assert read_script(script).licence == "CC0-1.0"
