"""What a wheel of voicecli installs, and that the program runs from it in any folder."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from tests.programs import pip_install

ROOT = Path(__file__).parents[1]
SOURCES = (
    "LICENSE", "README.md", "pyproject.toml", "setup.py",
    "voicecli", "pipelines", "telephony_sim", "profiles", "recordings",
)  # fmt: skip


@pytest.fixture(scope="module")
def installed(tmp_path_factory):
    """A folder into which the wheel was installed, without what it depends on."""
    base = tmp_path_factory.mktemp("wheel")
    source, target = base / "source", base / "installed"
    source.mkdir()
    for name in SOURCES:
        if (ROOT / name).is_dir():
            shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("*.pyc"))
        else:
            shutil.copy(ROOT / name, source)
    return pip_install(source, target)


@pytest.fixture
def run(installed, tmp_path):
    """Runs Python in a folder of its own with the installed packages first on its path."""

    def run(*arguments):
        return subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, check=True, capture_output=True, text=True,
            env={**os.environ, "PYTHONPATH": str(installed)},
        ).stdout  # fmt: skip

    return run


def test_no_other_names_are_installed_than_those_of_the_three_packages(installed):
    names = {path.name for path in installed.iterdir()} - {"bin"}
    assert {name for name in names if "." not in name} == {"voicecli", "pipelines", "telephony_sim"}
    assert [name for name in names if "." in name and not name.endswith(".dist-info")] == []


def test_every_package_says_that_it_is_typed(installed):
    for name in ("voicecli", "pipelines", "telephony_sim"):
        assert (installed / name / "py.typed").is_file()


def test_every_file_of_the_packages_and_of_the_data_is_installed(installed):
    places = {
        "voicecli": "voicecli", "pipelines": "pipelines", "telephony_sim": "telephony_sim",
        "profiles": "voicecli/profiles", "profiles/lines": "telephony_sim/lines",
        "recordings": "voicecli/recordings",
    }  # fmt: skip
    for here, there in places.items():
        files = {path.relative_to(ROOT / here) for path in (ROOT / here).rglob("*.*")}
        if here == "profiles":
            files = {path for path in files if path.parts[0] != "lines"}
        wanted = {path for path in files if "__pycache__" not in path.parts}
        assert wanted
        assert [path for path in sorted(wanted) if not (installed / there / path).exists()] == []


def test_the_installed_program_finds_its_recordings_profiles_and_lines(run, installed):
    assert run("-c", "import voicecli; print(voicecli.__file__)").startswith(str(installed))
    assert "plain_turns" in run("-m", "voicecli.cli", "recordings", "list")
    run("-m", "voicecli.cli", "replay", "plain_turns", "-p", "scripted", "-l", "mobile", "-q")


def test_the_installed_program_finds_the_files_that_a_profile_names(run, installed):
    shown = run(
        "-c",
        "from voicecli.profile import load_profile, shipped_profiles\n"
        "from voicecli.profile import beside\n"
        "for name in shipped_profiles():\n"
        "    profile = load_profile(name)\n"
        "    for choice in profile.llm.all():\n"
        "        if file := getattr(choice.settings, 'file', ''):\n"
        "            print(beside(profile.path, file).resolve(strict=True))\n"
        "    if profile.tools.file:\n"
        "        print((profile.path.parent / profile.tools.file).resolve(strict=True))\n",
    ).split()
    assert {Path(path).name for path in shown} >= {"receptionist.toml", "appointments_tools.py"}
    assert all(Path(path).is_relative_to(installed) for path in shown)
