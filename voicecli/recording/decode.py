"""Turns the bytes of an audio file into blocks of samples.

soundfile (libsndfile) reads WAV, FLAC, OGG and Opus; PyAV (FFmpeg) reads MP3 and what the first
cannot, such as M4A. Both are streamed: however long the file, one block is in memory. Neither is
believed blindly: each says how much of the file it has used, so that the other can be asked.
"""

import os
import re
import struct
from collections.abc import Callable, Iterator, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from functools import partial
from typing import BinaryIO, TypeAlias, cast

import av
import numpy as np
import numpy.typing as npt
import soundfile
from av.container import InputContainer
from av.error import FFmpegError

from voicecli.recording.chained import find_links
from voicecli.recording.raw_format import RawFormat, raw_by_name
from voicecli.recording.wav_pieces import find_pieces, joined

Block: TypeAlias = npt.NDArray[np.float32]
"""Shape (frames, channels), float32; full scale is ±1, but a file may hold any float."""

BLOCK_FRAMES = 8_192  # at a damaged place, the rest of a block is lost
# A container's duration counts what the encoder put before and after the audio.
_DURATION_SLACK_S = 0.3
# FFmpeg also demuxes playlists, which could make it open other files and addresses.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,amr,asf,aiff,au,caf,flac,mp3,ogg,wav,w64"
# Formats that are nothing but packets: what no packet holds was not used, and a duration, if
# FFmpeg gives one, is a guess from the size.
_BARE = frozenset({"mp3", "aac", "amr", "amrnb", "amrwb"})
# The table of contents of another MP3 recording behind the first is a packet without sound.
_MP3_TABLE = re.compile(rb"Xing|Info|VBRI")
_MAGIC = (b"RIFF", b"RIFX", b"RF64", b"riff", b".snd", b"fLaC", b"OggS", b"FORM", b"caff", b"ID3",
          b"#!AMR")  # fmt: skip
_ENOUGH = 0.9
_NEGLIGIBLE = 4096


class UndecodableError(Exception):
    """No library knows what is in the file, or it holds no audio; may say more in a sentence."""


@dataclass
class Decoder:
    """Samples of one open file: `rate` in Hz, `channels`, and the blocks themselves.

    `cut_short` is true, once the blocks are exhausted, if some of the file could not be decoded;
    `unused` counts the bytes of the file, which has `size`, that gave no sound.
    """

    rate: int
    channels: int
    size: int
    promised_s: float | None = None
    """How long the header says that it lasts."""
    remark: str = ""
    """Sentences on how the file was read."""
    blocks: Iterator[Block] = field(default_factory=lambda: iter(()))
    cut_short: bool = False
    unused: int = 0

    @property
    def used_share(self) -> float:
        """Which part of the file was used, from 0 to 1; little is as good as nothing unused."""
        return 1.0 if self.unused <= _NEGLIGIBLE else 1.0 - self.unused / self.size

    @property
    def is_sound(self) -> bool:
        """Whether, once the blocks are exhausted, nothing speaks for another decoder."""
        return not self.cut_short and self.used_share >= _ENOUGH


def open_decoders(file: BinaryIO, raw: RawFormat | None = None) -> Iterator[Decoder]:
    """What may decode the open file, the likeliest first; each is to be exhausted before the next.

    Args:
        file: a regular file; its name tells what is in it if it has no header.
        raw: what is in it, whatever it looks like.
    """
    size = os.fstat(file.fileno()).st_size
    file.seek(0)
    head = file.read(4096)
    if raw is not None:
        yield _raw(file, size, raw)
        return
    named = raw_by_name(file.name)
    if named is not None and not head.startswith(_MAGIC):
        if _is_text(head):
            raise UndecodableError
        remark = f"It has no header and was read as {named}, by its name; --raw says otherwise."
        yield _raw(file, size, named, remark)
        return
    yield from _readers(file, size, head)


def _readers(file: BinaryIO, size: int, head: bytes) -> Iterator[Decoder]:
    readers: list[Callable[[BinaryIO, int], Decoder]] = [_with_soundfile, _with_pyav]
    # libsndfile's MP3 decoder writes to the terminal about each damaged frame; FFmpeg's does not.
    if head.startswith(b"ID3") or (head[:1] == b"\xff" and head[1:2] >= b"\xe0"):
        del readers[0]
    pieces, links = find_pieces(file), find_links(file)
    if len(links) > 1:
        readers.insert(0, partial(_linked, links=links))
    refused: str | None = ""
    for reader in readers:
        file.seek(0)
        try:
            decoder = reader(pieces.open(file) if pieces else file, size)
        except UndecodableError as error:
            refused = str(error) or refused
            continue
        if pieces:
            decoder.cut_short, decoder.remark = pieces.cut_short, pieces.remark
        if head.startswith((b"RIFF", b"RF64")):  # its chunks were looked at
            unread = pieces.unread if pieces else 0
            decoder.blocks = _leaving(unread, decoder.blocks, decoder)
        elif head.startswith(b"OggS") and len(links) == 1:
            decoder.blocks = _leaving(size - links[-1][1], decoder.blocks, decoder)
        refused = None
        yield decoder
    if refused is not None:
        raise UndecodableError(refused)


def _linked(file: BinaryIO, size: int, links: Sequence[tuple[int, int]]) -> Decoder:
    """Recordings in a row as one; those in another rate than the first are left out."""

    def open_link(start: int, end: int) -> Decoder:
        return _with_soundfile(joined(file, [(start, end)]), end - start)

    first = open_link(*links[0])
    remark = f"The file is {len(links)} recordings in a row; they are joined."
    decoder = Decoder(first.rate, first.channels, size, None, remark)

    def blocks() -> Iterator[Block]:
        for number, link in enumerate(links):
            try:
                part = open_link(*link) if number else first
            except UndecodableError:
                part = None
            if part is None or (part.rate, part.channels) != (first.rate, first.channels):
                decoder.unused += link[1] - link[0]
                decoder.remark = (
                    f"The file is {len(links)} recordings in a row; those that cannot be read, or "
                    "have another sample rate or number of channels than the first, are left out."
                )
                continue
            yield from part.blocks
            decoder.cut_short |= part.cut_short
        decoder.unused += size - links[-1][1]

    decoder.blocks = blocks()
    return decoder


def _leaving(unread: int, blocks: Iterator[Block], decoder: Decoder) -> Iterator[Block]:
    yield from blocks
    decoder.unused = unread


def _is_text(head: bytes) -> bool:
    return all(byte in b"\t\r\n" or 0x20 <= byte < 0x7F for byte in head)


def _raw(file: BinaryIO, size: int, raw: RawFormat, remark: str = "") -> Decoder:
    file.seek(0)
    try:
        source = soundfile.SoundFile(
            file, samplerate=raw.rate, channels=raw.channels,
            format="RAW", subtype=raw.subtype, endian=raw.endian,
        )  # fmt: skip
    except soundfile.SoundFileError:
        raise UndecodableError(f"it cannot be read as {raw}") from None
    decoder = Decoder(raw.rate, raw.channels, size, source.frames / raw.rate, remark)
    decoder.blocks = _soundfile_blocks(source, decoder, None)
    return decoder


class _Counted:
    """An open file that counts what is read from it."""

    def __init__(self, file: BinaryIO) -> None:
        self._file = file
        self.read_bytes = 0
        self.tell = file.tell

    def seek(self, offset: int, whence: int = os.SEEK_SET) -> int:
        """To where a damaged header leads, if there is such a place; libsndfile sees if not."""
        with suppress(OSError, ValueError, OverflowError):
            self._file.seek(offset, whence)
        return self._file.tell()

    def read(self, count: int = -1) -> bytes:
        content = self._file.read(count)
        self.read_bytes += len(content)
        return content


def _with_soundfile(file: BinaryIO, size: int) -> Decoder:
    counted = _Counted(file)
    try:
        source = soundfile.SoundFile(cast("BinaryIO", counted))
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: .raw has no header
        raise UndecodableError from error
    if source.frames == 0 and source.format == "OGG":
        raise UndecodableError  # what a truncated Vorbis file looks like to libsndfile
    if source.subtype.startswith("MPEG") or source.samplerate <= 0:
        raise UndecodableError
    # A count above 2^62 is libsndfile's way of saying that the header gives none.
    promised = source.frames / source.samplerate if source.frames < 1 << 62 else None
    decoder = Decoder(source.samplerate, source.channels, size, promised)
    decoder.blocks = _soundfile_blocks(source, decoder, counted)
    return decoder


def _soundfile_blocks(
    source: soundfile.SoundFile, decoder: Decoder, counted: _Counted | None
) -> Iterator[Block]:
    read = 0
    with source:
        while True:
            try:
                block = source.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
            except soundfile.SoundFileError:
                decoder.cut_short = True
                break
            if not len(block):
                break
            read += len(block)
            yield np.asarray(block, np.float32)
    if counted is not None:
        decoder.unused = max(0, decoder.size - counted.read_bytes)
    if decoder.promised_s is not None and read < round(decoder.promised_s * decoder.rate):
        decoder.cut_short = True


def _with_pyav(file: BinaryIO, size: int) -> Decoder:
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    try:
        container = av.open(file, mode="r", container_options=options)
    except (FFmpegError, ValueError) as error:
        raise UndecodableError from error
    if not container.streams.audio:
        container.close()
        raise UndecodableError
    stream = container.streams.audio[0]
    if not getattr(stream, "rate", None) or not stream.channels:  # no codec, no rate
        container.close()
        raise UndecodableError("it holds sound in a codec that cannot be decoded here")
    decoder = Decoder(stream.rate, stream.channels, size, _promised(container, file))
    decoder.blocks = _pyav_blocks(container, decoder)
    return decoder


def _promised(container: InputContainer, file: BinaryIO) -> float | None:
    """How long the header says that it lasts; None if FFmpeg only guesses."""
    stream = container.streams.audio[0]
    if container.format.name == "mp3":
        return _promised_mp3(file, stream.rate)
    if container.format.name in _BARE or not stream.duration or not stream.time_base:
        return None
    return float(stream.duration * stream.time_base)


def _promised_mp3(file: BinaryIO, rate: int) -> float | None:
    """The duration in an MP3 file's own table of contents, if it has one."""
    at = file.tell()
    file.seek(0)
    start = file.read(1 << 20)  # a picture may stand before it
    file.seek(at)
    place = max(start.find(b"Xing"), start.find(b"Info"))
    if place < 0 or len(start) < place + 12:
        return None
    flags, frames = struct.unpack_from(">II", start, place + 4)
    return frames * (1152 if rate >= 32_000 else 576) / rate if flags & 1 else None


def _pyav_blocks(container: InputContainer, decoder: Decoder) -> Iterator[Block]:
    stream = container.streams.audio[0]
    pack = _packer(stream.layout, decoder.rate)
    read = used = 0
    with container:
        for packet in _packets(container, decoder):
            used += packet.size
            if packet.stream is not stream:
                continue
            try:
                frames = [part for frame in packet.decode() for part in pack(frame)]
            except FFmpegError:  # the next packets may be good
                decoder.cut_short |= not _MP3_TABLE.search(bytes(packet)[:64])
                continue
            for frame in frames:
                read += frame.samples
                yield np.asarray(frame.to_ndarray(), np.float32).reshape(-1, decoder.channels)
        if container.format.name in _BARE or container.format.name == "flac":
            decoder.unused = max(0, decoder.size - used)
    if decoder.promised_s is not None:
        decoder.cut_short |= read / decoder.rate < decoder.promised_s - _DURATION_SLACK_S


def _packer(layout: av.AudioLayout, rate: int) -> Callable[[av.AudioFrame], list[av.AudioFrame]]:
    """Makes floats of frames; of a rate or layout that changes on the way, the first holds."""
    packed = av.AudioResampler(format="flt", layout=layout, rate=rate)

    def pack(frame: av.AudioFrame) -> list[av.AudioFrame]:
        nonlocal packed
        try:
            return packed.resample(frame)
        except ValueError:
            packed = av.AudioResampler(format="flt", layout=layout, rate=rate)
            return packed.resample(frame)

    return pack


def _packets(container: InputContainer, decoder: Decoder) -> Iterator[av.Packet]:
    try:
        yield from container.demux()  # of all streams, as pictures too are part of the file
    except FFmpegError:
        decoder.cut_short = True
