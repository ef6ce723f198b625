"""What somebody meets who types `voicecli` for the first time, or TAB after it."""

from importlib.metadata import version

import pytest
from typer.testing import CliRunner

from voicecli.cli import app
from voicecli.commands import completing


@pytest.fixture
def run():
    """Run voicecli with the words given."""
    return lambda *words: CliRunner().invoke(app, list(words))


def test_the_bare_name_shows_where_to_begin_and_is_no_error(run):
    result = run()
    assert result.exit_code == 0
    assert "voicecli talk " in result.output
    assert "voicecli --help" in result.output


def test_the_version_is_that_of_the_package(run):
    result = run("--version")
    assert (result.exit_code, result.output) == (0, f"voicecli {version('voicecli')}\n")


def test_an_unknown_verb_is_still_an_error(run):
    assert run("tlak").exit_code == 2


def test_paths_shows_where_data_lie_and_how_large_they_are(run, tmp_path, monkeypatch):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    monkeypatch.setenv("COLUMNS", "200")
    (tmp_path / "models" / "tiny").mkdir(parents=True)
    (tmp_path / "models" / "tiny" / "w.bin").write_bytes(bytes(1_500_000))
    (tmp_path / "models" / "link").symlink_to(tmp_path / "models")  # counted once, and no circle
    rows = [" ".join(line.split()) for line in run("paths").output.splitlines()]
    assert f"weights {tmp_path}/models 1.5 MB voicecli models remove NAME" in rows
    assert f"kept calls {tmp_path}/recordings not there voicecli recordings delete CALL" in rows


@pytest.mark.parametrize(
    ("offered", "typed", "found"),
    [
        (completing.profiles, "emb", ["embedded"]),
        (completing.lines, "ps", ["pstn"]),
        (completing.calls, "plain", ["plain_turns"]),
        (completing.models, "silero", ["silero-vad"]),
        (completing.profiles, "/home/", []),
    ],
)
def test_tab_offers_what_ships(offered, typed, found):
    assert offered(typed) == found


def test_tab_is_silent_where_the_users_registry_is_wrong(tmp_path, monkeypatch, capsys):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    (tmp_path / "registry.toml").write_text("[models.")
    assert completing.models("s") == []
    assert capsys.readouterr() == ("", "")
