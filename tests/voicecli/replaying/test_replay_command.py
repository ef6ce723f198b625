"""`voicecli replay` as its user meets it: what it leaves, what it says, how it exits."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import soundfile

RATE = 8000
PROGRAM = Path(sys.executable).with_name("voicecli")


def voicecli(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """Run the program; never a traceback, whatever happens."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)],
        check=False,
        cwd=cwd,
        capture_output=True,
        text=True,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"},
        timeout=120,
    )
    assert "Traceback" not in done.stdout + done.stderr
    return done


def speech(seconds: float, pauses: tuple[tuple[float, float], ...] = ()) -> np.ndarray:
    """Noise that the scripted VAD takes for speech, silent in the pauses."""
    samples = np.random.default_rng(3).normal(0, 4000, round(seconds * RATE)).astype(np.int16)
    for start, end in ((seconds - 1, seconds), *pauses):
        samples[round(start * RATE) : round(end * RATE)] = 0
    return samples


@pytest.fixture
def call(tmp_path: Path) -> Path:
    path = tmp_path / "call.wav"
    soundfile.write(path, speech(6, ((2.0, 3.5),)), RATE)
    return path


@pytest.fixture
def recorded(call: Path, tmp_path: Path) -> Path:
    """The folder of a call that voicecli ran."""
    assert voicecli("replay", call, "-p", "scripted", "-q", cwd=tmp_path).returncode == 0
    return tmp_path / "out" / "call"


def test_an_audio_file_becomes_a_call_with_waterfall_recording_and_report(call, tmp_path):
    done = voicecli("replay", call, "-p", "scripted", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "voice_to_voice" in done.stdout
    assert "answered after" in done.stdout
    sound, rate = soundfile.read(tmp_path / "out/call/call.wav", dtype="int16")
    assert (rate, sound.shape[1]) == (RATE, 2)
    assert np.count_nonzero(sound[:, 0])
    assert np.count_nonzero(sound[:, 1])
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["schema"] == "voicecli.replay/1"
    [turn] = report["calls"][0]["turns"][:1]
    assert sum(turn["spans_ms"].values()) == pytest.approx(turn["voice_to_voice_ms"])


def test_a_recorded_call_gives_the_same_commands_again(recorded, tmp_path):
    done = voicecli("replay", recorded, "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "are the same to the bit" in done.stdout


def test_a_recorded_call_that_goes_another_way_now_says_where_and_exits_with_1(recorded, tmp_path):
    profile = recorded / "profile.toml"
    profile.write_text(profile.read_text() + "\n[policy.endpointing]\nbackstop_ms = 250\n")
    done = voicecli("replay", recorded, "-q", cwd=tmp_path)
    assert done.returncode == 1
    assert "goes another way from" in done.stderr


def test_a_call_that_was_cut_short_is_replayed_as_far_as_it_goes(recorded, tmp_path):
    journal = recorded / "journal.jsonl"
    lines = journal.read_bytes().splitlines(keepends=True)
    played = next(n for n, line in enumerate(lines) if b'"command":"PlayClause"' in line)
    journal.write_bytes(b"".join(lines[:played]) + lines[played][:20])
    done = voicecli("replay", recorded, "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "the recording was cut short" in done.stdout
    assert "are the same to the bit" in done.stdout


def test_another_policy_needs_no_engine_for_what_was_asked_before(recorded, tmp_path):
    policy = tmp_path / "patient.toml"
    policy.write_text("[policy.endpointing]\ndelays_ms = [[0.0, 900], [1.0, 900]]\n")
    done = voicecli("replay", recorded, "--policy", policy, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "OTHER THAN RECORDED" in done.stdout
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["summary"]["voice_to_voice_ms"]["p50"] >= 900
    again = voicecli("replay", tmp_path / "out/call.patient", "-q", cwd=tmp_path)
    assert "are the same to the bit" in again.stdout, again.stderr


def test_recompute_runs_the_engines_again(recorded, tmp_path):
    done = voicecli("replay", recorded, "--recompute", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert "to the bit" not in done.stdout


def test_files_of_the_same_name_have_a_folder_rows_and_test_cases_each(call, tmp_path):
    files = [tmp_path / folder / "call.wav" for folder in ("d1", "d2")]
    for file in files:
        file.parent.mkdir()
        shutil.copy(call, file)
    done = voicecli("replay", *files, "-p", "scripted", "--junit", "j.xml", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/d1-call/journal.jsonl").exists()
    assert (tmp_path / "out/d2-call/journal.jsonl").exists()
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert [row["call"] for row in report["calls"]] == ["d1-call", "d2-call"]
    suites = ET.parse(tmp_path / "j.xml").getroot()  # noqa: S314 - our own
    assert [suite.get("name") for suite in suites] == ["d1-call", "d2-call"]
    bundles = ("out/d1-call", "out/d2-call")
    for name in bundles:
        shutil.move(tmp_path / name, tmp_path / name.replace("-", "/").replace("out", "kept"))
    again = voicecli("replay", "kept/d1/call", "kept/d2/call", "-q", cwd=tmp_path)
    assert "d1-call: " in again.stdout, again.stderr
    assert "d2-call: " in again.stdout


def test_a_call_named_like_the_report_does_not_take_its_place(call, tmp_path):
    shutil.move(call, tmp_path / "report.json.wav")
    done = voicecli("replay", "report.json.wav", "-p", "scripted", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/report.json").is_file()
    assert (tmp_path / "out/report.json-2/call.wav").is_file()


@pytest.mark.parametrize("name", ["..wav", "...wav"])
def test_a_call_whose_name_is_all_dots_stays_in_its_own_folder(call, tmp_path, name):
    shutil.move(call, tmp_path / name)
    done = voicecli("replay", name, "-p", "scripted", "-q", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out" / name / "call.wav").is_file()


def test_lines_of_the_same_name_have_a_folder_each(call, tmp_path):
    for folder in ("a", "b"):
        (tmp_path / folder).mkdir()
        (tmp_path / folder / "my.toml").write_text("")
    lines = ("-l", "a/my.toml", "-l", "b/my.toml")
    done = voicecli("replay", call, "-p", "scripted", "-q", *lines, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert sorted(path.name for path in (tmp_path / "out").glob("call.*")) == [
        "call.a-my",
        "call.b-my",
    ]
    compared = voicecli("line", call, "--compare", *lines[1::2], cwd=tmp_path)
    assert compared.stdout.splitlines()[0].split() == ["a-my", "b-my"], compared.stderr


def test_several_lines_give_a_row_each(call, tmp_path):
    lines = ("-l", "clean", "-l", "pstn")
    done = voicecli("replay", call, "-p", "scripted", "-q", *lines, cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "out/call.pstn/journal.jsonl").exists()
    rows = [line.split()[0] for line in done.stdout.splitlines() if line.strip()]
    assert {"clean", "pstn"} <= set(rows)


def test_a_condition_that_does_not_hold_exits_with_1_and_says_so_plainly(call, tmp_path):
    condition = "voice_to_voice.p95 < 1ms"
    junit = tmp_path / "junit.xml"
    done = voicecli("replay", call, "-p", "scripted", "-q", "--assert", condition,
                    "--junit", junit, cwd=tmp_path)  # fmt: skip
    assert done.returncode == 1
    assert "not < 1 ms" in done.stderr
    assert "failure" in junit.read_text()


def test_the_trace_is_one_that_trace_viewers_read(call, tmp_path):
    trace = tmp_path / "trace.json"
    assert voicecli("replay", call, "-p", "scripted", "-q", "--trace", trace,
                    cwd=tmp_path).returncode == 0  # fmt: skip
    assert json.loads(trace.read_text())["traceEvents"]


@pytest.mark.realtime
def test_the_wall_clock_gives_the_same_report(tmp_path):
    short = tmp_path / "short.wav"
    soundfile.write(short, speech(2), RATE)
    done = voicecli("replay", short, "-p", "scripted", "-q", "--realtime", cwd=tmp_path)
    assert done.returncode == 0, done.stderr
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert report["calls"][0]["turns"]


@pytest.mark.realtime
def test_ctrl_c_keeps_what_there_is_and_marks_it_as_partial(tmp_path):
    long = tmp_path / "long.wav"
    soundfile.write(long, speech(60), RATE)
    running = subprocess.Popen(
        [PROGRAM, "replay", long, "-p", "scripted", "--realtime", "-q"],
        cwd=tmp_path, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )  # fmt: skip
    time.sleep(4)
    running.send_signal(signal.SIGINT)
    _, errors = running.communicate(timeout=30)
    assert running.returncode == 130
    assert "Traceback" not in errors
    assert json.loads((tmp_path / "out/report.json").read_text())["calls"][0]["partial"]
    journal = (tmp_path / "out/long/journal.jsonl").read_text()
    assert journal.rstrip().endswith('{"partial":true}')
    assert not list(tmp_path.rglob("*.partial"))


class TestBadInput:
    """One sentence, an exit code, nothing left behind."""

    def refused(self, code: int, *arguments: object, cwd: Path) -> str:
        done = voicecli("replay", *arguments, cwd=cwd)
        assert done.returncode == code, done.stdout + done.stderr
        assert not (cwd / "out").exists()
        [sentence] = done.stderr.strip().splitlines()
        return sentence

    def test_a_missing_file_names_the_shipped_recordings(self, tmp_path):
        assert "plain_turns" in self.refused(3, "nowhere.wav", cwd=tmp_path)

    def test_a_text_file_named_wav(self, tmp_path):
        (tmp_path / "text.wav").write_text("hello")
        assert "text.wav" in self.refused(3, "text.wav", cwd=tmp_path)

    def test_an_empty_file(self, tmp_path):
        (tmp_path / "empty.wav").touch()
        assert "empty" in self.refused(3, "empty.wav", cwd=tmp_path)

    def test_no_samples(self, tmp_path):
        soundfile.write(tmp_path / "none.wav", np.zeros(0, np.int16), RATE)
        assert "no audio" in self.refused(3, "none.wav", cwd=tmp_path)

    def test_a_folder_that_is_no_call(self, tmp_path):
        (tmp_path / "folder").mkdir()
        assert "journal.jsonl" in self.refused(3, "folder", cwd=tmp_path)

    def test_a_damaged_journal(self, recorded, tmp_path):
        journal = recorded / "journal.jsonl"
        content = journal.read_bytes()
        journal.write_bytes(content[:-500] + content[-400:])
        shutil.move(recorded, tmp_path / "moved")
        shutil.rmtree(tmp_path / "out")
        assert "journal.jsonl" in self.refused(3, "moved", cwd=tmp_path)

    def test_an_unknown_profile_names_the_shipped_ones(self, call, tmp_path):
        assert "embedded" in self.refused(4, call, "-p", "embeded", cwd=tmp_path)

    def test_a_misspelt_key_names_file_table_and_key(self, call, tmp_path):
        profile = tmp_path / "mine.toml"
        shipped = Path(__file__).parents[3] / "profiles" / "scripted.toml"
        profile.write_text(shipped.read_text() + "\n[policy.barge_in]\npause_afer_ms = 3\n")
        sentence = self.refused(4, call, "-p", profile, cwd=tmp_path)
        assert "mine.toml" in sentence
        assert "policy.barge_in" in sentence
        assert "pause_after_ms" in sentence

    def test_an_unknown_line_names_the_shipped_ones(self, call, tmp_path):
        sentence = self.refused(4, call, "-p", "scripted", "-l", "psn", cwd=tmp_path)
        assert "pstn" in sentence

    def test_a_policy_for_a_call_that_was_never_run(self, call, tmp_path):
        (tmp_path / "p.toml").write_text("[policy.endpointing]\nbackstop_ms = 700\n")
        sentence = self.refused(3, call, "--policy", "p.toml", cwd=tmp_path)
        assert "journal" in sentence

    def test_a_condition_that_means_nothing(self, call, tmp_path):
        sentence = self.refused(2, call, "-p", "scripted", "--assert", "speed < 3", cwd=tmp_path)
        assert "voice_to_voice" in sentence

    def test_missing_weights_name_the_command_that_gets_them(self, call, tmp_path, monkeypatch):
        monkeypatch.setenv("VOICECLI_HOME", str(tmp_path / "home"))
        sentence = self.refused(5, call, cwd=tmp_path)
        assert "voicecli models pull" in sentence

    def test_a_place_that_cannot_be_written(self, call, tmp_path):
        (tmp_path / "file").touch()
        done = voicecli("replay", call, "-p", "scripted", "-o", "file/out", cwd=tmp_path)
        assert done.returncode == 7
        assert "file/out" in done.stderr


def test_help_is_there_at_once_and_loads_no_model_library():
    code = (
        "import sys, voicecli.cli\n"
        "heavy = {'onnxruntime', 'llama_cpp', 'numpy', 'rich', 'textual', 'av', 'scipy',\n"
        "         'huggingface_hub', 'sounddevice', 'starlette', 'twilio'}\n"
        "print(sorted(heavy & set(sys.modules)))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], check=True, capture_output=True, text=True
    )
    assert loaded.stdout.strip() == "[]"


FAILING = """
name = "failing"
[agent]
max_failures = {most}
[vad]
engine = "scripted"
[asr]
engine = "scripted"
[llm]
engine = "scripted"
replies = ["..."]
[tts]
engine = "scripted"
[turn_detectors.scripted]
"""


@pytest.mark.parametrize(
    ("most", "why"), [(9, "the LLM wrote nothing that can be said"), (1, "too many")]
)
def test_a_call_of_apologies_is_no_success(call, tmp_path, most, why):
    (tmp_path / "failing.toml").write_text(FAILING.format(most=most))
    options = ("-p", "failing.toml", "-q", "--junit", "report.xml")
    done = voicecli("replay", call, *options, cwd=tmp_path)
    assert done.returncode == 0
    assert "engine failure" in done.stdout
    assert "✗ call: a turn failed at" in done.stdout
    assert why in done.stdout
    (row,) = json.loads((tmp_path / "out" / "report.json").read_text())["calls"]
    assert row["failures"]
    assert "<error" in (tmp_path / "report.xml").read_text()
    done = voicecli("replay", call, *options, "--strict", cwd=tmp_path)
    assert done.returncode == 6
    assert "the first: a turn failed at" in done.stderr


def test_what_fails_in_nothing_is_a_success_however_strict(call, tmp_path):
    assert (
        voicecli("replay", call, "-p", "scripted", "-q", "--strict", cwd=tmp_path).returncode == 0
    )
