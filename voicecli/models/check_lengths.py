"""Whether a recogniser keeps its head at every length of speech.

A person reads the opening of "A Tale of Two Cities", a recording that comes with moonshine-voice,
cut at its pauses into utterances of 2 to 24 s. Recognisers whose input has a length that they were
not trained with fall into loops, often at some lengths only, and the mean over many clips hides it.
The text repeats itself more than callers do, which makes loops likelier.
"""

import importlib.util
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import soundfile
import soxr

from pipelines.engines.loops import first_round
from pipelines.engines.protocols import Pcm, StreamingAsr
from voicecli.errors import EngineError
from voicecli.report.wer import word_error_rate

_BEST = "it was the best of times it was the worst of times"
_WISDOM = "it was the age of wisdom"
_FOLLY = "it was the age of foolishness"
_EPOCHS = "it was the epoch of belief it was the epoch of incredulity"
_LIGHT = "it was the season of light"
_REST = (
    "it was the season of darkness it was the spring of hope it was the winter of despair "
    "we had everything before us we had nothing before us"
)
PASSAGES = (
    (6.43, 8.51, _FOLLY),
    (0.9, 4.79, _BEST),
    (0.9, 6.43, f"{_BEST} {_WISDOM}"),
    (4.79, 13.13, f"{_WISDOM} {_FOLLY} {_EPOCHS}"),
    (0.9, 14.96, f"{_BEST} {_WISDOM} {_FOLLY} {_EPOCHS} {_LIGHT}"),
    (0.9, 24.32, f"{_BEST} {_WISDOM} {_FOLLY} {_EPOCHS} {_LIGHT} {_REST}"),
)
"""From and to which second of the recording, and what is said there."""
TOLERATED = 0.3
"""Words that may be wrong, beyond those of the best other length or of the full input."""


@dataclass(frozen=True, slots=True)
class Utterance:
    """A stretch of speech at 16 kHz and its words."""

    pcm: Pcm
    said: str


@dataclass(frozen=True, slots=True)
class Heard:
    """What a recogniser made of one utterance."""

    seconds: float
    said: str
    text: str
    errors: float
    """Wrong, missing and added words per word said."""


def utterances() -> list[Utterance]:
    """The passages as a phone line delivers them, 8 kHz wide, shortest first.

    Raises:
        EngineError: the recording is not installed.
    """
    spec = importlib.util.find_spec("moonshine_voice")
    folder = Path(spec.origin).parent if spec and spec.origin else Path()
    path = folder / "assets" / "two_cities.wav"
    if not path.is_file():
        raise EngineError(
            "the speech to check with is missing; get it with: pip install moonshine-voice==0.1.0"
        )
    pcm, rate = soundfile.read(path, dtype="float32")
    phone = soxr.resample(pcm, rate, 8000)
    wide = np.asarray(soxr.resample(phone, 8000, 16000), np.float32)
    return [
        Utterance(wide[round(start * 16000) : round(end * 16000)], said)
        for start, end, said in PASSAGES
    ]


def hear(engine: StreamingAsr, spoken: Sequence[Utterance]) -> list[Heard]:
    """Transcribe each utterance, as in a call piece by piece."""
    found: list[Heard] = []
    for each in spoken:
        engine.reset()
        engine.feed(each.pcm)
        text = engine.finish().text
        errors = word_error_rate(each.said, text) or 0.0
        found.append(Heard(len(each.pcm) / 16000, each.said, text, errors))
    return found


def losses(heard: Sequence[Heard], full: Sequence[Heard] | None = None) -> list[str]:
    """A sentence for each length at which the recogniser lost its head; none: it is well.

    Args:
        heard: with the settings that are checked.
        full: the same utterances with the full input, if the recogniser has one.
    """
    return [
        f'at {each.seconds:.1f} s of speech {why} (WER {each.errors:.0%}): heard "{each.text}"'
        for place, each in enumerate(heard)
        if (why := _loss(each, heard, full[place] if full else None))
    ]


def _loss(each: Heard, heard: Sequence[Heard], full: Heard | None) -> str | None:
    if not each.text:
        return "nothing was heard"
    added = len(each.text.split()) - len(each.said.split())
    if first_round(each.text) != each.text or added > max(3, len(each.said.split()) // 4):
        return "the transcript loops"
    if full is not None and each.errors > full.errors + TOLERATED:
        return "far more is wrong than with the full input"
    if each.errors > min(other.errors for other in heard) + TOLERATED:
        return "far more is wrong than at other lengths"
    return None
