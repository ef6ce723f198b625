"""Files in place of a microphone or a loudspeaker."""

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Protocol

import numpy as np
import soundfile

from voicecli.errors import StorageError
from voicecli.private import open_new
from voicecli.recording.audio_file import read_call_audio
from voicecli.transports.base import FRAME_SAMPLES, RATE
from voicecli.transports.echo_cancellation import Played
from voicecli.transports.ring import Mono


class Source(Protocol):
    """What the caller speaks into."""

    def listen(self) -> tuple[Mono, float]:
        """The next 20 ms, shape (160,), 8000 Hz, and how old their end is, in seconds."""
        ...


class Sink(Protocol):
    """What the caller hears the agent from."""

    def say(self, frame: Mono) -> float:
        """Queue 20 ms, shape (160,), 8000 Hz; how soon their beginning is heard, in seconds."""
        ...

    def played(self) -> Played:
        """What was played, for the frame last listened to."""
        ...


class FileSource:
    """A recording as a microphone: played from the call's beginning, then silence.

    Raises InputError if the file cannot be read as audio.
    """

    def __init__(self, path: Path) -> None:
        audio = read_call_audio(path)
        self._samples = audio.caller.astype(np.float32) / np.float32(32768)
        self._at = 0

    @property
    def ended(self) -> bool:
        """Whether all of it was played."""
        return self._at >= len(self._samples)

    def listen(self) -> tuple[Mono, float]:
        """See `Source`."""
        frame = self._samples[self._at : self._at + FRAME_SAMPLES]
        self._at += FRAME_SAMPLES
        return np.pad(frame, (0, FRAME_SAMPLES - len(frame))), 0.0


class SilentSource:
    """No microphone at all: for callers who type."""

    def listen(self) -> tuple[Mono, float]:
        """See `Source`."""
        return np.zeros(FRAME_SAMPLES, np.float32), 0.0


class FileSink:
    """A WAV file (mono, 16-bit, 8000 Hz) as a loudspeaker; without a path nothing is kept.

    Raises StorageError if the file cannot be written, also from `say` and `close`.
    """

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._last: Mono = np.zeros(FRAME_SAMPLES, np.float32)
        self._file = None
        if path is not None:
            with _storing(path):
                open_new(path).close()
                self._file = soundfile.SoundFile(path, "w", RATE, 1, "PCM_16", format="WAV")

    def say(self, frame: Mono) -> float:
        """See `Sink`."""
        self._last = frame
        if self._file is not None and self._path is not None:
            with _storing(self._path):
                self._file.write(frame)
        return 0.0

    def played(self) -> Played:
        """See `Sink`."""
        return Played(self._last)

    def close(self) -> None:
        """Finish the file."""
        if self._file is not None and self._path is not None:
            with _storing(self._path):
                self._file.close()


@contextmanager
def _storing(path: Path) -> Iterator[None]:
    """Turns a refusal to write into a StorageError that names the file."""
    try:
        yield
    except (OSError, soundfile.LibsndfileError) as error:
        raise StorageError(
            f"{path} cannot be written ({error}); choose another file with --output."
        ) from None
