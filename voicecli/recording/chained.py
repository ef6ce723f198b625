"""Where one recording ends and the next begins in a FLAC, Ogg or AIFF file that holds several.

`cat a.flac b.flac` makes such a file, and so does a service that streams: Ogg calls it a chain.
libsndfile reads the first and says nothing of the rest.
"""

import mmap
import re
from collections.abc import Iterator
from typing import BinaryIO

_FLAC = re.compile(rb"fLaC[\x00\x80]\x00\x00\x22", re.DOTALL)
"""The mark and the head of the block that must follow it."""
_PAGE_HEAD = 27


def find_links(file: BinaryIO) -> list[tuple[int, int]]:
    """Each recording as (from, to) in bytes; all of the file as one if it holds no more.

    Of an Ogg file, what follows the last page belongs to none.
    """
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        starts, end = [0], len(view)
        match view[:4]:
            case b"fLaC":
                starts = [found.start() for found in _FLAC.finditer(view)] or starts
            case b"OggS":
                starts, end = _ogg_chains(view)
            case b"FORM":
                starts = list(_forms(view)) or starts
        return list(zip(starts, [*starts[1:], end], strict=True))


def _ogg_chains(view: mmap.mmap) -> tuple[list[int], int]:
    """Pages that begin a stream where none began just before, and the end of the last page."""
    starts, end = [0], 0
    at, opening = 0, True
    while at >= 0 and at + _PAGE_HEAD <= len(view):
        if view[at : at + 4] != b"OggS":
            at = view.find(b"OggS", at)
            continue
        begins = bool(view[at + 5] & 2)
        if begins and not opening:
            starts.append(at)
        opening = begins
        laces = view[at + _PAGE_HEAD : at + _PAGE_HEAD + view[at + 26]]
        at = end = at + _PAGE_HEAD + len(laces) + sum(laces)
    return starts, min(end, len(view))


def _forms(view: mmap.mmap) -> Iterator[int]:
    at = 0
    while view[at : at + 4] == b"FORM" and view[at + 8 : at + 11] == b"AIF":
        yield at
        size = int.from_bytes(view[at + 4 : at + 8], "big")
        at += 8 + size + size % 2
