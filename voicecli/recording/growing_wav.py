"""A WAV file that is whole at every moment while it grows.

soundfile writes a file's length when it closes it, and libsndfile keeps a full disk to itself; here
the length follows the samples, and a refusal is a StorageError.
"""

import struct
from pathlib import Path

import numpy as np
import numpy.typing as npt

from voicecli.private import open_new
from voicecli.recording.journal import storing

_CHANNELS = 2
_FRAME_BYTES = 2 * _CHANNELS
_HEADER = struct.Struct("<4sI4s4sIHHIIHH4sI")


class GrowingWav:
    """A 16-bit stereo file of `rate` Hz; every method raises StorageError if the disk refuses."""

    def __init__(self, path: Path, rate: int) -> None:
        self._path = path
        self._rate = rate
        self._frames = 0
        with storing(path):
            self._file = open_new(path)
            self._put_header()

    def put(self, start: int, stereo: npt.NDArray[np.int16]) -> None:
        """Write samples, shape (n, 2), from sample `start` on, over what may stand there.

        After a refusal the file is as long as it was; the same samples may be put again.
        """
        with storing(self._path):
            self._write_at(_HEADER.size + start * _FRAME_BYTES, stereo.astype("<i2").tobytes())
            self._frames = max(self._frames, start + len(stereo))
            self._put_header()

    def close(self) -> None:
        """Give the file back."""
        self._file.close()

    def _put_header(self) -> None:
        size = self._frames * _FRAME_BYTES
        header = _HEADER.pack(
            b"RIFF", size + _HEADER.size - 8, b"WAVE", b"fmt ", 16, 1, _CHANNELS, self._rate,
            self._rate * _FRAME_BYTES, _FRAME_BYTES, 16, b"data", size,
        )  # fmt: skip
        self._write_at(0, header)

    def _write_at(self, position: int, content: bytes) -> None:
        self._file.seek(position)
        view = memoryview(content)
        while view:  # a disk that is nearly full takes a part
            view = view[self._file.write(view) :]
