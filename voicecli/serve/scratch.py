"""The server's temporary folder, and those that servers left behind which were killed."""

import fcntl
import os
import shutil
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from multiprocessing.util import Finalize
from pathlib import Path
from typing import Final

_PREFIX: Final = "voicecli-"
_LONGEST: Final = 50
"""Characters of the folder above: a socket's path must fit into about a hundred."""
_LOCK: Final = "owner"
_LAST: Final = -200
"""After multiprocessing has removed its own folder in ours."""

_mine: list[tuple[Path, int]] = []


@contextmanager
def temporary_files_in_scratch() -> Iterator[None]:
    """What is made in the temporary folder within the block goes when we go, or the next comes."""
    before = tempfile.tempdir
    tempfile.tempdir = str(_scratch())
    try:
        yield
    finally:
        tempfile.tempdir = before


def _scratch() -> Path:
    if not _mine:
        _clean()
        folder = Path(tempfile.mkdtemp(prefix=_PREFIX, dir=_above()))
        draft = folder / f".{_LOCK}"
        lock = os.open(draft, os.O_CREAT | os.O_RDWR, 0o600)
        fcntl.flock(lock, fcntl.LOCK_EX)
        draft.rename(folder / _LOCK)  # whoever sees it finds it locked
        _mine.append((folder, lock))
        Finalize(None, shutil.rmtree, (folder,), {"ignore_errors": True}, exitpriority=_LAST)
    return _mine[0][0]


def _above() -> str:
    return tempfile.gettempdir() if len(tempfile.gettempdir()) <= _LONGEST else "/tmp"  # noqa: S108


def _clean() -> None:
    """Remove the folders of servers that are no more: nobody holds their lock."""
    for folder in Path(_above()).glob(f"{_PREFIX}*"):
        with suppress(OSError):  # another user's, or a link
            lock = os.open(folder / _LOCK, os.O_RDWR | os.O_NOFOLLOW)
            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
                if not folder.is_symlink() and os.fstat(lock).st_uid == os.getuid():
                    shutil.rmtree(folder)
            finally:
                os.close(lock)
