"""The example of a package that adds a voice: installed by pip into a folder, then spoken with."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "custom_tts"


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    base = tmp_path_factory.mktemp("morse")
    source, target = base / "source", base / "installed"
    shutil.copytree(EXAMPLE, source)
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", target, source]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode and "setuptools" in done.stderr:  # what builds it is fetched by pip
        assert not os.environ.get("VOICECLI_REQUIRE_WEIGHTS"), done.stderr
        pytest.skip("no package index within reach")
    assert done.returncode == 0, done.stderr
    return target


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
