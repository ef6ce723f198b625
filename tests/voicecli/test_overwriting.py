"""No command writes over what it reads."""

import hashlib
import shutil
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.programs import run_voicecli as run
from voicecli.errors import UsageError
from voicecli.names import refuse_to_overwrite
from voicecli.recording.labels import Labels, Turn, write_labels
from voicecli.talk.devices import open_devices

RATE = 8000
QUICK = ("-p", "scripted", "-q")


@pytest.fixture
def place(tmp_path) -> Path:
    """A folder with a file, and the call that replaying it has left."""
    pcm = np.random.default_rng(3).normal(0, 4000, 4 * RATE).astype(np.int16)
    pcm[2 * RATE :] = 0
    (tmp_path / "made/call").mkdir(parents=True)
    soundfile.write(tmp_path / "made/call/caller.wav", pcm, RATE)
    labels = Labels((Turn(0.0, 2.0, "hi", "end_of_turn"),))
    write_labels(tmp_path / "made/call/labels.json", labels)
    soundfile.write(tmp_path / "x.wav", pcm, RATE)
    assert run("replay", "made/call", *QUICK, cwd=tmp_path).returncode == 0
    return tmp_path


def content(folder: Path) -> dict[str, str]:
    files = [path for path in folder.rglob("*") if path.is_file()]
    return {str(path): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


@pytest.mark.parametrize(
    "arguments",
    [
        ("out/call", "--recompute", *QUICK),
        ("out/call/call.wav", *QUICK),
        ("out/call", "--recompute", *QUICK, "-o", "./out/../out"),
        ("out/call", "out/call", "--recompute", *QUICK),
        ("out/call", "--recompute", *QUICK, "-o", "link"),
    ],
    ids=" ".join,
)
def test_a_recorded_call_that_is_run_again_is_written_beside(place, arguments):
    (place / "link").symlink_to(place / "out")
    before = content(place / "out/call")
    done = run("replay", *arguments, cwd=place)
    assert done.returncode == 0, done.stderr
    assert content(place / "out/call") == before
    assert "call-2: " in done.stdout
    assert (place / "out/call-2/journal.jsonl").exists()


def test_another_policy_does_not_replace_a_call_that_is_read_too(place):
    (place / "patient.toml").write_text("[policy.endpointing]\nbackstop_ms = 2600\n")
    assert run("replay", "out/call", "--policy", "patient.toml", "-q", cwd=place).returncode == 0
    before = content(place / "out/call.patient")
    again = ("out/call", "out/call.patient", "--policy", "patient.toml", "-q")
    assert run("replay", *again, cwd=place).returncode == 0
    assert content(place / "out/call.patient") == before


@pytest.mark.parametrize(
    "command",
    [
        "replay x.wav -p scripted -q --json x.wav",
        "replay x.wav -p scripted -q --junit ./x.wav",
        "replay out/call -q --trace out/call/journal.jsonl",
        "replay x.wav -p mine.toml -q --json mine.toml",
        "compare made/call -p scripted --ablation --json made/call/labels.json",
        "tune out/call -p mine.toml -o mine.toml --runs 1 --workers 1",
        "tune out/call -o out/call/profile.toml --runs 1 --workers 1",
        "line x.wav -o x.wav",
        "line x.wav -l l.toml --plot l.toml",
        "line --fit t.toml -o t.toml",
        "recordings export call out/call/call.wav --folder out",
        "dial ws://127.0.0.1:1/ x.wav --out .",
        "dial ws://127.0.0.1:1/ x.wav --json x.wav",
    ],
)
def test_a_file_that_is_read_is_not_written(place, command):
    profiles = Path(__file__).parents[2] / "profiles"
    shutil.copy(profiles / "scripted.toml", place / "mine.toml")
    (place / "l.toml").write_text("")
    (place / "t.toml").write_text("sequence,arrival_ms\n1,0\n2,20\n3,41\n")
    before = content(place)
    done = run(*command.split(), cwd=place)
    assert done.returncode == 2, done.stdout + done.stderr
    assert done.stderr.endswith("is read here; name another file to be written.\n")
    assert content(place) == before


def test_a_live_call_does_not_write_over_the_file_that_it_speaks(place):
    class Wanted:
        source = str(place / "x.wav")
        sink = str(place / "made" / ".." / "x.wav")

    before = content(place)
    with pytest.raises(UsageError, match="is read here"):
        open_devices(Wanted(), print)  # type: ignore[arg-type]
    assert content(place) == before


def test_files_beside_and_new_ones_may_be_written(tmp_path):
    (tmp_path / "report.json").write_text("")
    refuse_to_overwrite(
        (tmp_path / "report.json", tmp_path / "new.json", None), (tmp_path, tmp_path / "no")
    )
