"""The Whisper network: from one stretch of audio to text.

Its `transcribe` always pads the encoder's input to 30 s (1.2.1 does so whatever `chunk_length`
says), repeats at rising temperatures what it finds doubtful, and goes on window by window. A caller
waits for none of that, so its parts are used one by one: features, encoder, one greedy decode.
Radford et al., "Robust Speech Recognition via Large-Scale Weak Supervision" (2022).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from pipelines.engines.protocols import Pcm, Word

if TYPE_CHECKING:
    from collections.abc import Sequence

SAMPLE_RATE = 16000
FULL_SECONDS = 30
"""The encoder's input in training, and the most it takes."""
MARGIN_SECONDS = 1.0
"""Silence after the speech that any input must have room for: it is what tells the end."""
SHORTEST_SECONDS = 10
"""A shortened input is no shorter: below, real models fall into loops (tiny.en and base: 168 % of
the words wrong at 5 s, 66 % at 8, 31 % at 10, where 30 s gives 30 %)."""
SILENT_PART = 0.5
"""Part of a shortened input that is silence: at 10 s a sentence of 6 s still loops."""
NO_REPEAT = 3
"""Words in a row, as tokens, that a decode writes only once; the guard against loops pays even at
30 s. Digits and names that callers repeat are shorter."""
TOKENS_PER_SECOND, TOKENS_AT_LEAST = 12, 12
"""Nobody speaks faster, timestamps included; a decoder that writes more is looping."""
MAX_LENGTH = 448
"""Positions of the decoder; the prompt may take half of them."""
SILENCE = 60 * SAMPLE_RATE // 1000
"""Longer than the window of the spectrum: some of its frames hold nothing else."""
FRAME = SAMPLE_RATE // 100
MARKS = ("\"'“¿([{-", "\"'.。,，!！?？:：”)]}、")
"""Marks that belong to the word after them, and to the word before them."""
MAX_INITIAL_TIMESTAMP = 50  # in steps of 20 ms: speech begins within the first second

Device = Literal["auto", "cpu", "cuda"]


@dataclass(frozen=True, slots=True)
class Segment:
    """A phrase between two timestamps; the last of a window may be unfinished."""

    text: str
    end: float
    """Seconds from the beginning of the audio."""
    complete: bool
    """Whether the model itself closed it with a timestamp."""


@dataclass(frozen=True, slots=True)
class Decoded:
    """What was heard in one stretch of audio."""

    segments: tuple[Segment, ...]
    log_probability: float
    """Mean over the tokens, natural logarithm: how sure the model was."""
    no_speech: float
    """Probability that there is no speech at all, as the model sees it (often wrongly)."""
    words: tuple[Word, ...] = ()

    @property
    def text(self) -> str:
        """The whole text."""
        return " ".join(segment.text for segment in self.segments)


def input_seconds(speech_seconds: float, setting: float | Literal["auto"]) -> int:
    """Length of the encoder's input in whole seconds for so much speech.

    "auto": the speech and as much silence, at least 10 s; a number: that, or more where the speech
    does not fit.
    """
    needed = math.ceil(speech_seconds + MARGIN_SECONDS)
    if setting == "auto":
        wanted = max(SHORTEST_SECONDS, math.ceil(speech_seconds / (1 - SILENT_PART)))
    else:
        wanted = math.ceil(setting)
    return min(FULL_SECONDS, max(needed, wanted))


class WhisperModel:
    """Encoder, decoder and tokenizer of one language."""

    def __init__(
        self, folder: Path, device: Device, compute_type: str, threads: int, language: str
    ) -> None:
        """Load the model.

        Raises:
            ValueError: files are missing or are no such model; CUDA is asked for and absent; a
                compute type that the device does not have; a language that the model does not know.
        """
        import ctranslate2  # noqa: PLC0415 (heavy: only when an engine is built)
        import faster_whisper  # noqa: PLC0415
        from faster_whisper.tokenizer import Tokenizer  # noqa: PLC0415
        from faster_whisper.transcribe import get_suppressed_tokens  # noqa: PLC0415

        for name in ("model.bin", "config.json", "tokenizer.json"):
            # Without its tokenizer faster-whisper would ask the hub, in the middle of a call.
            if not (folder / name).is_file():
                raise ValueError(f"{folder} holds no Whisper model for CTranslate2: no {name}")
        cuda = ctranslate2.get_cuda_device_count() > 0
        if device == "cuda" and not cuda:
            raise ValueError('device = "cuda", but CTranslate2 finds no CUDA device here')
        self.device = "cuda" if cuda and device != "cpu" else "cpu"
        if compute_type == "auto":
            compute_type = "float16" if self.device == "cuda" else "int8"
        try:
            self._whisper = faster_whisper.WhisperModel(
                str(folder), self.device, compute_type=compute_type, cpu_threads=threads
            )
        except Exception as error:
            raise ValueError(f"{folder} cannot be loaded as a Whisper model: {error}") from error
        multilingual = self._whisper.model.is_multilingual
        if language not in self._whisper.supported_languages:
            known = "only English" if not multilingual else "no such language"
            raise ValueError(f'language = "{language}", but the model in {folder} knows {known}')
        self._tokenizer: Any = Tokenizer(
            self._whisper.hf_tokenizer, multilingual, task="transcribe", language=language
        )
        usual: Any = [-1]
        self._suppressed = list(get_suppressed_tokens(self._tokenizer, usual) or ())

    def transcribe(
        self, audio: Pcm, seconds: int, prompt: str, *, beam_size: int = 1, words: bool = False
    ) -> Decoded:
        """The words in `audio`, shape (samples,), 16 kHz, at most `seconds` long.

        Args:
            audio: the speech.
            seconds: length of the encoder's input, 1 to 30; the cost of it is in proportion.
            prompt: text before the audio, for names, spelling and style.
            beam_size: 1 decodes greedily.
            words: whether to align words with the audio, at the price of one more decoder pass.
        """
        encoded = self._whisper.encode(self._features(audio, seconds))
        before: list[int] = self._tokenizer.encode(" " + prompt.strip()) if prompt.strip() else []
        tokens = self._whisper.get_prompt(self._tokenizer, before)
        result = self._whisper.model.generate(
            encoded,
            [tokens],
            beam_size=beam_size,
            no_repeat_ngram_size=NO_REPEAT,
            max_length=_max_length(len(audio) / SAMPLE_RATE, len(tokens)),
            return_scores=True,
            return_no_speech_prob=True,
            suppress_tokens=self._suppressed,
            max_initial_timestamp_index=MAX_INITIAL_TIMESTAMP,
        )[0]
        written = result.sequences_ids[0]
        # CTranslate2 gives the mean over the tokens without the end's; as faster-whisper has it.
        log_probability = result.scores[0] * len(written) / (len(written) + 1)
        return Decoded(
            self._segments(written, len(audio) / SAMPLE_RATE),
            log_probability,
            result.no_speech_prob,
            self._aligned(written, encoded, len(audio)) if words else (),
        )

    def _features(self, audio: Pcm, seconds: int) -> Pcm:
        """Log-mel frames, shape (mels, 100 * seconds), with silence after the audio.

        The silence must be real silence: faster-whisper fills up with zeros, which for this model
        is a sound; and the spectrum of it need not be computed more than once.
        """
        audio = audio[: seconds * SAMPLE_RATE]
        padded = np.pad(audio, (0, SILENCE + -len(audio) % FRAME))
        frames: Pcm = self._whisper.feature_extractor(padded, padding=0)[:, : seconds * 100]
        missing = seconds * 100 - frames.shape[1]
        full = np.pad(frames, ((0, 0), (0, missing)), constant_values=float(frames.min()))
        return np.ascontiguousarray(full, np.float32)

    def _segments(self, tokens: Sequence[int], seconds: float) -> tuple[Segment, ...]:
        first_stamp = self._tokenizer.timestamp_begin
        segments: list[Segment] = []
        text: list[int] = []
        for token in tokens:
            if token < first_stamp:
                text.append(token)
            elif text:
                end = min(seconds, (token - first_stamp) * 0.02)
                segments.append(Segment(self._decode(text), end, complete=True))
                text = []
        if text:
            segments.append(Segment(self._decode(text), seconds, complete=False))
        return tuple(segment for segment in segments if segment.text)

    def _decode(self, tokens: Sequence[int]) -> str:
        return " ".join(self._tokenizer.decode(tokens).split())

    def _aligned(self, tokens: Sequence[int], encoded: Any, samples: int) -> tuple[Word, ...]:
        text = [token for token in tokens if token < self._tokenizer.eot]
        if not text:
            return ()
        from faster_whisper.transcribe import merge_punctuations  # noqa: PLC0415 (heavy)

        frames = max(2, samples * 100 // SAMPLE_RATE)
        texts: Any = [text]
        aligned: Any = self._whisper.find_alignment(self._tokenizer, texts, encoded, frames)[0]
        merge_punctuations(aligned, *MARKS)
        return tuple(
            Word(each["word"].strip(), float(each["start"]), float(each["end"]))
            for each in aligned
            if each["word"].strip()
        )


def _max_length(speech_seconds: float, prompt_tokens: int) -> int:
    """What CTranslate2 must be told so that it writes as many tokens as the speech can hold.

    It writes at most half of its `max_length`, and no more than that less the prompt.
    """
    wanted = TOKENS_AT_LEAST + int(TOKENS_PER_SECOND * speech_seconds)
    return min(MAX_LENGTH, max(2 * wanted, wanted + prompt_tokens))
