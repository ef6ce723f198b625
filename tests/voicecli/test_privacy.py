"""What leaves this computer: nothing, unless a profile says so."""

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import pipelines

CALL = "plain_turns"
PROGRAM = [sys.executable, "-m", "voicecli.cli"]


def environment(home: Path) -> dict[str, str]:
    """As of a user who has set nothing, with the weights that are here."""
    kept = {k: v for k, v in os.environ.items() if k not in pipelines.SILENCED}
    cached = (
        kept.get("VOICECLI_HOME")
        or subprocess.run(
            [*PROGRAM, "models", "path", "silero-vad"], capture_output=True, text=True, check=True
        )
        .stdout.strip()
        .rsplit("/models/", 1)[0]
    )
    return {**kept, "HOME": str(home), "VOICECLI_HOME": cached}


def profile(folder: Path) -> Path:
    """An agent with every model that onnxruntime runs, and as little else as possible."""
    path = folder / "quiet.toml"
    path.write_text(
        'name = "quiet"\n[vad]\nengine = "silero"\n[asr]\nengine = "moonshine"\n'
        '[llm]\nengine = "scripted"\n[tts]\nengine = "espeak"\n'
        "[turn_detectors.smart_turn]\n[turn_detectors.text]\n"
    )
    return path


@pytest.mark.weights
def test_a_call_looks_up_no_name_and_leaves_no_file_of_others(tmp_path):
    if shutil.which("strace") is None:
        pytest.skip("needs strace")
    home, out, trace = tmp_path / "home", tmp_path / "out", tmp_path / "trace"
    home.mkdir()
    subprocess.run(
        ["strace", "-f", "-qq", "-e", "trace=connect,sendto", "-o", trace, *PROGRAM,
         "replay", CALL, "-q", "-p", profile(tmp_path), "-o", out],
        env=environment(home), cwd=tmp_path, check=True, stdout=subprocess.DEVNULL,
    )  # fmt: skip
    assert (out / CALL / "journal.jsonl").is_file()
    assert not re.findall(r"^.*(?:AF_INET6?|sin_port).*$", trace.read_text(), re.MULTILINE)
    assert [path for path in home.rglob("*") if path.is_file()] == []


def test_every_process_that_is_started_is_silenced():
    program = "import voicecli.cli, subprocess, os; subprocess.run(['env'])"
    env = {k: v for k, v in os.environ.items() if k not in pipelines.SILENCED}
    told = subprocess.run(
        [sys.executable, "-c", program], env=env, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    assert {f"{name}={value}" for name, value in pipelines.SILENCED.items()} <= set(told)
