"""The fixture that tests of agents use, in a pytest run of its own."""

import subprocess
import sys

import pytest

TEST = """
import pytest
from voicecli.errors import AssertionUnmetError

def test_replays(voicecli):
    report = voicecli.replay("pauses", "scripted")
    report.require("voice_to_voice.p95 < 2s", "turns >= 1")
    with pytest.raises(AssertionUnmetError, match="turns is"):
        report.require("turns > 1000")

def test_nobody_answers(voicecli):
    with pytest.raises(Exception, match="nobody answers"):
        voicecli.dial("ws://127.0.0.1:9/media", "pauses")
"""


@pytest.mark.realtime
def test_a_project_that_installs_the_plug_in_can_dial_and_replay(tmp_path):
    (tmp_path / "test_agent.py").write_text(TEST)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "voicecli.pytest_plugin", str(tmp_path)]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, check=False)
    assert "2 passed" in done.stdout, done.stdout + done.stderr
