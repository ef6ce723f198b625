"""The Moonshine network: from one stretch of audio to text.

Jeffries et al., "Moonshine: Speech Recognition for Live Transcription and Voice Commands" (2024).
The encoder takes raw 16 kHz samples of any length, so short audio is cheap; the decoder is run
greedily.

Why not through the moonshine-voice package, which carries the weights: it splits audio with a voice
detector of its own, which clips first words, and takes twice as long. Measured on 107 clips of
human speech with transcripts (word error rate in % of 47 commands / 19 read sentences, mean time on
one thread): package 12.9 / 13.0, 74 ms; package with its splitting off 12.1 / 10.4, 74 ms; here
9.1 / 10.8, 45 ms; and through 8-bit 8 kHz telephone audio 18.2 / 14.1 against 11.4 / 11.9.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
import numpy.typing as npt

from pipelines.engines.onnx import open_session
from pipelines.engines.protocols import Pcm

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_RATE = 16000
LEAD_SAMPLES = SAMPLE_RATE // 10
TAIL_SAMPLES = SAMPLE_RATE // 5
"""Silence around the audio. Without the tail, short words that end abruptly are misheard: it
lowered the word error rate of single spoken digits from 62 % to 45 %."""
TOKENS_PER_SECOND = 6.5
"""Nobody speaks faster; a decoder that writes more is looping. The authors' own limit."""
BEGIN, END = 1, 2
HEADS, HEAD_SIZE = 8, 36
ENCODER_STRIDE = 384

Logits = npt.NDArray[np.float32]
Cache = dict[str, npt.NDArray[np.float32]]


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was heard in one stretch of audio."""

    tokens: tuple[int, ...]
    text: str
    log_probability: float
    """Mean over the tokens, natural logarithm: how sure the model was."""


class MoonshineModel:
    """Encoder, decoder and vocabulary."""

    def __init__(self, folder: Path, threads: int) -> None:
        """Load the model.

        Raises:
            ValueError: files are missing from the folder or are not such a model.
        """
        vocabulary = folder / "tokenizer.bin"
        if not vocabulary.is_file():
            raise ValueError(f"{folder} holds no Moonshine model: {vocabulary.name} is missing")
        self._encoder = open_session(folder / "encoder_model.ort", threads)
        self._decoder = open_session(folder / "decoder_model_merged.ort", threads)
        self._vocabulary = read_vocabulary(vocabulary.read_bytes())
        inputs = [each.name for each in self._decoder.get_inputs()]
        self._cache_names = [name for name in inputs if name.startswith("past_key_values")]
        nothing = np.zeros((1, HEADS, 0, HEAD_SIZE), np.float32)
        self._empty: Cache = dict.fromkeys(self._cache_names, nothing)

    def transcribe(self, audio: Pcm, draft: Sequence[int] = ()) -> Decoded:
        """The words in `audio`, shape (samples,), 16 kHz.

        Args:
            audio: any length.
            draft: tokens that the answer probably begins with, such as those of the same audio a
                moment ago. They are checked in one pass of the decoder (the verification step of
                speculative decoding, Leviathan et al. 2023), kept as far as it agrees, and save
                the passes that would have written them one by one.
        """
        padded = np.zeros((1, LEAD_SAMPLES + len(audio) + TAIL_SAMPLES), np.float32)
        padded[0, LEAD_SAMPLES : LEAD_SAMPLES + len(audio)] = audio
        mask = np.ones(padded.shape, np.int64)
        feed = {"input_values": padded, "attention_mask": mask}
        (hidden,) = cast("list[npt.NDArray[np.float32]]", self._encoder.run(None, feed))
        limit = 2 + int(TOKENS_PER_SECOND * padded.shape[1] / SAMPLE_RATE)
        tokens, log_probabilities = self._decode(hidden, draft[:limit], limit)
        text = b"".join(self._vocabulary[token] for token in tokens)
        return Decoded(
            tuple(tokens),
            text.decode("utf-8", "ignore").replace("\u2581", " ").strip(),
            float(np.mean(log_probabilities)),
        )

    def _decode(
        self, hidden: npt.NDArray[np.float32], draft: Sequence[int], limit: int
    ) -> tuple[list[int], list[float]]:
        """Tokens before the end, and the log-probability of each including the end's."""
        logits, cache = self._step(hidden, [BEGIN, *draft], self._empty)
        best = logits.argmax(axis=-1)
        agreed = 0
        while agreed < len(draft) and best[agreed] == draft[agreed]:
            agreed += 1
        tokens = [int(token) for token in best[: agreed + 1]]
        sure = [_log_probability(row, token) for row, token in zip(logits, tokens, strict=False)]
        cache = {
            name: (kept[:, :, : agreed + 1] if ".decoder." in name else kept)
            for name, kept in cache.items()
        }
        while tokens[-1] != END and len(tokens) < limit:
            logits, cache = self._step(hidden, tokens[-1:], cache)
            tokens.append(int(logits[-1].argmax()))
            sure.append(_log_probability(logits[-1], tokens[-1]))
        return (tokens[:-1] if tokens[-1] == END else tokens), sure

    def _step(
        self, hidden: npt.NDArray[np.float32], tokens: list[int], cache: Cache
    ) -> tuple[Logits, Cache]:
        """One pass over `tokens`: logits of shape (len(tokens), vocabulary), and the new cache."""
        first = cache is self._empty
        feed = {
            "encoder_hidden_states": hidden,
            "encoder_attention_mask": np.ones((1, hidden.shape[1] * ENCODER_STRIDE), np.int64),
            "input_ids": np.array([tokens], np.int64),
            "use_cache_branch": np.array([not first]),
            **cache,
        }
        logits, *present = cast("list[npt.NDArray[np.float32]]", self._decoder.run(None, feed))
        renewed = dict(zip(self._cache_names, present, strict=True))
        if not first:  # then the pass leaves out what it knows of the audio
            renewed |= {name: kept for name, kept in cache.items() if ".encoder." in name}
        return logits[0], renewed


def _log_probability(logits: Logits, token: int) -> float:
    top = logits.max()
    return float(logits[token] - top - np.log(np.exp(logits - top).sum()))


def read_vocabulary(data: bytes) -> list[bytes]:
    """The tokens' bytes by their number: each is preceded by its length.

    Lengths from 128 on take two bytes, the first of them 128 + the length modulo 128.

    Raises:
        ValueError: the data ends within a token.
    """
    tokens: list[bytes] = []
    position = 0
    while position < len(data):
        size = data[position]
        position += 1
        if size >= 128:
            if position == len(data):
                raise ValueError("the vocabulary ends within a token's length")
            size += 128 * data[position] - 128
            position += 1
        token = data[position : position + size]
        if len(token) < size:
            raise ValueError("the vocabulary ends within a token")
        tokens.append(token)
        position += size
    return tokens
