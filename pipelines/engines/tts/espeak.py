"""Speech from espeak-ng, called through ctypes.

Functions and constants: speak_lib.h of espeak-ng 1.52 (https://github.com/espeak-ng/espeak-ng).
The library keeps its voice and its state in global variables, so there is one `_Library` in the
process, and a lock around each use of it.
"""

import ctypes
import functools
import tempfile
import threading
import unicodedata
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

import numpy as np

from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.engines.registry import Context
from pipelines.engines.text_normalization.normalizer import normalizer
from pipelines.engines.trimming import SilenceTrimmer
from pipelines.turn_taking.bounds import bounded, check_bounds

SAMPLE_RATE = 22050
CHUNK_MS = 60
LEAD_MS = 5
GIVE_WAY_S = 0.01

AUDIO_OUTPUT_SYNCHRONOUS = 2
INITIALIZE_DONT_EXIT = 0x8000
CHARS_UTF8 = 1  # and not SSML (0x10): "<" and "&" are text
RATE, PITCH = 1, 3
REPEATABLE = ("flutter 0", "roughness 0", "breath 0 0 0 0 0 0 0 0", "echo 0 0")
"""Lines of a voice's definition that turn off what goes on from one utterance to the next."""
_Callback = ctypes.CFUNCTYPE(
    ctypes.c_int, ctypes.POINTER(ctypes.c_short), ctypes.c_int, ctypes.c_void_p
)


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    voice: str = "en-us"
    """A language of espeak-ng, with a variant after a plus sign if wanted: `en-gb+f3`."""
    words_per_minute: int = bounded(175, 80, 450)
    """80 to 450."""
    pitch: int = bounded(50, 0, 99)
    """0 to 99."""
    end_pause_ms: int = bounded(100, 0)
    """Silence after the text, so that one clause does not run into the next."""


class _Library:
    """The process's one espeak-ng."""

    def __init__(self) -> None:
        import espeakng_loader  # noqa: PLC0415 (only when an engine is built)

        self._lib = ctypes.CDLL(espeakng_loader.get_library_path())
        self._data = Path(espeakng_loader.get_data_path())
        rate = self._lib.espeak_Initialize(
            AUDIO_OUTPUT_SYNCHRONOUS, CHUNK_MS, str(self._data).encode(), INITIALIZE_DONT_EXIT
        )
        if rate != SAMPLE_RATE:
            raise RuntimeError(f"espeak-ng could not be initialised (status {rate})")
        self._deliver: Callable[[Pcm], bool] = lambda _: False
        self._callback = _Callback(self._on_audio)  # kept here: ctypes does not
        self._lib.espeak_SetSynthCallback(self._callback)
        self._lock = threading.Lock()
        self._current: Settings | None = None

    def voice_file(self, voice: str) -> str:
        """The definition of a voice, made repeatable.

        The flutter of pitch and amplitude, and the noise and echo of some variants, go on from one
        utterance to the next, so that the same text never sounds quite the same twice, and a
        replayed call would differ by a few samples from the call. Only a voice's definition can
        turn them off.

        Raises:
            ValueError: there is no such voice.
        """
        language, plus, variant = voice.partition("+")
        files = [_language_file(self._data / "lang", language)]
        if plus:
            files.append(_named(self._data / "voices" / "!v", variant))
        lines = [file.read_text(encoding="utf-8") for file in files if file]
        if len(lines) < len(files):
            raise ValueError(
                f'espeak-ng has no voice "{voice}"; a language such as en-us, en-gb or de, '
                "with a variant such as +f3 if wanted, is one"
            )
        return "\n".join([*lines, *REPEATABLE, ""])

    def speak(
        self, text: str, settings: Settings, voice_file: str, deliver: Callable[[Pcm], bool]
    ) -> None:
        """Hand over the text's audio in chunks of about CHUNK_MS until `deliver` says False."""
        with self._lock:
            if self._current != settings:
                self._use(settings, voice_file)
            self._deliver = deliver
            data = text.encode("utf-8", "replace")
            self._lib.espeak_Synth(data, len(data) + 1, 0, 1, 0, CHARS_UTF8, None, None)

    def _use(self, settings: Settings, voice_file: str) -> None:
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".voice") as file:
            file.write(voice_file)
            file.flush()
            status = self._lib.espeak_SetVoiceByFile(file.name.encode())
        if status != 0:
            raise RuntimeError(f"espeak-ng refused its own voice {settings.voice} ({status})")
        self._lib.espeak_SetParameter(RATE, settings.words_per_minute, 0)
        self._lib.espeak_SetParameter(PITCH, settings.pitch, 0)
        self._current = settings

    def _on_audio(self, samples: "ctypes._Pointer[ctypes.c_short]", count: int, _: int) -> int:
        if not samples or count == 0:
            return 0
        pcm = np.ctypeslib.as_array(samples, (count,)).astype(np.float32) / 32768.0
        return 0 if self._deliver(pcm) else 1


def _named(folder: Path, name: str) -> Path | None:
    """The file of that name anywhere in the folder, whatever the case."""
    files = (file for file in sorted(folder.rglob("*")) if file.is_file())
    return next((file for file in files if file.name.lower() == name.lower()), None)


def _language_file(folder: Path, language: str) -> Path | None:
    """The definition of a language by its file's name, or by the tag that the file gives it.

    `en-gb` is not the name of a file but the first tag in the file `en`.
    """
    if named := _named(folder, language):
        return named
    for file in sorted(folder.rglob("*")):
        if file.is_file():
            words = [line.split() for line in file.read_text(encoding="utf-8").splitlines()]
            if ["language", language.lower()] in [line[:2] for line in words]:
                return file
    return None


@functools.cache
def _library() -> _Library:
    return _Library()


class EspeakTts:
    """A formant synthesiser: robotic, tiny, and several hundred times faster than real time."""

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: Settings, library: _Library) -> None:
        self._settings = settings
        self._library = library
        self._voice_file = library.voice_file(settings.voice)
        self._read = normalizer(settings.voice.partition("+")[0])

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """Audio of `text` in chunks of about 60 ms; nothing for text without a sound."""
        text = "".join(" " if unicodedata.category(char) in {"Cc", "Cs"} else char for char in text)
        if not any(char.isalnum() for char in text):
            return
        text = self._read(text)
        trimmer = SilenceTrimmer(
            lead=SAMPLE_RATE * LEAD_MS // 1000,
            tail=SAMPLE_RATE * self._settings.end_pause_ms // 1000,
        )
        for chunk in self._stream(text, stop):
            if len(audible := trimmer.feed(chunk)):
                yield audible
        if not stop.is_set() and len(tail := trimmer.finish()):
            yield tail

    def _stream(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """The library's callbacks turned into an iterator, by a thread that lives for one text.

        The queue needs no bound: it never holds more than one clause, and a producer that waited
        for its consumer would keep the library from everyone else. It gives way only until its
        first chunk is taken, since Python lets a waiting thread run after 5 ms otherwise.
        """
        chunks: SimpleQueue[Pcm | BaseException | None] = SimpleQueue()
        taken, abandoned = threading.Event(), threading.Event()

        def deliver(pcm: Pcm) -> bool:
            chunks.put(pcm)
            taken.wait(GIVE_WAY_S)
            return not (stop.is_set() or abandoned.is_set())

        def produce() -> None:
            try:
                self._library.speak(text, self._settings, self._voice_file, deliver)
                chunks.put(None)
            except BaseException as error:  # noqa: BLE001 (carried over to the consumer's thread)
                chunks.put(error)

        threading.Thread(target=produce, name="espeak", daemon=True).start()
        try:
            while (chunk := chunks.get()) is not None and not stop.is_set():
                taken.set()
                if isinstance(chunk, BaseException):
                    raise chunk
                yield chunk
        finally:
            abandoned.set()
            taken.set()


def build(settings: Settings, context: Context) -> EspeakTts:  # noqa: ARG001 (every build's shape)
    """Load the library and the voice.

    Raises:
        ValueError: an unknown voice, or a setting out of range.
        RuntimeError: the library does not start.
    """
    check_bounds(settings)
    tts = EspeakTts(settings, _library())
    for _ in tts.synthesize("Hello.", threading.Event()):  # reads the dictionary
        pass
    return tts
