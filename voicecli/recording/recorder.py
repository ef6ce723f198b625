"""Writes the folder of a call while it goes on.

Everything is written by a thread of its own, once a second, so that neither a slow disk nor a full
one is felt in the call. Whatever ends the process, what was written is a bundle that can be read,
shown and replayed, marked as cut short.
"""

import threading
from collections import deque
from collections.abc import Callable
from itertools import count
from pathlib import Path
from typing import Any, Protocol

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.journal import Entry
from voicecli.errors import StorageError
from voicecli.private import draft_of, make_folder
from voicecli.recording.bundle import AUDIO, JOURNAL, PROFILE
from voicecli.recording.growing_wav import GrowingWav
from voicecli.recording.journal import JournalHeader, JournalWriter, storing
from voicecli.redaction.sound import SoundRedactor

EVERY_S = 1.0
"""What a crash may cost."""


class Tracks(Protocol):
    """The audio of a call under way, such as `voicecli.transports.capture.Capture`."""

    def fresh(self) -> tuple[int, npt.NDArray[np.int16]]:
        """What has changed since last asked: its first sample, and audio of shape (n, 2)."""
        ...

    def stale(self, start: int) -> None:
        """What was given from that sample on could not be used."""
        ...


class CallRecorder:
    """One call's folder, from its beginning to `close`.

    Args:
        path: of the folder; made with a number behind its name if it exists.
        header: of the journal, with what is known now; more may follow with `note`.
        tracks: where the audio gathers.
        profile: the text of the profile (TOML).
        notify: told, once, in a sentence if nothing can be written; called on the thread. The call
            goes on, and if there is room again what is missing is written after all.
        alter: what is done to an entry before it is stored.
        sound: takes secrets out of the audio, which is then written by `close` alone: only then is
            it known what was said.
    """

    def __init__(
        self,
        path: Path,
        header: JournalHeader,
        tracks: Tracks,
        *,
        profile: str,
        notify: Callable[[str], None],
        alter: Callable[[Entry], Entry] | None = None,
        sound: SoundRedactor | None = None,
    ) -> None:
        self.path = path
        self._header, self._tracks, self._profile = header, tracks, profile
        self._notify, self._alter, self._sound = notify, alter, sound
        self._entries: deque[Entry] = deque()
        self._notes: deque[dict[str, Any]] = deque()
        self._files: tuple[JournalWriter, GrowingWav] | None = None
        self._made = self._told = False
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._run, name="recorder", daemon=True)
        self._thread.start()

    def record(self, entry: Entry) -> None:
        """Take an entry of the journal; never waits."""
        self._entries.append(entry)

    def note(self, **metadata: Any) -> None:
        """Add to the header, as JSON values; a later value takes the place of an earlier one."""
        self._notes.append(metadata)

    def close(self, *, partial: bool = False) -> bool:
        """Write the rest, `partial` if the call broke down; whether all of the call is stored."""
        self._ending.set()
        self._thread.join()
        try:
            self._write()
            journal, wav = self._opened()
            if self._sound is not None:
                self._put_audio(wav)
            wav.close()
            journal.close(partial=partial)
        except StorageError as error:
            self._tell(error)
            return False
        return True

    # -- on the thread, and at the end on that of `close` ---------------------------------------

    def _run(self) -> None:
        while not self._ending.wait(EVERY_S):
            try:
                self._write()
            except StorageError as error:
                self._tell(error)

    def _write(self) -> None:
        """Audio first: what the journal tells of can then be heard."""
        journal, wav = self._opened()
        if self._sound is None:
            self._put_audio(wav)
        while self._entries:
            entry = self._entries.popleft()
            if self._sound is not None:
                self._sound.record(entry)
            journal.append(entry if self._alter is None else self._alter(entry))
        while self._notes:
            journal.note(self._notes.popleft())
        journal.flush()

    def _put_audio(self, wav: GrowingWav) -> None:
        start, stereo = self._tracks.fresh()
        try:
            if self._sound is not None:
                stereo = self._sound.redacted(stereo, self._header.rate)
            wav.put(start, stereo)
        except StorageError:
            self._tracks.stale(start)
            raise

    def _opened(self) -> tuple[JournalWriter, GrowingWav]:
        """The journal comes last: with it the folder becomes a recorded call."""
        if self._files is None:
            self._make_folder()
            with storing(self.path), draft_of(self.path / PROFILE) as draft:
                draft.write(self._profile.encode())
            wav = GrowingWav(self.path / AUDIO, self._header.rate)
            self._files = JournalWriter(self.path / JOURNAL, self._header), wav
        return self._files

    def _make_folder(self) -> None:
        if self._made:
            return
        wanted = self.path
        with storing(wanted):
            make_folder(wanted.parent)
            for number in count(2):
                try:
                    self.path.mkdir(mode=0o700)
                except FileExistsError:
                    self.path = wanted.with_name(f"{wanted.name}-{number}")
                else:
                    self._made = True
                    return

    def _tell(self, error: StorageError) -> None:
        if not self._told:
            self._told = True
            goes_on = "" if self._ending.is_set() else " The call goes on."
            self._notify(f"The recording is not complete: {error}{goes_on}")
