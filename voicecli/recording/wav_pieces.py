"""Where a WAV file's samples really are, whatever its header says.

Recorders that are killed leave a size of 0, writers to a pipe the greatest size, services that
stream a header before every part; a reader that believes the first header drops the rest.
"""

import bisect
import io
import mmap
import struct
from dataclasses import dataclass
from typing import BinaryIO, Literal, cast

_UNKNOWN_SIZE = 0x7FFFF000
"""From here on a size says that it is not known."""
_NEGLIGIBLE = 4096
"""So many bytes behind the samples, or a tenth of them, may be anything."""

_Oddity = Literal["", "streamed", "unfinished", "cut short", "goes on"]


@dataclass(frozen=True, slots=True)
class WavPieces:
    """Samples of a WAV file whose header does not tell all, each (from, to) in bytes."""

    header: bytes
    places: list[tuple[int, int]]
    cut_short: bool
    """Whether a header promises more than there is."""
    unread: int
    """Bytes behind them that hold audio of another format, or none."""
    remark: str
    """Sentences on how the file was read; empty if it was read as its writer meant."""

    def open(self, file: BinaryIO) -> BinaryIO:
        """The file as one WAV with a header that is true."""
        return cast("BinaryIO", _Joined(self.header, file, self.places))


def find_pieces(file: BinaryIO) -> WavPieces | None:
    """The samples of a RIFF or RF64 file; None for another format, or if its header is right."""
    with mmap.mmap(file.fileno(), 0, access=mmap.ACCESS_READ) as view:
        found: list[_Piece] = []
        at = 0
        while _is_wav(view, at):
            after = _next_wav(view, at + 12)
            piece = _piece(view, at, after)
            if piece is None or (found and piece.format != found[0].format):
                break
            found.append(piece)
            at = after
        if not found or (len(found) == 1 and not found[0].oddity and at == len(view)):
            return None
        size = sum(piece.end - piece.start for piece in found)
        header = bytearray(view[: found[0].start])
        header[:4] = b"RIFF"
        struct.pack_into("<I", header, 4, min(size + len(header) - 8, 0xFFFFFFFF))
        struct.pack_into("<I", header, len(header) - 4, min(size, 0xFFFFFFFF))
        places = [(piece.start, piece.end) for piece in found]
        cut_short = any(piece.oddity == "cut short" for piece in found)
        return WavPieces(bytes(header), places, cut_short, len(view) - at, _remark(found))


@dataclass(frozen=True, slots=True)
class _Piece:
    format: bytes
    start: int
    end: int
    oddity: _Oddity


def _is_wav(view: mmap.mmap, at: int) -> bool:
    return view[at : at + 4] in (b"RIFF", b"RF64") and view[at + 8 : at + 12] == b"WAVE"


def _next_wav(view: mmap.mmap, at: int) -> int:
    """Where the next WAV file begins; the end if there is none."""
    while (at := view.find(b"WAVE", at)) >= 0:
        if _is_wav(view, at - 8):
            return at - 8
        at += 4
    return len(view)


def _piece(view: mmap.mmap, at: int, after: int) -> _Piece | None:
    """The samples of the WAV that begins at `at`, before `after`; None if it has none."""
    at += 12
    kind, size = _chunk(view, at)
    format_, long_size = b"", None
    while kind != b"data":
        if at + 8 > after:
            return None
        if kind == b"fmt ":
            format_ = view[at + 8 : at + 8 + size]
        elif kind == b"ds64" and size >= 16:
            long_size = int.from_bytes(view[at + 16 : at + 24], "little")
        at += 8 + size + size % 2
        kind, size = _chunk(view, at)
    if len(format_) < 16:
        return None
    if size == 0xFFFFFFFF and long_size is not None:
        size = long_size
    start, room = at + 8, max(0, after - at - 8)
    rest = room - size
    oddity: _Oddity = ""
    if rest < 0:
        oddity = "streamed" if _UNKNOWN_SIZE <= size <= 0xFFFFFFFF else "cut short"
    elif size == 0 and not _are_chunks(view, start, after):
        oddity = "unfinished"
    elif rest > max(room // 10, _NEGLIGIBLE) and not _are_chunks(view, start + size, after):
        oddity = "goes on"
    used = room if oddity else size
    align = int.from_bytes(format_[12:14], "little") or 1
    return _Piece(format_, start, start + used // align * align, oddity)


def _chunk(view: mmap.mmap, at: int) -> tuple[bytes, int]:
    return view[at : at + 4], int.from_bytes(view[at + 4 : at + 8], "little")


def _are_chunks(view: mmap.mmap, at: int, end: int) -> bool:
    """Whether what stands there is further chunks (or too little to be anything), not samples."""
    at += at % 2
    while at + 8 <= end:
        kind, size = _chunk(view, at)
        if not all(0x20 <= byte < 0x7F for byte in kind):
            return False
        at += 8 + size + size % 2
    return at <= end + 8


def _remark(found: list[_Piece]) -> str:
    remarks: list[str] = []
    if len(found) > 1:
        remarks.append(f"The file is {len(found)} WAV recordings in a row; they are joined.")
    if any(piece.oddity == "unfinished" for piece in found):
        remarks.append("The header was never finished; all that follows it is taken as sound.")
    if any(piece.oddity == "goes on" for piece in found):
        remarks.append("The file goes on after the sound that its header tells of; all is used.")
    return " ".join(remarks)


def joined(file: BinaryIO, places: list[tuple[int, int]]) -> BinaryIO:
    """A file of which only the bytes of those places, each (from, to), can be read."""
    return cast("BinaryIO", _Joined(b"", file, places))


class _Joined(io.RawIOBase):
    """A file to read, made of a header and of pieces of another file."""

    def __init__(self, header: bytes, file: BinaryIO, places: list[tuple[int, int]]) -> None:
        self._header, self._file, self._at = header, file, 0
        self._parts: list[tuple[int, int, int]] = []  # where here, where there, how many bytes
        self._size = len(header)
        for start, end in places:
            self._parts.append((self._size, start, end - start))
            self._size += end - start

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def tell(self) -> int:
        return self._at

    def seek(self, offset: int, whence: int = io.SEEK_SET, /) -> int:
        base = {io.SEEK_SET: 0, io.SEEK_CUR: self._at, io.SEEK_END: self._size}[whence]
        self._at = max(0, base + offset)
        return self._at

    def readinto(self, buffer: memoryview, /) -> int:  # type: ignore[override]
        view = memoryview(buffer).cast("B")
        filled = 0
        while filled < len(view) and (piece := self._next(len(view) - filled)):
            view[filled : filled + len(piece)] = piece
            filled += len(piece)
            self._at += len(piece)
        return filled

    def _next(self, most: int) -> bytes:
        if self._at < len(self._header):
            return self._header[self._at : self._at + most]
        number = bisect.bisect_right(self._parts, self._at, key=lambda part: part[0]) - 1
        here, there, count = self._parts[number]
        self._file.seek(there + self._at - here)
        return self._file.read(max(0, min(most, here + count - self._at)))
