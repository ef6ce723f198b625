"""Real programs for tests: voicecli as a user starts it, pip as a user installs with it."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

PROGRAM = Path(sys.executable).with_name("voicecli")


def run_voicecli(*arguments: object, cwd: Path) -> subprocess.CompletedProcess[str]:
    """What voicecli does in a folder, on a wide terminal without colours; never a traceback."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)], check=False, cwd=cwd, capture_output=True, text=True,
        env={**os.environ, "COLUMNS": "200", "NO_COLOR": "1"}, timeout=120,
    )  # fmt: skip
    assert "Traceback" not in done.stdout + done.stderr
    return done


def pip_install(source: Path, target: Path) -> Path:
    """The folder `target` with the package of `source` in it, without what it depends on."""
    pip = [sys.executable, "-m", "pip", "install", "--no-deps", "--target", target, source]
    done = subprocess.run(pip, capture_output=True, text=True, check=False)
    if done.returncode and "setuptools" in done.stderr:  # what builds it is fetched by pip
        assert not os.environ.get("VOICECLI_REQUIRE_WEIGHTS"), done.stderr
        pytest.skip("no package index within reach")
    assert done.returncode == 0, done.stderr
    return target
