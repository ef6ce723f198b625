"""A process that may open few files says so in a sentence, in every verb."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.voicecli.serve.conftest import PROFILE

pytestmark = pytest.mark.realtime


def limited(limit, *words, folder, soft_only=False):
    """What voicecli says where no more than that many files may be open."""
    (folder / "brief.toml").write_text(PROFILE)
    command = [sys.executable, "-m", "voicecli.cli", *words]
    kind = "-Sn" if soft_only else "-n"
    done = subprocess.run(
        ["/bin/sh", "-c", f'ulimit {kind} {limit}; exec "$@"', "sh", *command],
        capture_output=True, text=True, timeout=60, cwd=folder, check=False,
        env={**os.environ, "PYTHONPATH": str(Path(__file__).parents[2])},
    )  # fmt: skip
    return done.returncode, done.stdout + done.stderr


VERBS = {
    "serve": ("serve", "-p", "brief.toml", "--port", "0"),
    "serve on names": ("serve", "-p", "brief.toml", "--port", "0", "--host", "localhost"),
    "dial": ("dial", "ws://127.0.0.1:9/media", "plain_turns", "--calls", "200"),
    "tune": ("tune", ".", "--workers", "50"),
}


@pytest.mark.parametrize("verb", VERBS)
@pytest.mark.parametrize("limit", [12, 20, 30])
def test_too_few_open_files_are_one_sentence(tmp_path, verb, limit):
    code, said = limited(limit, *VERBS[verb], folder=tmp_path)
    assert code == 2
    assert f"may have {limit}: allow more, such as with `ulimit -n 1024`." in said
    assert len(said.splitlines()) == 1


@pytest.mark.parametrize("limit", [6, 7, 8, 10])
@pytest.mark.parametrize(
    "words",
    [
        ("replay", "plain_turns", "-p", "brief.toml", "-q"),
        ("dial", "ws://127.0.0.1:9/media", "plain_turns"),
        ("talk", "--headless", "-p", "brief.toml"),
    ],
)
def test_nothing_is_a_traceback_however_few_files_may_be_open(tmp_path, words, limit):
    _, said = limited(limit, *words, folder=tmp_path)
    assert "Traceback" not in said


def test_a_low_limit_that_may_be_raised_is_raised(tmp_path):
    code, said = limited(20, *VERBS["dial"], folder=tmp_path, soft_only=True)
    assert code == 8  # nobody answers
    assert "open files" not in said
