"""What Whisper makes up, and how it is told from speech.

Secondary filters, all of them pure: the first guard is that only confirmed speech is transcribed.
The model's own `no_speech` is unreliable, so it counts only where the text is doubtful as well,
as in OpenAI's `transcribe` (https://github.com/openai/whisper), whence the thresholds.
"""

import zlib
from dataclasses import dataclass

from pipelines.engines.asr._whisper_model import Decoded
from pipelines.engines.hallucinated_phrases import without_hallucinated_phrases


@dataclass(frozen=True, slots=True)
class Limits:
    """From where on a text is taken for made up."""

    no_speech: float = 0.6
    """Probability of no speech, together with a text less sure than `log_probability`."""
    log_probability: float = -1.0
    compression_ratio: float = 2.4
    """Text that zlib makes smaller than 1/2.4 repeats itself."""


@dataclass(frozen=True, slots=True)
class Judged:
    """What is left of a text, and why the rest is not."""

    text: str
    reason: str | None = None
    """Why something was dropped, with the number behind it; None: nothing was."""


def compression_ratio(text: str) -> float:
    """How many times smaller zlib makes the text: about 1 for speech, more for repetitions."""
    data = text.encode()
    return len(data) / len(zlib.compress(data))


def judge(decoded: Decoded, limits: Limits) -> Judged:
    """The text without what was made up: phrases, loops, and words for no speech."""
    text = decoded.text
    if not text:
        return Judged("")
    sure = decoded.log_probability
    if decoded.no_speech > limits.no_speech and sure < limits.log_probability:
        return Judged(
            "", f"no speech (probability {decoded.no_speech:.2f}, log probability {sure:.2f})"
        )
    kept = without_hallucinated_phrases(text)
    if not kept:
        return Judged("", "a known phantom phrase")
    if kept != text:
        return Judged(kept, "a phrase repeated over and over")
    ratio = compression_ratio(text)
    if ratio > limits.compression_ratio:
        return Judged("", f"repetitive (compression ratio {ratio:.1f})")
    return Judged(text)
