"""`voicecli models` as its user sees it."""

import subprocess
import sys

import pytest
from typer.testing import CliRunner

from voicecli.commands.models import app
from voicecli.errors import UsageError, WeightsError
from voicecli.models import store


@pytest.fixture
def run():
    """Run `voicecli models` with the words given; its output, or the error it ended with."""

    def run(*words: str) -> str:
        result = CliRunner().invoke(app, list(words))
        if result.exception is not None:
            raise result.exception
        return result.output

    return run


def test_list_shows_size_licence_source_and_what_is_here(run, wheel_source, register, pinned):
    register("tiny", wheel_source, pinned)
    assert "tiny 0.6 MB MIT no tiny wheel tiny-weights 1.0" in _squeezed(run("list"))
    run("pull", "tiny")
    listed = _squeezed(run("list"))
    assert "tiny 0.6 MB MIT yes tiny wheel tiny-weights 1.0" in listed
    assert "set embedded: silero-vad, moonshine-tiny-en" in listed


def test_list_tells_sizes_that_are_known_from_those_that_are_said(run, hub, register, content):
    source = 'huggingface = { repo = "some/repo" }'
    hub.add("some/repo", "w.bin", content)
    register("tiny", source, '{ name = "w.bin", bytes = 700_000 }')
    register("unsaid", source, '{ name = "other.bin" }')
    before = _squeezed(run("list"))
    assert "tiny ~0.7 MB MIT no" in before
    assert "unsaid ? MIT no" in before
    assert "~ not pinned here" in before
    run("pull", "tiny")
    assert "tiny 0.6 MB MIT yes" in _squeezed(run("list"))


def test_pull_says_what_came_and_then_that_there_is_nothing_to_do(
    run, wheel_source, register, pinned
):
    register("tiny", wheel_source, pinned)
    assert "tiny: 0.6 MB from wheel tiny-weights 1.0" in run("pull", "tiny")
    assert run("pull", "tiny") == "Nothing to do: tiny already here.\n"


def test_pull_without_a_name_says_which_sets_there_are(run, home):
    with pytest.raises(UsageError, match=r"embedded \(silero-vad, moonshine-tiny-en, "):
        run("pull")


def test_path_prints_where_a_model_is(run, wheel_source, register, pinned):
    entry = register("tiny", wheel_source, pinned)
    with pytest.raises(WeightsError, match="voicecli models pull tiny"):
        run("path", "tiny")
    run("pull", "tiny")
    assert run("path", "tiny") == f"{store.path_of(entry)}\n"


def test_verify_removes_what_is_damaged_so_that_pull_gets_it_again(
    run, wheel_source, register, names_in, content, pinned
):
    entry = register("tiny", wheel_source, pinned)
    run("pull", "tiny")
    assert run("verify") == "tiny: ok\n"
    store.path_of(entry).write_bytes(content[::-1])  # as long as it should be
    with pytest.raises(WeightsError, match=r"1 of 1 .*voicecli models pull tiny$"):
        run("verify", "tiny")
    assert names_in() == set()
    run("pull", "tiny")
    assert run("verify", "tiny") == "tiny: ok\n"


def test_verify_of_a_model_that_is_not_there_names_the_command(run, home):
    with pytest.raises(WeightsError, match="voicecli models pull silero-vad"):
        run("verify", "silero-vad")


def test_verify_of_an_empty_store_names_the_command(run, home):
    with pytest.raises(WeightsError, match="voicecli models pull embedded"):
        run("verify")


def test_verify_leaves_the_users_own_files_alone(run, register, tmp_path):
    path = tmp_path / "mine.gguf"
    path.write_bytes(b"weights")
    register("mine", f'local = {{ path = "{path}" }}')
    assert run("verify") == "mine: ok\n"
    assert path.exists()


def test_the_command_line_loads_nothing_heavy_until_it_is_used():
    code = (
        "import sys, voicecli.commands.models;"
        "print(sorted({'rich', 'huggingface_hub', 'filelock', 'numpy'} & set(sys.modules)))"
    )
    result = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True
    )
    assert result.stdout.strip() == "[]"


def _squeezed(text: str) -> str:
    return " ".join(text.split())


def test_remove_takes_away_what_pull_fetched(run, wheel_source, register, pinned):
    register("tiny", wheel_source, pinned)
    run("pull", "tiny")
    assert run("remove", "tiny") == "tiny: removed, 0.6 MB\n"
    assert "tiny 0.6 MB MIT no" in _squeezed(run("list"))
    assert run("remove", "tiny") == "tiny: not here\n"


def test_remove_leaves_the_users_own_files_alone(run, register, tmp_path):
    own = tmp_path / "mine.gguf"
    own.write_bytes(b"weights")
    register("mine", f'local = {{ path = "{own}" }}')
    assert run("remove", "mine") == f"mine: left alone, it is a file of yours: {own}\n"
    assert own.exists()
