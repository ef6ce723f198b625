"""The examples run as their first lines say."""

import shutil
import subprocess
import sys
from pathlib import Path

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
    shutil.copy(EXAMPLES / "test_agent.py", tmp_path)
    done = run("-m", "pytest", "test_agent.py", folder=tmp_path)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "6 passed" in done.stdout
