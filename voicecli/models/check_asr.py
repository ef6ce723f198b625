"""What a shortened encoder input costs and saves a Whisper model here.

The same clips go through the engine twice, with `chunk_length_s` "auto" and 30, as a phone line
delivers them (8 kHz). Both transcripts are compared with each other and with what was said.
"""

import dataclasses
import time
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import soxr

from pipelines.engines.protocols import Pcm, StreamingAsr
from pipelines.engines.registry import Context, build_engine
from voicecli.errors import EngineError, InputError, VoicecliError
from voicecli.models.check_lengths import hear, losses, utterances
from voicecli.models.store import locate
from voicecli.recording.audio_file import read_call_audio
from voicecli.recording.labels import read_labels
from voicecli.recording.segments import speech_segments
from voicecli.report.wer import word_error_rate

FULL_SECONDS = 30
"""What Whisper was trained with."""
LONGEST_S = 25.0
PAD_S = 0.2
TOLERATED = 0.01
"""Words that may be wrong in addition before the full input is recommended."""


@dataclass(frozen=True, slots=True)
class Clip:
    """One utterance at 16 kHz, and what was said if that is known."""

    pcm: Pcm
    said: str


@dataclass(frozen=True, slots=True)
class Outcome:
    """How one setting did over all clips."""

    texts: tuple[str, ...]
    mean_s: float
    """Time for one transcript."""


@dataclass(frozen=True, slots=True)
class Comparison:
    """Both settings side by side; rates are errors per word, None where nothing was said."""

    clips: int
    mean_clip_s: float
    short: Outcome
    full: Outcome
    difference: float | None
    short_errors: float | None
    full_errors: float | None

    @property
    def speedup(self) -> float:
        """How many times faster the shortened input is."""
        return self.full.mean_s / self.short.mean_s

    @property
    def verdict(self) -> str:
        """One sentence of advice."""
        if self.short_errors is not None and self.full_errors is not None:
            worse = self.short_errors - self.full_errors
        else:
            worse = self.difference or 0.0
        if worse > TOLERATED:
            return (
                f"Put chunk_length_s = 30 into the profile: the shortened input gets "
                f"{worse:.1%} more of the words wrong."
            )
        return f'chunk_length_s = "auto" is safe here and {self.speedup:.1f} times as fast.'


def read_clips(files: Iterable[Path]) -> list[Clip]:
    """The utterances in call folders (by their labels) and audio files (by their silences).

    Raises:
        InputError: a file cannot be read, or there is no speech in any of them.
    """
    clips: list[Clip] = []
    for path in files:
        audio = read_call_audio(path / "caller.flac" if path.is_dir() else path)
        labels = path / "labels.json"
        turns = (
            read_labels(labels, audio.duration_s).turns
            if labels.is_file()
            else speech_segments(audio.caller, audio.rate)
        )
        for turn in turns:
            end = min(turn.end_s, turn.start_s + LONGEST_S) + PAD_S
            start = max(0.0, turn.start_s - PAD_S)
            pcm = audio.caller[round(start * audio.rate) : round(end * audio.rate)]
            wide = soxr.resample(pcm.astype(np.float32) / 32768.0, audio.rate, 16000)
            clips.append(Clip(wide.astype(np.float32), turn.text))
    if not clips:
        raise InputError("there is no speech in the audio to check with")
    return clips


def compare(settings: Any, clips: Sequence[Clip]) -> Comparison:
    """Transcribe all clips with both settings.

    Args:
        settings: of the engine `faster_whisper`; its `chunk_length_s` does not matter.
        clips: what to transcribe.

    Raises:
        WeightsError: the model is not here; names the command that gets it.
        EngineError: it cannot be loaded.
    """
    short, full = (_run(settings, chunk_length_s, clips) for chunk_length_s in ("auto", 30.0))
    said = " ".join(clip.said for clip in clips)
    return Comparison(
        clips=len(clips),
        mean_clip_s=float(np.mean([len(clip.pcm) / 16000 for clip in clips])),
        short=short,
        full=full,
        difference=word_error_rate(" ".join(full.texts), " ".join(short.texts)),
        short_errors=word_error_rate(said, " ".join(short.texts)),
        full_errors=word_error_rate(said, " ".join(full.texts)),
    )


def check_lengths(name: str, settings: Any) -> list[str]:
    """A sentence for each length of speech at which the recogniser loses its head.

    Args:
        name: of the engine.
        settings: its own, as the profile has them.

    Raises:
        WeightsError: the model is not here; names the command that gets it.
        EngineError: it cannot be loaded.
    """
    spoken = utterances()
    if hasattr(settings, "language"):  # the speech is English, whatever the agent's callers speak
        settings = dataclasses.replace(settings, language="en")
    heard = hear(_build(name, settings), spoken)
    if getattr(settings, "chunk_length_s", FULL_SECONDS) == FULL_SECONDS:
        return losses(heard)
    whole = dataclasses.replace(settings, chunk_length_s=float(FULL_SECONDS))
    return losses(heard, hear(_build(name, whole), spoken))


def _build(name: str, settings: Any) -> StreamingAsr:
    try:
        return build_engine("asr", name, settings, Context(locate))
    except VoicecliError:
        raise
    except Exception as error:
        weights = getattr(settings, "weights", name)
        raise EngineError(f"{weights} could not be loaded: {error}") from error


def _run(settings: Any, chunk_length_s: object, clips: Sequence[Clip]) -> Outcome:
    engine = _build("faster_whisper", dataclasses.replace(settings, chunk_length_s=chunk_length_s))
    texts: list[str] = []
    started = time.perf_counter()
    for clip in clips:
        engine.reset()
        engine.feed(clip.pcm)
        texts.append(engine.finish().text)
    return Outcome(tuple(texts), (time.perf_counter() - started) / len(clips))
