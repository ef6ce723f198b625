"""Speech from Piper's neural voices.

VITS networks (Kim et al., "Conditional Variational Autoencoder with Adversarial Learning for
End-to-End Text-to-Speech", 2021) on phonemes from espeak-ng; both it and piper-tts are GPL-3.0.
"""

import json
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Final

import numpy as np

from pipelines.engines.closing import closing
from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.engines.registry import Context
from pipelines.engines.text_normalization.normalizer import normalizer
from pipelines.engines.trimming import AUDIBLE, SilenceTrimmer
from pipelines.engines.tts._piper_network import PiperNetwork
from pipelines.turn_taking.bounds import bounded, check_bounds

if TYPE_CHECKING:
    from piper import PiperVoice

CHUNK_MS = 60
LEAD_MS = 5
_TYPICAL: Final = "Yes, of course. Hello, how can I help you today?"
"""How loud a voice is shows in this: its sentences are made while they play, so that none can be
brought to the same peak."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    weights: str = "piper-en-us-ljspeech-medium"
    """Name of a voice in the registry, or the path of its .onnx file beside its .onnx.json."""
    speaking_rate: float = bounded(1.0, 0.25, 4)
    """2 is twice as fast as the voice was made."""
    speaker: str = ""
    """Name or number of a speaker, for voices that have several."""
    variation: float | None = bounded(None, 0, 1)
    """Randomness of melody and rhythm, 0 to 1; left out: as the voice was made. At 0 the same text
    always sounds the same, which a replayed call needs to be the same to the bit."""
    volume: float = bounded(0.8, 0.01, 1)
    """Peak of a usual sentence, 0 to 1; what is louder is clipped softly."""
    end_pause_ms: int = bounded(100, 0)
    """Silence after the text, so that one clause does not run into the next."""
    threads: int = bounded(1, 1)
    """More make a voice of high quality faster, at the expense of the recogniser and the LLM."""


class PiperTts:
    """One voice; its sound is handed over in small chunks while the rest is made."""

    def __init__(self, settings: Settings, voice: "PiperVoice", network: PiperNetwork) -> None:
        config = voice.config
        self._settings = settings
        self._voice = voice
        self._network = network
        self.sample_rate = config.sample_rate
        self._read = normalizer(config.espeak_voice)
        self._speaker = _speaker(settings.speaker, voice)
        self._length = config.length_scale / settings.speaking_rate
        noise = settings.variation
        self._noise = (
            (config.noise_scale, config.noise_w_scale) if noise is None else (noise, noise)
        )
        self._gain = 1.0

    def find_level(self) -> None:
        """Say a usual sentence to oneself, so that `volume` is its peak."""
        peak = max(np.abs(sound).max(initial=0.0) for sound in self._sounds(_TYPICAL, (0, 0)))
        self._gain = self._settings.volume / max(float(peak), AUDIBLE)

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """Audio of `text` in chunks of 60 ms; nothing for no words."""
        # Double brackets would be taken for phonemes.
        text = "".join(
            " " if char in "[]" or unicodedata.category(char) in {"Cc", "Cs"} else char
            for char in text
        )
        if stop.is_set() or not any(char.isalnum() for char in text):
            return
        trimmer = SilenceTrimmer(
            lead=self.sample_rate * LEAD_MS // 1000,
            tail=self.sample_rate * self._settings.end_pause_ms // 1000,
        )
        size = self.sample_rate * CHUNK_MS // 1000
        with closing(self._sounds(self._read(text), self._noise)) as sounds:
            for sound in sounds:
                audible = trimmer.feed(_softly_clipped(sound * self._gain, self._settings.volume))
                for start in range(0, len(audible), size):
                    if stop.is_set():
                        return
                    yield audible[start : start + size]
        if not stop.is_set() and len(tail := trimmer.finish()):
            yield tail

    def _sounds(self, text: str, noise: tuple[float, float]) -> Iterator[Pcm]:
        melody, rhythm = noise
        scales = np.array([melody, self._length, rhythm], np.float32)
        for phonemes in self._voice.phonemize(text):
            ids = np.array([self._voice.phonemes_to_ids(phonemes)], np.int64)
            inputs = {"input": ids, "input_lengths": np.array(ids.shape[1:]), "scales": scales}
            if self._voice.config.num_speakers > 1:
                inputs["sid"] = np.array([self._speaker])
            yield from self._network.sounds(inputs)


def _softly_clipped(sound: Pcm, knee: float) -> Pcm:
    """Sound as it is up to `knee`, and bent towards 1 above it."""
    over = np.abs(sound) - knee
    if not (over > 0).any():
        return sound
    room = max(1 - knee, AUDIBLE)
    bent = np.sign(sound) * (knee + room * np.tanh(over / room))
    return np.where(over > 0, bent, sound).astype(np.float32)


def _speaker(wanted: str, voice: "PiperVoice") -> int:
    """The number of a speaker by number or name; without any, the voice's own choice."""
    config = voice.config
    if not wanted:
        return config.default_speaker_id
    number = int(wanted) if wanted.isdecimal() else config.speaker_id_map.get(wanted, -1)
    if 0 <= number < config.num_speakers:
        return number
    names = ", ".join(config.speaker_id_map) or f"0 to {config.num_speakers - 1}"
    raise ValueError(f'the voice has no speaker "{wanted}"; there are: {names}')


def _files(path: Path) -> tuple[Path, Path]:
    """The network and the description of the voice in a folder, or of an .onnx file."""
    if path.is_dir():
        networks = sorted(path.rglob("*.onnx"))  # where the collection has them: en/en_US/…
        if len(networks) != 1:
            raise ValueError(f"{path} must hold one Piper voice (.onnx), not {len(networks)}")
        path = networks[0]
    description = path.with_name(path.name + ".json")
    if not description.is_file():
        raise ValueError(f"{path} is no Piper voice: its {description.name} is missing")
    return path, description


def build(settings: Settings, context: Context) -> PiperTts:
    """Load the voice and say a sentence with it, so that all is warm before the first call.

    Raises:
        ValueError: a setting out of range, an unknown speaker, or files that are no Piper voice.
    """
    from piper import PiperConfig, PiperVoice  # noqa: PLC0415 (heavy: only when an engine is built)

    check_bounds(settings)
    path, description = _files(context.locate(settings.weights))
    try:
        config = PiperConfig.from_dict(json.loads(description.read_text("utf-8")))
    except (ValueError, KeyError, TypeError, AttributeError) as error:
        raise ValueError(f"{description} does not describe a Piper voice: {error!r}") from error
    network = PiperNetwork(path, settings.threads)
    tts = PiperTts(settings, PiperVoice(network.text, config, download_dir=path.parent), network)
    try:
        tts.find_level()
    except Exception as error:  # edge: whatever a network of another shape makes the library raise
        raise ValueError(f"the voice {path} cannot speak: {error}") from error
    return tts
