"""The calls that a user has kept, by name; changes with what can be done with a kept call."""

import shutil
import zipfile
from dataclasses import dataclass
from pathlib import Path

from voicecli.errors import InputError, VoicecliError
from voicecli.recording.bundle import AUDIO, JOURNAL, LABELS, PROFILE, is_bundle, read_bundle
from voicecli.recording.journal import storing
from voicecli.tables import suggest


@dataclass(frozen=True, slots=True)
class KeptCall:
    """One call in short."""

    name: str
    seconds: float
    profile: str
    line: str
    note: str
    """What is wrong with it, or that it was cut short; empty if nothing."""


def kept_calls(folder: Path) -> list[KeptCall]:
    """Every call in a folder, the oldest first; a damaged one says so in its note."""
    if not folder.is_dir():
        return []
    return [_short(path) for path in sorted(folder.iterdir()) if is_bundle(path)]


def find_call(folder: Path, name: str) -> Path:
    """The folder of a call by its name, the beginning of it if only one fits, "last", or its path.

    Raises InputError if there is none, or several fit.
    """
    path = Path(name).expanduser()
    if is_bundle(path):
        return path
    names = sorted(p.name for p in folder.iterdir() if is_bundle(p)) if folder.is_dir() else []
    fitting = names[-1:] if name == "last" else [known for known in names if known == name]
    fitting = fitting or [known for known in names if known.startswith(name)]
    if len(fitting) == 1:
        return folder / fitting[0]
    if fitting:
        raise InputError(f'"{name}" fits {len(fitting)} calls: {", ".join(fitting)}.')
    if not names:
        raise InputError(f"{folder} holds no calls yet; `voicecli talk` keeps each one there.")
    raise InputError(f'there is no call "{name}"; {suggest(name, names)}')


def export_call(call: Path, archive: Path) -> None:
    """Put a call's folder into a zip file, to be sent to somebody.

    Raises StorageError if it cannot be written, leaving nothing behind.
    """
    draft = archive.with_name(f".{archive.name}.part")
    try:
        with storing(archive), zipfile.ZipFile(draft, "w", zipfile.ZIP_DEFLATED) as packed:
            for part in (AUDIO, JOURNAL, PROFILE, LABELS):
                if (call / part).is_file():
                    packed.write(call / part, f"{call.name}/{part}")
        with storing(archive):
            draft.replace(archive)
    finally:
        draft.unlink(missing_ok=True)


def delete_call(call: Path) -> None:
    """Remove a call for good.

    Raises InputError if it is no recorded call, StorageError if it cannot be removed.
    """
    if not is_bundle(call):
        raise InputError(f"{call} is not a recorded call; nothing was deleted.")
    with storing(call):
        shutil.rmtree(call)


def _short(path: Path) -> KeptCall:
    try:
        bundle = read_bundle(path)
    except VoicecliError as error:
        return KeptCall(path.name, 0.0, "", "", str(error))
    header = bundle.header
    seconds = len(bundle.stereo) / header.rate
    note = "cut short, or still under way" if header.partial else ""
    line = str(header.metadata.get("line", ""))
    return KeptCall(path.name, seconds, header.profile, line, note)
