"""`voicecli recordings` makes and lists labelled calls."""

import pytest
from typer.testing import CliRunner

from voicecli.commands.recordings import app
from voicecli.errors import InputError
from voicecli.replaying.source import shipped_calls

SCRIPT = """
description = "a call of one word"
licence = "CC0-1.0"
voice = "en-us"
[[turns]]
text = "Hello."
"""


@pytest.fixture
def folder(tmp_path):
    (tmp_path / "hello").mkdir()
    (tmp_path / "hello" / "call.toml").write_text(SCRIPT)
    return tmp_path


def run(*arguments):
    result = CliRunner().invoke(app, [str(argument) for argument in arguments])
    if result.exception:
        raise result.exception
    return result.output


def test_a_call_is_listed_as_not_made_until_it_is_made(folder):
    assert "not made" in run("list", "--folder", folder)
    assert run("make", "hello", "--folder", folder).strip() == str(folder / "hello")
    listed = run("list", "--folder", folder)
    assert "not made" not in listed
    assert "a call of one word" in listed


def test_the_calls_that_ship_are_listed_without_naming_a_folder():
    listed = run("list")
    assert all(name in listed for name in ("plain_turns", "pauses", "barge_in", "digits"))


def test_a_folder_without_calls_is_named(tmp_path):
    with pytest.raises(InputError, match=str(tmp_path)):
        run("list", "--folder", tmp_path)


def test_what_list_shows_can_be_shown(folder):
    run("make", "hello", "--folder", folder)
    for shown in (run("show", "hello", "--folder", folder), run("show", folder / "hello")):
        assert "a call of one word" in shown
        assert "end_of_turn" in shown
        assert "Hello." in shown
        assert f"voicecli replay '{folder / 'hello'}'" in shown
    for name in shipped_calls():
        assert f"voicecli replay {name}\n" in run("show", name)


def test_a_name_that_is_none_is_refused_with_the_calls_that_ship(tmp_path, monkeypatch):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    with pytest.raises(InputError, match="plain_turns"):
        run("show", "plain_turn")
