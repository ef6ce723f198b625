"""Files of weights on disk: their hashes, copying them, and room for them."""

import hashlib
import shutil
from pathlib import Path
from typing import IO

from voicecli.errors import StorageError

_CHUNK = 1 << 20


def sha256_of(path: Path) -> str:
    """The sha256 of a file, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def git_hash_of(path: Path) -> str:
    """The hash by which git, and so the hub for small files, names a file's content."""
    digest = hashlib.sha1(f"blob {path.stat().st_size}\0".encode(), usedforsecurity=False)
    with path.open("rb") as file:
        while chunk := file.read(_CHUNK):
            digest.update(chunk)
    return digest.hexdigest()


def copy_onto(source: IO[bytes], target: IO[bytes], digest: "hashlib._Hash", most: int) -> None:
    """Copy a stream onto the end of a file, and its bytes into the hash, a megabyte at a time.

    No more than a chunk is read beyond the file's `most` bytes: the hash is wrong by then.
    """
    while target.tell() <= most and (chunk := source.read(min(_CHUNK, most + 1))):
        digest.update(chunk)
        target.write(chunk)


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
