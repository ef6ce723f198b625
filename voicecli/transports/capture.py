"""Keeps what was said in a call, both tracks aligned to the sample."""

from threading import Lock

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.transports.base import RATE, Frame


class Capture:
    """Two growing int16 tracks at 8000 Hz: 32 kB a second, 115 MB for the longest call.

    Media time 0 is sample 0 of both. What lies between the pieces is silence. One thread puts
    frames, another may take what is new; neither holds the other up for longer than a copy.
    """

    def __init__(self) -> None:
        self._caller = bytearray()
        self._agent = bytearray()
        self._lock = Lock()
        self._changed = 0
        """The first sample that `fresh` has not given as it is now."""

    def caller(self, frame: Frame, at: Nanos) -> None:
        """Put a frame, shape (n,), that the caller uttered from media time `at` on."""
        self._put(self._caller, frame, at)

    def agent(self, frame: Frame, at: Nanos) -> None:
        """Put a frame, shape (n,), that was at the caller's ear from `at` on."""
        self._put(self._agent, frame, at)

    def heard(self, at: Nanos, samples: int) -> Frame:
        """What was at the caller's ear from `at` on, shape (samples,)."""
        start = 2 * round(at * RATE / SECOND)
        piece = np.frombuffer(bytes(self._agent[start : start + 2 * samples]), np.int16)
        heard = np.zeros(samples, np.int16)
        heard[: len(piece)] = piece
        return heard

    def stereo(self) -> npt.NDArray[np.int16]:
        """Caller left, agent right: shape (samples, 2), int16, 8000 Hz, as long as the longer."""
        return self._from(0)

    def fresh(self) -> tuple[int, npt.NDArray[np.int16]]:
        """What has changed since last asked: the number of its first sample, and as `stereo`."""
        with self._lock:
            start, self._changed = self._changed, max(len(self._caller), len(self._agent)) // 2
            return start, self._from(start)

    def stale(self, start: int) -> None:
        """What `fresh` gave from sample `start` on was of no use: it is to give it again."""
        with self._lock:
            self._changed = min(self._changed, start)

    def _from(self, start: int) -> npt.NDArray[np.int16]:
        tracks = [
            np.frombuffer(bytes(track[2 * start :]), np.int16)
            for track in (self._caller, self._agent)
        ]
        both = np.zeros((max(len(track) for track in tracks), 2), np.int16)
        for channel, track in enumerate(tracks):
            both[: len(track), channel] = track
        return both

    def _put(self, track: bytearray, frame: Frame, at: Nanos) -> None:
        start = 2 * round(at * RATE / SECOND)
        with self._lock:
            self._changed = min(self._changed, start // 2)
            track.extend(bytes(max(0, start - len(track))))
            # A line whose delay has shrunk plays over the end of what it played before.
            track[start : start + frame.nbytes] = frame.tobytes()
