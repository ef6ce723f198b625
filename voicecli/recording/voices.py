"""Speaks the words of a call script; changes with what there is to speak them.

espeak-ng comes with the package and has many voices, but they are synthesised from formants:
recognisers get a good third of their words wrong. The voices of Flite (Carnegie Mellon University)
are made from recordings of people; its program must be installed.
"""

import shutil
import subprocess
import threading
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import soundfile

from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context
from pipelines.engines.tts import espeak
from voicecli.errors import InputError

FLITE = "flite:"
"""Begins the name of a voice of Flite's."""
_FLITE_PACE = 170
"""Words a minute that Flite speaks of its own accord, about."""
_LONGEST_S = 60


def speak(text: str, voice: str, words_per_minute: int, pitch: int) -> tuple[Pcm, int]:
    """The text as sound of shape (n,), float32, and its rate in Hz; n may be 0.

    Args:
        text: what is said; its last punctuation decides whether the voice falls.
        voice: one of espeak-ng's, such as en-gb+f1, or of Flite's, such as flite:rms.
        words_per_minute: the pace.
        pitch: 0 to 99; for espeak-ng.

    Raises:
        InputError: there is no such voice, or Flite is not installed.
    """
    if voice.startswith(FLITE):
        return _flite(text, voice.removeprefix(FLITE), words_per_minute)
    settings = espeak.Settings(
        voice=voice, words_per_minute=words_per_minute, pitch=pitch, end_pause_ms=0
    )
    try:
        tts = espeak.build(settings, Context(locate=Path))
    except ValueError as error:
        raise InputError(f"voice: {error}") from None
    chunks = list(tts.synthesize(text, threading.Event()))
    return (np.concatenate(chunks) if chunks else np.zeros(0, np.float32)), tts.sample_rate


def _flite(text: str, voice: str, words_per_minute: int) -> tuple[Pcm, int]:
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
