"""The folder that one call leaves behind.

`call.wav` (16-bit stereo at the line's rate: left the caller as uttered, right the agent as it
reaches the caller's ear, both aligned to the sample with the journal's clock), `journal.jsonl`,
`profile.toml`, and perhaps `policy.toml` (thresholds laid over the profile's in that run) and
`labels.json`, whose seconds are those of the call.
"""

import io
import os
import shutil
import stat
import tempfile
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt
import soundfile

from pipelines.engines.text_file import decode
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import SECOND
from voicecli.errors import InputError, StorageError
from voicecli.private import make_folder
from voicecli.recording.files import AUDIO, JOURNAL, LABELS, POLICY, PROFILE
from voicecli.recording.journal import (
    JournalHeader,
    JournalWriter,
    read_header,
    read_journal,
    storing,
)
from voicecli.recording.labels import Labels, read_labels, write_labels

_MOST_BYTES: Final = {
    JOURNAL: 1 << 28, AUDIO: 1 << 30, PROFILE: 1 << 18, POLICY: 1 << 18, LABELS: 1 << 24,
}  # fmt: skip
_METADATA: Final = {
    "line": (str,), "seed": (int,), "started_at": (str,), "bookmarks_s": (list,),
    "diverged_s": (int, float),
}  # fmt: skip
_LONGEST_NAME: Final = 4096
_MOST_BOOKMARKS: Final = 1000
_SLACK_S: Final = 3600.0

Stereo: TypeAlias = npt.NDArray[np.int16] | npt.NDArray[np.float32]
"""Audio of shape (samples, 2): caller, agent; float in [-1, 1]."""


@dataclass(frozen=True, slots=True)
class Bundle:
    """One recorded call, read back."""

    path: Path
    header: JournalHeader
    entries: list[Entry]
    stereo: npt.NDArray[np.int16]
    """Shape (samples, 2) at `header.rate` Hz: caller, agent."""
    profile: str
    """The text of the profile the call was made with (TOML)."""
    labels: Labels | None


def write_bundle(
    path: Path,
    header: JournalHeader,
    entries: Iterable[Entry],
    stereo: Stereo,
    *,
    profile: str,
    policy: str | None = None,
    labels: Labels | None = None,
) -> None:
    """Write a call's folder in one step, in place of an older recording of that name.

    Raises StorageError, leaving nothing behind and what was there untouched.
    """
    if path.exists() and not _is_replaceable(path):
        raise StorageError(f"{path} exists and is not a recorded call; choose another folder.")
    with _draft_of(path) as draft:
        (draft / AUDIO).write_bytes(_wav(stereo, header.rate))
        (draft / PROFILE).write_text(profile, encoding="utf-8")
        if policy is not None:
            (draft / POLICY).write_text(policy, encoding="utf-8")
        if labels is not None:
            write_labels(draft / LABELS, labels)
        with JournalWriter(draft / JOURNAL, header) as journal:
            for entry in entries:
                journal.append(entry)


def read_bundle(path: Path) -> Bundle:
    """Read a call's folder; InputError names the part that is missing or damaged."""
    if not path.is_dir():
        raise InputError(f"{path}: there is no such folder; give the folder of a recorded call.")
    _check_parts(path)
    header, entries = read_journal(path / JOURNAL)
    _check_metadata(path, header)
    stereo = _read_wav(path / AUDIO, header.rate)
    labels = None
    if (path / LABELS).exists():
        labels = read_labels(path / LABELS, len(stereo) / header.rate)
    if entries and max(e.at for e in entries) / SECOND > len(stereo) / header.rate + _SLACK_S:
        raise InputError(
            f"{path}: {JOURNAL} goes on long after the audio has ended; copy the folder again."
        )
    return Bundle(path, header, entries, stereo, _read_text(path / PROFILE), labels)


def glance(path: Path) -> tuple[JournalHeader, float]:
    """A call's header and its length in seconds, from the heads of its files: nothing is decoded.

    Raises InputError as `read_bundle` does, as far as that shows.
    """
    _check_parts(path)
    header = read_header(path / JOURNAL)
    _check_metadata(path, header)
    return header, _check_wav(path / AUDIO, header.rate) / header.rate


def _check_parts(path: Path) -> None:
    """Before anything is read: each part is a file of this folder and no larger than a call's."""
    for part, most in _MOST_BYTES.items():
        try:
            found = (path / part).lstat()
        except OSError:
            if part in {POLICY, LABELS}:
                continue
            raise InputError(
                f"{path}: {part} is missing, so this is not a whole recorded call; "
                "copy the folder again or record the call again."
            ) from None
        if not stat.S_ISREG(found.st_mode):
            raise InputError(f"{path}: {part} is a link or no file; put the file itself there.")
        if found.st_size > most:
            raise InputError(f"{path}: {part} is larger than that of any call ({most:,} bytes).")


def _check_metadata(path: Path, header: JournalHeader) -> None:
    """What others read of it, where it is there; the rest is free."""
    for key, kind in _METADATA.items():
        value = header.metadata.get(key)
        if value is not None and (type(value) not in kind or not _is_sensible(value)):
            raise InputError(f"{path}: {JOURNAL} has an absurd {key}; correct or delete it.")


def _is_sensible(value: object) -> bool:
    if isinstance(value, list):
        return len(value) <= _MOST_BOOKMARKS and all(
            type(item) in {int, float} and _is_sensible(item) for item in value
        )
    if isinstance(value, str):
        return len(value) <= _LONGEST_NAME
    return isinstance(value, int | float) and abs(value) < 1 << 63


def is_bundle(path: Path) -> bool:
    """Whether a path looks like the folder of a recorded call."""
    return os.path.isfile(path / JOURNAL)  # noqa: PTH113 - also of what may not be looked into


def _is_replaceable(path: Path) -> bool:
    return path.is_dir() and (is_bundle(path) or not any(path.iterdir()))


@contextmanager
def _draft_of(path: Path) -> Iterator[Path]:
    """A hidden folder beside `path` that takes its place only if the block succeeds."""
    with storing(path):
        make_folder(path.parent)
        hidden = Path(tempfile.mkdtemp(prefix=f".{path.name}-", dir=path.parent))
        draft, replaced = hidden / "new", hidden / "old"
        try:
            draft.mkdir(mode=0o700)
            yield draft
            for part in draft.iterdir():  # nobody could come here yet
                part.chmod(0o600)
            if path.exists():
                path.rename(replaced)
            try:
                draft.rename(path)
            except OSError:
                if replaced.exists():
                    replaced.rename(path)
                raise
        finally:
            shutil.rmtree(hidden, ignore_errors=True)


def _wav(stereo: Stereo, rate: int) -> bytes:
    # Encoded in memory: libsndfile reports a full disk without saying so.
    content = io.BytesIO()
    soundfile.write(content, stereo, rate, subtype="PCM_16", format="WAV")
    return content.getvalue()


def _check_wav(path: Path, rate: int) -> int:
    """Refuse by its head what is not a call's audio at `rate` Hz; else how many samples it has."""
    try:
        size = path.stat().st_size
        with path.open("rb") as file:
            promised = int.from_bytes(file.read(8)[4:], "little") + 8
        with soundfile.SoundFile(path) as head:  # others than WAV may unpack to gigabytes
            kind, frames = (head.format, head.subtype), head.frames
            found, channels = head.samplerate, head.channels
    except (OSError, soundfile.LibsndfileError) as error:
        raise InputError(
            f"{path}: the audio cannot be read ({error}); copy the folder again."
        ) from None
    if kind not in {("WAV", "PCM_16"), ("WAVEX", "PCM_16")}:
        raise InputError(f"{path}: this is no 16-bit WAV file; put the original back.")
    if size < promised:  # libsndfile reads a file that was cut off without complaint
        raise InputError(f"{path}: the audio is cut off; copy the folder again.")
    if found != rate or channels != 2:
        raise InputError(
            f"{path}: {found} Hz with {channels} channel(s), but the journal was recorded "
            f"at {rate} Hz in stereo; put the original {AUDIO} back."
        )
    return min(frames, size // 4)


def _read_wav(path: Path, rate: int) -> npt.NDArray[np.int16]:
    _check_wav(path, rate)
    try:
        stereo, _ = soundfile.read(path, dtype="int16", always_2d=True)
    except (OSError, soundfile.LibsndfileError) as error:
        raise InputError(
            f"{path}: the audio cannot be read ({error}); copy the folder again."
        ) from None
    return stereo.astype(np.int16, copy=False)


def _read_text(path: Path) -> str:
    try:
        return decode(path.read_bytes())
    except (OSError, ValueError) as error:
        raise InputError(
            f"{path}: the file cannot be read ({error}); copy the folder again."
        ) from None
