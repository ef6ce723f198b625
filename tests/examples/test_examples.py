"""The examples run as their first lines say."""

import shutil
import subprocess
import sys
from pathlib import Path

from voicecli import load_profile, replay
from voicecli.engines import LazyEngines

EXAMPLES = Path(__file__).parents[2] / "examples"


def run(*arguments, folder):
    return subprocess.run(
        [sys.executable, *map(str, arguments)],
        cwd=folder, text=True, capture_output=True, check=False,
    )  # fmt: skip


def test_profiles_are_compared_figure_by_figure(tmp_path):
    slow = tmp_path / "slow.toml"
    text = "[policy.endpointing]\ndelays_ms = [[0.0, 2000], [1.0, 1500]]\n"
    slow.write_text((EXAMPLES.parent / "profiles" / "scripted.toml").read_text() + text)
    done = run(EXAMPLES / "compare_profiles.py", "scripted", slow, folder=tmp_path)
    assert done.returncode == 0, done.stderr
    rows = dict(line.split(maxsplit=1) for line in done.stdout.splitlines()[1:])
    quick, patient = (int(value.replace(",", "")) for value in rows["voice_to_voice.p50"].split())
    assert 0 < quick < patient


def test_an_agent_is_tested_with_pytest(tmp_path):
    for name in ("test_agent.py", "dentist_agent.py"):
        shutil.copy(EXAMPLES / name, tmp_path)
    done = run("-m", "pytest", "test_agent.py", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "9 passed" in done.stdout


def test_the_dentist_books_a_day_in_a_call(tmp_path):
    """With scripted engines in place of the models; the class is the example's own."""
    asks = '<tool_call>{"name": "book_day", "arguments": {"day": "Tuesday"}}</tool_call>'
    path = tmp_path / "agent.toml"
    path.write_text(
        f'[agent]\nclass = "{EXAMPLES / "dentist_agent.py"}:Dentist"\n'
        f"[vad]\nengine = 'scripted'\n[llm]\nengine = 'scripted'\nreplies = ['{asks}']\n"
        "[tts]\nengine = 'scripted'\n"
        "[asr]\nengine = 'scripted'\nwords = ['Could I come on Tuesday please?']\n"
    )
    [call] = replay("plain_turns", profile=path)
    assert {use.name for report in call.turns for use in report.turn.tools} == {"book_day"}
    assert any("booked for Tuesday" in report.turn.heard for report in call.turns)
    assert call.failures == ()


def test_the_profile_of_the_dentist_has_the_words_and_tools_of_the_class():
    profile = load_profile(str(EXAMPLES / "dentist.toml"))
    assert profile.policy.agent.greeting.startswith("Hello, this is Robin")
    assert list(LazyEngines(profile).tools) == ["book_day", "my_booking", "small_talk", "end_call"]
