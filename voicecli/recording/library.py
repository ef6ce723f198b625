"""The calls that a user has kept, by name."""

import os
import re
import stat
import zipfile
from dataclasses import dataclass
from pathlib import Path

from voicecli.errors import InputError, VoicecliError
from voicecli.foreign import named_path, visible
from voicecli.names import refuse_to_overwrite
from voicecli.private import draft_of
from voicecli.recording.bundle import (
    glance,
    is_bundle,
)  # fmt: skip
from voicecli.recording.files import PARTS
from voicecli.recording.journal import storing
from voicecli.toml_schema import suggest

"""All that is ours in a call's folder."""
_NOT_EVERYWHERE = re.compile(r'[\\/:*?"<>|\n\t\ufffd]')
"""What a folder's name in an archive must not hold: elsewhere, some of it leads out of there."""
_SHOWN_NAME = 80
_SHOWN_NOTE = 300


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
    """Every call in a folder, the oldest first, by their heads alone; a damaged one says so."""
    if not folder.is_dir():
        return []
    return [_short(path) for path in sorted(folder.iterdir()) if is_bundle(path)]


def find_call(folder: Path, name: str) -> Path:
    """The folder of a call by its name, the beginning of it if only one fits, "last", or its path.

    Raises InputError if there is none, several fit, or it is no name and no plain path.
    """
    path = named_path(name)
    if not name.strip() or name == "." or ".." in path.parts or "\0" in name:
        raise InputError(f"{name!r} is no call's name; `voicecli recordings list` shows them.")
    if path.name != name and is_bundle(path):
        return path
    return folder / find_name(folder, name)


def find_name(folder: Path, name: str) -> str:
    """The name of a call in the folder, or the one whose beginning is given, or "last".

    Raises InputError if there is none, several fit, or it is no name, such as a path.
    """
    if not name.strip() or name in {".", ".."} or Path(name).name != name or "\0" in name:
        raise InputError(
            f"{name!r} is no call's name; give one as `voicecli recordings list` shows them, "
            "and with --folder where it is."
        )
    calls = folder.iterdir() if folder.is_dir() else ()
    names = sorted(p.name for p in calls if is_bundle(p) and not p.is_symlink())
    fitting = [known for known in names if known == name]
    fitting = fitting or (names[-1:] if name == "last" else [])
    fitting = fitting or [known for known in names if known.startswith(name)]
    if len(fitting) == 1:
        return fitting[0]
    if fitting:
        raise InputError(f'"{name}" fits {len(fitting)} calls: {", ".join(fitting)}.')
    if not names:
        raise InputError(f"{folder} holds no calls yet; `voicecli talk` keeps each one there.")
    raise InputError(f'there is no call "{name}"; {suggest(name, names)}')


def export_call(call: Path, archive: Path) -> None:
    """Put a call's folder into a zip file, to be sent to somebody.

    Raises InputError if a part of it is a link, which might lead to anything of the user's, and
    StorageError if the archive cannot be written, leaving nothing behind.
    """
    for part in PARTS:
        if os.path.lexists(call / part) and not _is_regular(call / part):
            raise InputError(f"{call / part} is a link or no file; nothing was exported.")
    refuse_to_overwrite((archive,), (call,))
    folder = _NOT_EVERYWHERE.sub("_", visible(call.resolve().name))
    with (
        storing(archive),
        draft_of(archive) as file,
        zipfile.ZipFile(file, "w", zipfile.ZIP_DEFLATED) as packed,
    ):
        for part in PARTS:
            if _is_regular(call / part):
                packed.writestr(f"{folder}/{part}", _read_regular(call / part))


def delete_call(call: Path) -> list[str]:
    """Remove a call for good: the parts of it, and its folder if nothing else lies there.

    Returns the names of what else does, and so stays.

    Raises InputError if it is no recorded call, StorageError if it cannot be removed.
    """
    if call.is_symlink() or not is_bundle(call):
        raise InputError(f"{call} is not a recorded call; nothing was deleted.")
    with storing(call):
        for part in PARTS:
            if _is_regular(call / part) or (call / part).is_symlink():
                (call / part).unlink()  # of a link, the link alone
        rest = sorted(path.name for path in call.iterdir())
        if not rest:
            call.rmdir()
    return rest


def _is_regular(path: Path) -> bool:
    try:
        return stat.S_ISREG(path.lstat().st_mode)
    except OSError:
        return False


def _read_regular(path: Path) -> bytes:
    """What is in the file, even if a link takes its place in this moment."""
    number = os.open(path, os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0))
    with os.fdopen(number, "rb") as file:
        return file.read()


def _short(path: Path) -> KeptCall:
    try:
        header, seconds = glance(path)
    except VoicecliError as error:
        return KeptCall(path.name, 0.0, "", "", f"{error!s:.{_SHOWN_NOTE}}")
    note = "cut short, or still under way" if header.partial else ""
    line = str(header.metadata.get("line", ""))
    return KeptCall(
        path.name, seconds, f"{header.profile:.{_SHOWN_NAME}}", f"{line:.{_SHOWN_NAME}}", note
    )
