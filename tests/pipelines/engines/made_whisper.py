"""Makes a tiny Whisper in CTranslate2's format that speaks by rote.

All its weights are random and of next to no effect, except that each token's output weights are
the embedding of the token it follows: so the real code, decoding by the real rules, writes
TEXT, with timestamps, for as long as it is let, whatever it hears.
"""

import functools
import itertools
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

MELS = 80
ENCODER_POSITIONS, DECODER_POSITIONS = 1500, 448
SENTENCES = (
    "the first sentence is rather short indeed",
    "another one goes on about trains and weather",
    "nobody knows what comes after that today",
    "still there seems no end to these words",
    "perhaps we should stop listening very soon now",
    "finally every story has some kind of close",
)
TEXT = " ".join(SENTENCES)
SPECIAL = (
    "<|endoftext|>", "<|startoftranscript|>", "<|en|>", "<|translate|>", "<|transcribe|>",
    "<|startoflm|>", "<|startofprev|>", "<|nocaptions|>", "<|notimestamps|>",
)  # fmt: skip
STAMPS = tuple(f"<|{index * 0.02:.2f}|>" for index in range(1501))


@dataclass(frozen=True)
class Shape:
    """How large the network is; encoder and decoder have as many layers each."""

    width: int = 64
    heads: int = 2
    layers: int = 1


BASE = Shape(width=512, heads=8, layers=6)
"""That of Whisper base."""


def make_whisper(
    folder: Path, sentences: Sequence[str] = SENTENCES, shape: Shape = Shape()
) -> Path:
    """Write the model's folder; no two of all words may be the same. A second each sentence."""
    folder.mkdir(parents=True)
    words = [word for sentence in sentences for word in sentence.split()]
    assert len(words) == len(set(words))
    vocabulary = [*_byte_alphabet(), *(f"Ġ{word}" for word in words), *SPECIAL, *STAMPS]
    ids = {token: index for index, token in enumerate(vocabulary)}
    _write_tokenizer(folder / "tokenizer.json", ids)
    spec = _spec(ids, _script(sentences), shape)
    spec.register_vocabulary(vocabulary)
    spec.config.suppress_ids = []
    spec.config.suppress_ids_begin = [ids["<|endoftext|>"]]
    spec.config.lang_ids = [ids["<|en|>"]]
    spec.config.alignment_heads = [(0, 0)]
    spec.validate()
    spec.optimize(quantization="int8")
    spec.save(str(folder))
    return folder


def _script(sentences: Sequence[str]) -> list[str]:
    """The tokens of the whole text, none of them twice, so that each has one successor."""
    script = ["<|startoftranscript|>", "<|0.00|>"]
    for index, sentence in enumerate(sentences, start=1):
        end = index * 50
        script += [f"Ġ{word}" for word in sentence.split()]
        script += [STAMPS[end], STAMPS[end + 1]]
    return [*script[:-1], "<|endoftext|>"]


def _spec(ids: dict[str, int], script: Sequence[str], shape: Shape) -> Any:
    from ctranslate2.specs import whisper_spec  # noqa: PLC0415 (heavy)

    random = np.random.default_rng(5)
    spec = whisper_spec.WhisperSpec(shape.layers, shape.heads, shape.layers, shape.heads)
    width = shape.width
    small = functools.partial(random.normal, 0.0, 1e-3)

    def array(*size: int) -> np.ndarray:
        return np.asarray(small(size=size), np.float32)

    embeddings = random.normal(size=(len(ids), width)).astype(np.float32)
    projection = array(len(ids), width)
    for before, after in itertools.pairwise(script):
        projection[ids[after]] = 2.0 * embeddings[ids[before]] / np.sqrt(width)

    encoder, decoder = spec.encoder, spec.decoder
    encoder.conv1.weight, encoder.conv1.bias = array(width, MELS, 3), array(width)
    encoder.conv2.weight, encoder.conv2.bias = array(width, width, 3), array(width)
    encoder.position_encodings.encodings = array(ENCODER_POSITIONS, width)
    decoder.position_encodings.encodings = array(DECODER_POSITIONS, width)
    decoder.embeddings.weight, decoder.projection.weight = embeddings, projection
    for norm in (encoder.layer_norm, decoder.layer_norm):
        _fill_norm(norm, width)
    for layer in (*encoder.layer, *decoder.layer):
        _fill_layer(layer, array, width)
    return spec


def _fill_norm(norm: Any, width: int) -> None:
    norm.gamma, norm.beta = np.ones(width, np.float32), np.zeros(width, np.float32)


def _fill_layer(layer: Any, array: Any, width: int) -> None:
    _fill_norm(layer.self_attention.layer_norm, width)
    _fill_norm(layer.ffn.layer_norm, width)
    linears = [
        (layer.self_attention.linear[0], (3 * width, width)),
        (layer.self_attention.linear[1], (width, width)),
        (layer.ffn.linear_0, (4 * width, width)),
        (layer.ffn.linear_1, (width, 4 * width)),
    ]
    if hasattr(layer, "attention"):
        _fill_norm(layer.attention.layer_norm, width)
        shapes = ((width, width), (2 * width, width), (width, width))
        linears += list(zip(layer.attention.linear, shapes, strict=True))
    for linear, shape in linears:
        linear.weight, linear.bias = array(*shape), array(shape[0])


def _byte_alphabet() -> list[str]:
    from tokenizers.pre_tokenizers import ByteLevel  # noqa: PLC0415 (heavy)

    return sorted(ByteLevel.alphabet())


def _write_tokenizer(path: Path, ids: dict[str, int]) -> None:
    from tokenizers import Tokenizer, decoders, models, pre_tokenizers  # noqa: PLC0415 (heavy)

    plain = {token: index for token, index in ids.items() if not token.startswith("<|")}
    tokenizer = Tokenizer(models.BPE(vocab=plain, merges=[]))
    tokenizer.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False)
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens([token for token in ids if token not in plain])
    tokenizer.save(str(path))
    assert {token: tokenizer.token_to_id(token) for token in ids} == ids
