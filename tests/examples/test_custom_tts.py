"""The example of a package that adds a voice: installed by pip into a folder, then spoken with."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import pip_install

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_tts"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    base = tmp_path_factory.mktemp("morse")
    source, target = base / "source", base / "installed"
    shutil.copytree(EXAMPLE, source)
    return pip_install(source, target)


def test_a_call_is_spoken_in_the_voice_of_the_installed_package(installed, tmp_path):
    path = os.pathsep.join((str(installed), os.environ.get("PYTHONPATH", "")))
    command = ["replay", "plain_turns", "-q", "-p", str(EXAMPLE / "morse.toml")]
    done = subprocess.run(
        [sys.executable, "-m", "voicecli.cli", *command], cwd=tmp_path, text=True,
        capture_output=True, check=False, env={**os.environ, "PYTHONPATH": path},
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    assert json.loads((tmp_path / "out" / "report.json").read_text())
    assert 'engine = "morse"' in (tmp_path / "out" / "plain_turns" / "profile.toml").read_text()


def test_without_the_package_the_profile_says_which_voices_there_are(tmp_path):
    command = ["replay", "plain_turns", "-q", "-p", str(EXAMPLE / "morse.toml")]
    done = subprocess.run(
        [sys.executable, "-m", "voicecli.cli", *command],
        cwd=tmp_path, text=True, capture_output=True, check=False,
    )  # fmt: skip
    assert done.returncode == 4
    assert 'there is no tts engine "morse"; there are: ' in done.stderr
