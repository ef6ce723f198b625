"""The fixture that tests of agents use, in pytest runs of their own: installed is all it takes."""

import subprocess
import sys

import pytest

pytest_plugins = ["pytester"]

AGENT_TESTS = """
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

def test_too_slow(voicecli):
    voicecli.replay("pauses", "scripted").require("voice_to_voice.p50 < 1ms")
"""


@pytest.mark.realtime
def test_a_project_can_dial_and_replay_and_is_told_what_does_not_hold(pytester):
    pytester.makepyfile(AGENT_TESTS)
    result = pytester.runpytest_subprocess()
    result.assert_outcomes(passed=2, failed=1)
    result.stdout.fnmatch_lines(["*voice_to_voice.p50 is * not < 1 ms*"])


def test_the_fixture_is_listed_with_what_it_is_for(pytester):
    listed = pytester.runpytest_subprocess("--fixtures")
    listed.stdout.fnmatch_lines(["voicecli -- *", "*Dial or replay from a test*"])


def test_whoever_does_not_use_it_pays_nothing():
    heavy = ("numpy", "soundfile", "websockets", "rich", "textual", "twilio", "typer", "asyncio")
    code = f"""
import sys
import pytest
before = set(sys.modules)
import voicecli.pytest_plugin
print(sorted(name for name in {heavy} if name in set(sys.modules) - before))
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"
