"""Reading and copying files with their hash."""

import hashlib
from pathlib import Path
from typing import IO

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
