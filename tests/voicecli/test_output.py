"""What is printed, or written for a program, meets a full disk or a reader that has gone."""

import os
import stat
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

from voicecli.private import draft_of

PROGRAM = Path(sys.executable).with_name("voicecli")
PRINTING = ["--help", "replay --help", "recordings", "recordings list", "models list",
            "recordings show pauses", "replay x.wav -p scripted --no-such"]  # fmt: skip
FULL = Path("/dev/full")
pytestmark = pytest.mark.skipif(not FULL.exists(), reason="only Linux has a full disk at hand")


def run(command: str, cwd: Path, **streams: object) -> subprocess.CompletedProcess[str]:
    done = subprocess.run(  # type: ignore[call-overload]
        [PROGRAM, *command.split()], check=False, cwd=cwd, text=True, timeout=120,
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, **streams},
    )  # fmt: skip
    assert "Traceback" not in (done.stdout or "") + (done.stderr or "")
    assert "Exception ignored" not in (done.stderr or "")
    return done


@pytest.fixture
def call(tmp_path) -> Path:
    pcm = np.random.default_rng(3).normal(0, 4000, 24_000).astype(np.int16)
    pcm[16_000:] = 0
    soundfile.write(tmp_path / "x.wav", pcm, 8000)
    return tmp_path


@pytest.mark.parametrize("command", [*PRINTING[:-1], "replay x.wav -p scripted", "line x.wav"])
def test_a_full_disk_under_standard_output_is_one_sentence(command, call):
    with FULL.open("w") as full:
        done = run(command, call, stdout=full)
    assert done.returncode == 7
    *_, last = done.stderr.splitlines()
    assert last == "voicecli: What is printed cannot be written (No space left on device)."


@pytest.mark.parametrize("command", [*PRINTING[:-1], "replay x.wav -p scripted", "line x.wav"])
def test_a_reader_that_has_gone_is_no_error_to_complain_about(command, call):
    ends = os.pipe()
    os.close(ends[0])
    done = run(command, call, stdout=ends[1])
    os.close(ends[1])
    assert done.returncode == 141
    assert "voicecli:" not in done.stderr


@pytest.mark.parametrize("command", [*PRINTING, "replay nobody", "replay x.wav nobody -p scripted"])
def test_where_errors_cannot_be_shown_the_exit_code_is_the_same(command, call):
    expected = run(command, call).returncode
    with FULL.open("w") as full:
        assert run(command, call, stderr=full).returncode == expected
    ends = os.pipe()
    os.close(ends[0])
    assert run(command, call, stderr=ends[1]).returncode == expected
    os.close(ends[1])


@pytest.mark.parametrize("option", ["--json", "--junit", "--trace"])
def test_a_report_onto_a_full_disk_is_one_sentence_and_the_device_stays(option, call):
    done = run(f"replay x.wav -p scripted -q {option} /dev/full", call)
    assert done.returncode == 7
    assert done.stderr.startswith("voicecli: /dev/full cannot be written (No space left")
    assert stat.S_ISCHR(FULL.stat().st_mode)


def test_a_report_can_go_to_standard_output_or_a_pipe(call):
    done = run("replay x.wav -p scripted -q --json /dev/stdout", call)
    assert '"schema": "voicecli.replay/1"' in done.stdout, done.stderr


def test_a_pipe_is_written_to_and_a_link_is_replaced(tmp_path):
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    reader = os.open(pipe, os.O_RDONLY | os.O_NONBLOCK)
    with draft_of(pipe) as draft:
        draft.write(b"hello")
    assert os.read(reader, 9) == b"hello"
    os.close(reader)
    (tmp_path / "link").symlink_to(tmp_path / "victim")
    with draft_of(tmp_path / "link") as draft:
        draft.write(b"hello")
    assert not (tmp_path / "victim").exists()


def test_a_link_in_shared_memory_is_replaced_too(tmp_path):
    link = Path("/dev/shm") / f"voicecli-{os.getpid()}"  # noqa: S108 - the point of it
    link.symlink_to(tmp_path / "victim")
    try:
        with draft_of(link) as draft:
            draft.write(b"hello")
        assert not (tmp_path / "victim").exists()
    finally:
        link.unlink()
