"""What a newcomer without weights is told, by every verb that needs some: all of it, at once."""

import pytest
from typer.testing import CliRunner

from voicecli.cli import app
from voicecli.errors import WeightsError
from voicecli.models.registry import load_registry
from voicecli.models.store import require_models

EMBEDDED = load_registry().sets["embedded"]


@pytest.fixture(autouse=True)
def empty_store(tmp_path, monkeypatch):
    monkeypatch.setenv("VOICECLI_HOME", str(tmp_path))
    return tmp_path


@pytest.mark.parametrize(
    "line",
    [
        "talk",
        "talk --headless",
        "talk --text",
        "talk --phone",
        "serve --port 8599",
        "replay plain_turns",
        "replay plain_turns --shadow smart_turn",
        "compare plain_turns -p scripted -p embedded",
        "compare plain_turns --ablation",
    ],
)
def test_every_verb_names_all_that_is_missing_and_one_command(line):
    error = CliRunner().invoke(app, line.split()).exception
    assert isinstance(error, WeightsError)
    assert str(error).endswith("get them with: voicecli models pull embedded")
    assert all(name in str(error) for name in EMBEDDED)


def test_a_comparison_asks_for_the_weights_of_all_its_profiles_before_it_begins():
    error = (
        CliRunner()
        .invoke(app, ["compare", "plain_turns", "-p", "light", "-p", "embedded"])
        .exception
    )
    _, _, command = str(error).partition("voicecli models pull ")
    assert set(command.split()) == {*load_registry().sets["light"], *EMBEDDED}


def test_a_set_is_named_only_if_all_of_it_is_needed():
    with pytest.raises(WeightsError, match="models pull silero-vad smart-turn"):
        require_models(["silero-vad", "smart-turn-v3.2"])
    with pytest.raises(WeightsError, match=r"get it with: voicecli models pull silero-vad$"):
        require_models(["silero-vad"])


def test_a_file_that_is_not_there_is_an_error_and_one_that_is_needs_nothing(empty_store):
    path = empty_store / "mine.gguf"
    with pytest.raises(WeightsError, match=r"neither a model nor a file .*mine\.gguf"):
        require_models([str(path)])
    path.write_bytes(b"weights")
    require_models([str(path)])


def test_a_replay_of_what_was_recorded_needs_no_weights(tmp_path):
    out = str(tmp_path / "out")
    run = ["replay", "plain_turns", "-q", "-p", "scripted", "-o", out]
    assert CliRunner().invoke(app, run).exit_code == 0
    assert CliRunner().invoke(app, ["replay", f"{out}/plain_turns", "-q", "-o", out]).exit_code == 0
