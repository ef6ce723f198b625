"""A voice that speaks in Morse code: a TTS engine that a package of its own adds to voicecli."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.engines.registry import Context

SAMPLE_RATE = 8000
CODE = {
    "a": ".-", "b": "-...", "c": "-.-.", "d": "-..", "e": ".", "f": "..-.", "g": "--.",
    "h": "....", "i": "..", "j": ".---", "k": "-.-", "l": ".-..", "m": "--", "n": "-.",
    "o": "---", "p": ".--.", "q": "--.-", "r": ".-.", "s": "...", "t": "-", "u": "..-",
    "v": "...-", "w": ".--", "x": "-..-", "y": "-.--", "z": "--..", "0": "-----", "1": ".----",
    "2": "..---", "3": "...--", "4": "....-", "5": ".....", "6": "-....", "7": "--...",
    "8": "---..", "9": "----.", ".": ".-.-.-", ",": "--..--", "?": "..--..",
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table [tts]; every one has a default."""

    dot_ms: int = 12
    """Length of a dot; a dash has three of them."""
    tone_hz: float = 600.0


class MorseTts:
    """What `pipelines.engines.protocols.Tts` asks for: a rate, and `synthesize`."""

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: Settings) -> None:
        samples = SAMPLE_RATE * settings.dot_ms // 1000
        self._pause = np.zeros(samples, np.float32)
        self._sounds = {
            sign: self._tone(length * samples, settings.tone_hz)
            for sign, length in ((".", 1), ("-", 3))
        }

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """A chunk of audio for each character; between words there is silence."""
        for character in text.lower():
            if stop.is_set():
                return
            signs = CODE.get(character)
            if signs is None:
                yield np.tile(self._pause, 4)
                continue
            sounds = [part for sign in signs for part in (self._sounds[sign], self._pause)]
            yield np.concatenate([*sounds, self._pause, self._pause])

    @staticmethod
    def _tone(samples: int, hz: float) -> Pcm:
        seconds = np.arange(samples) / SAMPLE_RATE
        return (0.3 * np.sin(2 * np.pi * hz * seconds)).astype(np.float32)


def build(settings: Settings, context: Context) -> MorseTts:  # noqa: ARG001 (every build's shape)
    """Build the engine; `context` finds weights and files, of which this one needs none."""
    if settings.dot_ms < 1:
        raise ValueError("dot_ms must be at least 1")
    return MorseTts(settings)
