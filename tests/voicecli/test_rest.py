"""One thing of several that cannot be used stops nothing: the others are done, and it is said."""

import json
import shutil
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.programs import run_voicecli as run
from voicecli.errors import InputError, ProfileError
from voicecli.recording.labels import Labels, Turn, write_labels
from voicecli.rest import Rest

RATE = 8000
SCRIPT = 'description = "it"\nlicence = "CC0"\nvoice = "en"\n[[turns]]\ntext = "hello"\n'


@pytest.fixture
def files(tmp_path) -> list[str]:
    """A good call, then one that is no audio, one that is not there, and a good one again."""
    pcm = np.random.default_rng(3).normal(0, 4000, 4 * RATE).astype(np.int16)
    pcm[2 * RATE :] = 0
    for name in ("a", "d"):
        soundfile.write(tmp_path / f"{name}.wav", pcm, RATE)
    (tmp_path / "b.wav").write_text("no audio at all\n")
    return ["a.wav", "b.wav", "c.wav", "d.wav"]


def labelled(folder: Path, audio: Path) -> Path:
    folder.mkdir()
    shutil.copy(audio, folder / "caller.wav")
    write_labels(folder / "labels.json", Labels((Turn(0.0, 2.0, "hi", "end_of_turn"),)))
    return folder


def test_replay_runs_the_others_and_reports_each_bad_file(files, tmp_path):
    done = run("replay", *files, "-p", "scripted", "-q", "--junit", "j.xml", cwd=tmp_path)
    assert done.returncode == 3
    sentences = [line for line in done.stderr.splitlines() if line.startswith("voicecli: ")]
    assert len(sentences) == 3
    assert "b.wav" in sentences[0]
    assert "c.wav" in sentences[1]
    assert "2 of 4 calls" in sentences[2]
    report = json.loads((tmp_path / "out/report.json").read_text())
    assert [call["call"] for call in report["calls"]] == ["a", "d"]
    assert [row["call"] for row in report["unusable"]] == ["b.wav", "c.wav"]
    suites = ET.parse(tmp_path / "j.xml").getroot()  # noqa: S314 - our own
    assert [suite.get("errors") for suite in suites] == ["0", "0", "1", "1"]


def test_a_damaged_recorded_call_does_not_stop_the_others(files, tmp_path):
    assert run("replay", "a.wav", "d.wav", "-p", "scripted", "-q", cwd=tmp_path).returncode == 0
    (tmp_path / "out/a/profile.toml").write_text("[agent\n")
    done = run("replay", "out/a", "out/d", "-q", cwd=tmp_path)
    assert done.returncode == 4
    assert "d: " in done.stdout
    (tmp_path / "out/d/journal.jsonl").write_text("{\n")
    done = run("replay", "out/d", "out/a", "-q", cwd=tmp_path)
    assert done.returncode == 3
    assert "2 of 2 calls" in done.stderr


def test_a_profile_that_all_calls_share_is_complained_about_once(files, tmp_path):
    done = run("replay", "a.wav", "d.wav", "-p", "nobody", "-q", cwd=tmp_path)
    assert done.returncode == 4
    assert len(done.stderr.splitlines()) == 1


def test_compare_skips_what_has_no_labels_or_is_damaged(files, tmp_path):
    good = labelled(tmp_path / "good", tmp_path / "a.wav")
    bad = labelled(tmp_path / "bad", tmp_path / "a.wav")
    (bad / "labels.json").write_text("[")
    profiles = ("-p", "scripted", "-p", "light", "--ablation")[:2]
    done = run("compare", "a.wav", bad, good, *profiles, "--ablation", cwd=tmp_path)
    assert done.returncode == 3
    assert "a.wav has no labels.json" in done.stderr
    assert "labels.json is not JSON" in done.stderr
    assert "2 of 3 calls" in done.stderr
    assert "answer after p50" in done.stdout


def test_tune_skips_calls_without_labels_and_folders_without_calls(files, tmp_path):
    good = labelled(tmp_path / "good", tmp_path / "a.wav")
    assert run("replay", good, "a.wav", "-p", "scripted", "-q", cwd=tmp_path).returncode == 0
    options = ("--runs", "2", "--workers", "1")
    done = run("tune", "out/a", tmp_path / "none", "out/good", *options, cwd=tmp_path)
    assert done.returncode == 3
    assert "out/a has no labels.json" in done.stderr
    assert "none holds no recorded calls" in done.stderr
    assert (tmp_path / "tuned.toml").exists(), done.stderr


def test_recordings_are_made_and_listed_though_one_script_is_wrong(tmp_path):
    for name, text in (("a", "voice =\n"), ("b", SCRIPT), ("c", SCRIPT)):
        (tmp_path / "calls" / name).mkdir(parents=True)
        (tmp_path / "calls" / name / "call.toml").write_text(text)
    done = run("recordings", "make", "--folder", "calls", cwd=tmp_path)
    assert done.returncode == 3
    assert "calls/a/call.toml" in done.stderr
    assert done.stdout.split() == ["calls/b", "calls/c"]
    (tmp_path / "calls/b/caller.flac").write_bytes(b"fLaC")
    done = run("recordings", "list", "--folder", "calls", cwd=tmp_path)
    assert done.returncode == 0
    assert [line.split()[:2] for line in done.stdout.splitlines()[-3:]] == [
        ["a", "damaged"],
        ["b", "damaged"],
        ["c", "7"],
    ]


def test_recordings_are_deleted_though_one_does_not_exist(files, tmp_path):
    run("replay", "a.wav", "d.wav", "-p", "scripted", "-q", cwd=tmp_path)
    done = run("recordings", "delete", "a", "x", "d", "-y", "--folder", "out", cwd=tmp_path)
    assert done.returncode == 3
    assert 'no call "x"' in done.stderr
    assert done.stdout.splitlines() == ["a is deleted.", "d is deleted."]


def test_the_only_one_ends_the_program_with_its_own_error():
    with pytest.raises(InputError, match="bad"), Rest(1).goes_on("x"):
        raise InputError("bad")


def test_what_says_nothing_about_one_alone_is_not_passed_over(capsys):
    rest = Rest(2)
    with pytest.raises(ProfileError), rest.goes_on("x"):
        raise ProfileError("bad")
    with rest.goes_on("x", ProfileError):
        raise ProfileError("bad")
    with pytest.raises(Exception, match="1 of 2 calls") as caught:
        rest.finish()
    assert caught.value.exit_code == ProfileError.exit_code
    assert capsys.readouterr().err == "voicecli: bad\n"
