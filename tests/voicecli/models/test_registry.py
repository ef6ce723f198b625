"""The packaged registry, the user's own, and what is wrong with a wrong one."""

import hashlib

import pytest

from voicecli.errors import WeightsError
from voicecli.models import store
from voicecli.models.pull import pull
from voicecli.models.registry import Entry, HubSource, LocalSource, Wheels, load_registry
from voicecli.profile import load_profile


def test_the_embedded_set_is_everything_that_a_call_needs(home):
    embedded = load_registry().expand(["embedded"])
    assert {entry.kind for entry in embedded} == {"vad", "asr", "llm", "tts", "turn_detector"}
    assert all(isinstance(entry.origins[0], Wheels) for entry in embedded)


def test_every_packaged_entry_says_what_it_is_and_what_it_takes(home):
    for entry in load_registry().models.values():
        assert entry.title
        assert entry.licence
        assert entry.bytes > 0


def test_the_pinned_hashes_are_those_of_the_weights_in_the_installed_package(home, listen):
    entry = load_registry().find("moonshine-tiny-en")
    pull((entry,), listen())
    folder = store.locate("moonshine-tiny-en")
    assert store.damage(entry, thorough=True) is None
    assert {path.name for path in folder.glob("*.ort")} == {
        "encoder_model.ort",
        "decoder_model_merged.ort",
    }


def test_a_set_and_a_member_of_it_are_one_entry(home):
    entries = load_registry().expand(["silero-vad", "embedded", "silero-vad"])
    assert [entry.name for entry in entries].count("silero-vad") == 1
    assert entries[0].name == "silero-vad"


def test_a_name_that_is_neither_model_nor_set_is_refused_with_the_nearest(home):
    with pytest.raises(WeightsError, match='did you mean "embedded"'):
        load_registry().expand(["embeded"])
    with pytest.raises(WeightsError, match='did you mean "silero-vad"'):
        load_registry().find("silero_vad")


def test_the_users_registry_adds_and_replaces_entries(register):
    register("mine", 'local = { path = "mine.gguf" }')
    register("silero-vad", 'huggingface = { repo = "a/b" }', '{ name = "x.onnx" }')
    registry = load_registry()
    assert registry.find("mine").local == LocalSource("mine.gguf")
    assert registry.find("silero-vad").origins == (HubSource("a/b", "main"),)
    assert "moonshine-tiny-en" in registry.models


def test_a_model_of_ones_own_may_say_how_its_opinion_on_turns_is_read(register, tmp_path):
    register("mine", 'end_of_turn = { scale = 0.9, offset = -0.5 }\nlocal = { path = "mine.gguf" }')
    path = tmp_path / "mine.toml"
    path.write_text(
        '[llm]\nengine = "llama_cpp"\nweights = "mine"\n[turn_detectors.llm_next_token]\n', "utf-8"
    )
    (detector,) = load_profile(str(path)).turn_detectors
    assert (detector.settings.scale, detector.settings.offset) == (0.9, -0.5)


@pytest.mark.parametrize(
    ("text", "parts"),
    [
        ("[models.x]\ntitle = 'x'", ["[models.x]", '"kind" is missing']),
        ("[models.x]\nkind = 'lm'", ["[models.x] kind", 'did you mean "llm"']),
        ("[models.x]\nlicense = 'MIT'", ["[models.x]", 'did you mean "licence"']),
        ("[models]\nx = 3", ["[models.x]", "must be a table"]),
        ("[sets]\nall = 'x'", ["[sets] all", "an array"]),
        ("[set]", ['did you mean "sets"']),
        ("[sets", ["not valid TOML"]),
    ],
)
def test_a_wrong_registry_is_refused_with_file_table_and_key(home, text, parts):
    (home / "registry.toml").write_text(text)
    with pytest.raises(WeightsError) as caught:
        load_registry()
    for part in ("registry.toml", *parts):
        assert part in str(caught.value)


@pytest.mark.parametrize(
    ("source", "files", "what"),
    [
        ("", '{ name = "x" }', "exactly one source"),
        ('local = { path = "x" }\nhuggingface = { repo = "a/b" }', "", "exactly one source"),
        ('huggingface = { repo = "a/b" }', "", "at least one of files"),
        ('huggingface = { repo = "a/b" }', '{ name = "../x" }', "stay inside"),
        ('huggingface = { repo = "a/b" }', '{ name = "/x" }', "stay inside"),
        (
            'wheel = { package = "p", version = "1", folder = "f", download_bytes = 1 }',
            '{ name = "x" }',
            "need bytes and sha256",
        ),
    ],
)
def test_an_entry_that_could_not_be_fetched_is_refused(register, source, files, what):
    with pytest.raises(WeightsError, match=what):
        register("x", source, files)


def test_a_local_file_is_used_where_it_lies(register, listen, tmp_path, names_in):
    path = tmp_path / "mine.gguf"
    entry = register("mine", f'local = {{ path = "{path}" }}')
    with pytest.raises(WeightsError, match=r"mine: .*mine\.gguf does not exist$"):
        store.locate("mine")
    with pytest.raises(WeightsError, match="does not exist"):
        pull((entry,), listen())
    path.write_bytes(b"weights")
    assert store.locate("mine") == path
    pull((entry,), listen())
    assert names_in() == set()


def test_a_path_may_stand_for_a_name(home, tmp_path):
    path = tmp_path / "other.gguf"
    with pytest.raises(WeightsError, match="neither a model nor a file"):
        store.locate(str(path))
    path.write_bytes(b"weights")
    assert store.locate(str(path)) == path


def test_missing_weights_name_the_command_that_gets_them(home):
    with pytest.raises(WeightsError, match=r"get it with: voicecli models pull silero-vad$"):
        store.locate("silero-vad")


def test_a_newer_pin_makes_what_is_there_another_version(
    wheel_source, register, listen, home, pinned, content
):
    entry: Entry = register("tiny", wheel_source, pinned)
    pull((entry,), listen())
    registry = home / "registry.toml"
    newer = hashlib.sha256(b"newer").hexdigest()
    pin = hashlib.sha256(content).hexdigest()
    registry.write_text(registry.read_text().replace(pin, newer))
    with pytest.raises(WeightsError, match="another version is there"):
        store.locate("tiny")
