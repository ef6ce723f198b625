"""Speaks the words of a call script.

espeak-ng comes with the package and has many voices, but they are synthesised from formants:
recognisers get a good third of their words wrong. Those of Piper are neural and made from
recordings of people, as are the voices of Flite (Carnegie Mellon University), whose program must be
installed.
"""

import shutil
import subprocess
import threading
from collections.abc import Callable
from functools import partial
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TypeAlias

import numpy as np
import soundfile

from pipelines.engines.protocols import Pcm, Tts
from pipelines.engines.registry import Context
from pipelines.engines.tts import espeak, piper
from voicecli.errors import InputError
from voicecli.models.store import locate

Voice: TypeAlias = Callable[[str, int], tuple[Pcm, int]]
"""Says a text at a pace, in words a minute: sound of shape (n,), float32, where n may be 0, and its
rate in Hz. The text's last punctuation decides whether the voice falls."""

PIPER, FLITE = "piper:", "flite:"
"""Begin the name of a voice of Piper's and of Flite's."""
_PIPER_PACE = 220
"""Words a minute that Piper speaks of its own accord, about."""
_STEPS_PER_SEMITONE = 5
"""Of `pitch`, for Piper."""
_FLITE_PACE = 170
"""Words a minute that Flite speaks of its own accord, about."""
_LONGEST_S = 60


def open_voice(name: str, pitch: int = 50, seed: int = 0) -> Voice:
    """A voice that says the same things in the same order the same way, to the bit.

    Args:
        name: one of espeak-ng's, such as en-gb+f1; of Piper's, such as piper:en-us-joe-medium, as
            `voicecli models list` has it; or of Flite's, such as flite:rms.
        pitch: 0 to 99; for espeak-ng, and for Piper, where it makes the speaker taller or smaller.
        seed: for Piper, of melody and rhythm.

    Raises:
        InputError: saying something: there is no such voice, or Flite is not installed.
        WeightsError: saying something: Piper's voice is not here; says how to get it.
    """
    if name.startswith(PIPER):
        return _Piper(name.removeprefix(PIPER), pitch, seed)
    if name.startswith(FLITE):
        return partial(_flite, name.removeprefix(FLITE))
    return partial(_espeak, name, pitch)


class _Piper:
    """One of Piper's voices; `pitch` plays it faster or slower, as a smaller or larger throat."""

    def __init__(self, name: str, pitch: int, seed: int) -> None:
        self._weights = f"piper-{name}"
        self._scale = 2 ** ((pitch - 50) / _STEPS_PER_SEMITONE / 12)
        self._seed = seed
        self._at: dict[int, Tts] = {}

    def __call__(self, text: str, words_per_minute: int) -> tuple[Pcm, int]:
        if words_per_minute not in self._at:
            self._at[words_per_minute] = self._load(words_per_minute)
        tts = self._at[words_per_minute]
        return _whole(tts, text), round(tts.sample_rate * self._scale)

    def _load(self, words_per_minute: int) -> Tts:
        import onnxruntime  # noqa: PLC0415 (heavy: only for such a voice)

        rate = words_per_minute / _PIPER_PACE / self._scale
        settings = piper.Settings(self._weights, speaking_rate=rate, end_pause_ms=0)
        onnxruntime.set_seed(self._seed)  # is taken over by a network when it is loaded
        try:
            return piper.build(settings, Context(locate))
        except ValueError as error:
            raise InputError(f"voice: {error}") from None


def _espeak(voice: str, pitch: int, text: str, words_per_minute: int) -> tuple[Pcm, int]:
    settings = espeak.Settings(
        voice=voice, words_per_minute=words_per_minute, pitch=pitch, end_pause_ms=0
    )
    try:
        tts = espeak.build(settings, Context(locate=Path))
    except ValueError as error:
        raise InputError(f"voice: {error}") from None
    return _whole(tts, text), tts.sample_rate


def _whole(tts: Tts, text: str) -> Pcm:
    chunks = list(tts.synthesize(text, threading.Event()))
    return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)


def _flite(voice: str, text: str, words_per_minute: int) -> tuple[Pcm, int]:
    program = shutil.which("flite")
    if program is None:
        raise InputError(
            "voice: Flite is not installed (Debian, Ubuntu: apt-get install flite; "
            "macOS: brew install flite); espeak-ng's voices need nothing"
        )
    known = subprocess.run([program, "-lv"], capture_output=True, text=True, check=False).stdout  # noqa: S603
    names = known.partition(":")[2].split()
    if voice not in names:  # Flite would read it as the path of a voice, or take another
        raise InputError(f"voice: Flite has no {voice!r}; it has {', '.join(names)}")
    with TemporaryDirectory() as folder:
        sound = Path(folder) / "said.wav"
        stretch = f"duration_stretch={_FLITE_PACE / words_per_minute:.3f}"
        command = [program, "-voice", voice, "--setf", stretch, "-t", text, "-o", str(sound)]
        done = subprocess.run(  # noqa: S603 (no shell; the text is one argument)
            command, capture_output=True, timeout=_LONGEST_S, check=False
        )
        if done.returncode or not sound.is_file():
            raise InputError(f"voice: Flite cannot say {text!r}")
        said, rate = soundfile.read(sound, dtype="float32", always_2d=True)
    return np.ascontiguousarray(said[:, 0], np.float32), rate
