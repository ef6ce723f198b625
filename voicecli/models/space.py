"""Refuses to begin what the disk has no room for."""

import shutil
from pathlib import Path

from voicecli.errors import StorageError

_SPARE = 16 << 20
"""Bytes left over for receipts, logs and other programs."""


def require_space(folder: Path, needed: int, what: str) -> None:
    """Check that `needed` bytes fit into the file system of an existing folder.

    Raises:
        StorageError: they do not.
    """
    free = shutil.disk_usage(folder).free
    if free < needed + _SPARE:
        raise StorageError(
            f"{what} needs {megabytes(needed)} but only {megabytes(free)} are free in {folder}; "
            "make room, or set VOICECLI_HOME to a folder on another disk"
        )


def megabytes(count: int) -> str:
    """A number of bytes for people, in units of 10^6 bytes."""
    return f"{count / 1e6:,.1f} MB"
