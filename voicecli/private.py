"""Writes what is nobody else's business: files and folders that only their owner can open.

Speech and words go through here, whatever the umask says. A file is whole or not there, and a link
that somebody planted in its place or its draft's is replaced, never followed. What the system has
in /dev, such as /dev/stdout, is written into as it is.
"""

import os
import stat
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from io import FileIO
from pathlib import Path
from typing import BinaryIO


def make_folder(path: Path) -> None:
    """Make a folder and those above it, each 0700; one that exists stays as it is."""
    for folder in (*reversed(path.parents), path):
        if not folder.is_dir():
            folder.mkdir(mode=0o700, exist_ok=True)


@contextmanager
def draft_of(path: Path) -> Iterator[BinaryIO]:
    """A new 0600 file that takes the place of `path` when the block ends well; OSError.

    A device or a pipe of one's own, such as /dev/stdout, keeps its place and is written to.
    """
    if _is_no_place(path):
        with os.fdopen(os.open(path, os.O_WRONLY | os.O_APPEND), "wb") as file:
            yield file
        return
    make_folder(path.parent)
    number, name = tempfile.mkstemp(prefix=f".{path.name}-", dir=path.parent)
    try:
        with os.fdopen(number, "wb") as file:
            yield file
        Path(name).replace(path)
    finally:
        Path(name).unlink(missing_ok=True)


def _is_no_place(path: Path) -> bool:
    try:
        found = path.lstat()
    except OSError:
        return False
    if stat.S_ISLNK(found.st_mode):  # /dev/stdout is a link, that nobody can have planted
        return path.absolute().parent == Path("/dev")
    own_pipe = stat.S_ISFIFO(found.st_mode) and found.st_uid == os.geteuid()
    return stat.S_ISCHR(found.st_mode) or own_pipe


def open_new(path: Path) -> FileIO:
    """An empty 0600 file that can be read while it is written, in place of what was there."""
    if _is_no_place(path):
        return FileIO(path, "wb")
    path.unlink(missing_ok=True)
    number = os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    return os.fdopen(number, "wb", buffering=0)
