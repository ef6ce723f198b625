"""Names from outside are printed as they are, also where they look like markup or an emoji."""

import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import soundfile

import voicecli
from voicecli.recording.labels import Labels, Turn, write_labels

PROGRAM = Path(sys.executable).with_name("voicecli")
RATE = 8000
NAMES = ["[agent]", "[red]x", "[", "x[/]y", ":smile:", "[link=file:x]", "a[bold]"]


def run(*arguments: object, cwd: Path) -> str:
    """What the program says, for a call that goes well."""
    done = subprocess.run(
        [PROGRAM, *map(str, arguments)], check=False, cwd=cwd, capture_output=True, text=True,
        env={**os.environ, "COLUMNS": "300", "NO_COLOR": "1"}, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout + done.stderr


@pytest.fixture
def speech() -> np.ndarray:
    pcm = np.random.default_rng(3).normal(0, 4000, 4 * RATE).astype(np.int16)
    pcm[2 * RATE :] = 0
    return pcm


@pytest.fixture
def odd(tmp_path, speech) -> list[str]:
    """A call of each name, which has something to say of itself: both channels are the same."""
    names = [name for name in NAMES if "/" not in name]
    for name in names:
        soundfile.write(tmp_path / f"{name}.wav", np.stack([speech, speech], axis=1), RATE)
    return names


def named_profile(path: Path, name: str) -> Path:
    """A copy of the scripted profile under another name."""
    source = Path(voicecli.__file__).parents[1] / "profiles/scripted.toml"
    rest = [line for line in source.read_text().splitlines() if not line.startswith("name")]
    path.write_text("\n".join([f'name = "{name}"', *rest]))
    return path


def test_replay_prints_every_name(odd, tmp_path):
    profile = named_profile(tmp_path / "p.toml", "[blue]me[/]")
    files = [f"{name}.wav" for name in odd]
    said = run("replay", *files, "-p", profile, "-o", "[out]", "-l", "clean", cwd=tmp_path)
    for name in odd:
        assert f"{name}: Both channels are the same" in said
        assert f"{name}: [out]/{name}/call.wav" in said
    assert "profile [blue]me[/]" in said
    assert "report: [out]/report.json" in said
    again = run("replay", *(f"[out]/{name}" for name in odd), "-q", cwd=tmp_path)
    for name in odd:
        assert f"{name}: " in again
    listed = run("recordings", "show", "[out]/[agent]", cwd=tmp_path)
    assert "voicecli replay '[out]/[agent]'" in listed


def test_lines_and_their_columns_are_printed(odd, tmp_path):
    (tmp_path / "[bold].toml").write_text("")
    (tmp_path / ":smile:.toml").write_text("")
    said = run("line", f"{odd[0]}.wav", "--compare", "[bold].toml", ":smile:.toml", cwd=tmp_path)
    assert said.splitlines()[1].split() == ["[bold]", ":smile:"]


def test_compared_profiles_and_labelled_calls_are_printed(tmp_path, speech):
    for name in ("[red]", "[/]"):
        named_profile(tmp_path / f"p{name.replace('/', '')}.toml", name)
    call = tmp_path / "[call]"
    call.mkdir()
    soundfile.write(call / "caller.flac", speech, RATE)
    write_labels(call / "labels.json", Labels((Turn(0.0, 2.0, "[b]hi[/b]", "end_of_turn"),)))
    (call / "call.toml").write_text(
        'description = "[i]it"\nlicence = ""\nvoice = "en"\n[[turns]]\ntext = "x"\n'
    )
    said = run("compare", call, "-p", "p[red].toml", "-p", "p[].toml", cwd=tmp_path)
    assert said.splitlines()[0].split() == ["[red]", "[/]"]
    shown = run("recordings", "show", call, cwd=tmp_path)
    assert "[b]hi[/b]" in shown
    assert "[i]it" in shown
