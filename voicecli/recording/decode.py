"""Turns the bytes of an audio file into blocks of samples; changes with the libraries that decode.

soundfile (libsndfile) reads WAV, FLAC, OGG, Opus and MP3; PyAV (FFmpeg) reads what it cannot, such
as M4A. Both are streamed: however long the file, one block is in memory.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import BinaryIO, TypeAlias

import av
import numpy as np
import numpy.typing as npt
import soundfile
from av.container import InputContainer
from av.error import FFmpegError

Block: TypeAlias = npt.NDArray[np.float32]
"""Shape (frames, channels), float32; full scale is ±1, but a file may hold any float."""

BLOCK_FRAMES = 8_192  # at a damaged place, the rest of a block is lost
# A container's duration counts what the encoder put before and after the audio.
_DURATION_SLACK_S = 0.3
# FFmpeg also demuxes playlists, which could make it open other files and addresses.
_CONTAINERS = "mov,mp4,m4a,3gp,3g2,mj2,matroska,webm,aac,amr,asf,aiff,au,caf,flac,mp3,ogg,wav,w64"
_SIZES = re.compile(r"^data : (\d+) \(should be (\d+)\)", re.MULTILINE)
# Writers to a pipe leave the size at its maximum: unknown, not a promise.
_UNKNOWN_SIZE = 0x7FFFF000


class UndecodableError(Exception):
    """No library knows what is in the file, or it holds no audio."""


@dataclass
class Decoder:
    """Samples of one open file: `rate` in Hz, `channels`, and the blocks themselves.

    `cut_short` is true, once the blocks are exhausted, if some of the file could not be decoded.
    """

    rate: int
    channels: int
    blocks: Iterator[Block]
    cut_short: bool = field(default=False)


def open_decoder(file: BinaryIO) -> Decoder:
    """A decoder for the open file; UndecodableError if neither library knows the format."""
    # libsndfile's MP3 decoder writes to the terminal about each damaged frame; FFmpeg's does not.
    first, second = _with_soundfile, _with_pyav
    if file.name.lower().endswith(".mp3"):
        first, second = second, first
    try:
        return first(file)
    except UndecodableError:
        file.seek(0)
        return second(file)


def _with_soundfile(file: BinaryIO) -> Decoder:
    try:
        source = soundfile.SoundFile(file)
    except (soundfile.SoundFileError, TypeError) as error:  # TypeError: .raw has no header
        raise UndecodableError from error
    if source.frames == 0 and source.format == "OGG":
        raise UndecodableError  # what a truncated Vorbis file looks like to libsndfile
    decoder = Decoder(source.samplerate, source.channels, iter(()))
    decoder.blocks = _soundfile_blocks(source, decoder)
    return decoder


def _soundfile_blocks(source: soundfile.SoundFile, decoder: Decoder) -> Iterator[Block]:
    sizes = _SIZES.search(source.extra_info)
    if sizes:
        promised, present = int(sizes[1]), int(sizes[2])
        decoder.cut_short = present < promised < _UNKNOWN_SIZE
    read = 0
    with source:
        while True:
            try:
                block = source.read(BLOCK_FRAMES, dtype="float32", always_2d=True)
            except soundfile.SoundFileError:
                decoder.cut_short = True
                return
            if not len(block):
                break
            read += len(block)
            yield np.asarray(block, np.float32)
        # A count above 2^62 is libsndfile's way of saying that the header gives none.
        if read < source.frames < 1 << 62:
            decoder.cut_short = True


def _with_pyav(file: BinaryIO) -> Decoder:
    options = {"format_whitelist": _CONTAINERS, "protocol_whitelist": "none"}
    try:
        container = av.open(file, mode="r", container_options=options)
    except (FFmpegError, ValueError) as error:
        raise UndecodableError from error
    if not container.streams.audio:
        container.close()
        raise UndecodableError
    stream = container.streams.audio[0]
    if not stream.rate or not stream.channels:
        container.close()
        raise UndecodableError
    decoder = Decoder(stream.rate, stream.channels, iter(()))
    decoder.blocks = _pyav_blocks(container, decoder)
    return decoder


def _pyav_blocks(container: InputContainer, decoder: Decoder) -> Iterator[Block]:
    stream = container.streams.audio[0]
    # Some codecs change rate or layout on the way; the first one holds for the whole file.
    packed = av.AudioResampler(format="flt", layout=stream.layout, rate=decoder.rate)
    read = 0
    with container:
        for packet in _packets(container, decoder):
            try:
                frames = [part for frame in packet.decode() for part in packed.resample(frame)]
            except FFmpegError:
                decoder.cut_short = True  # one bad packet: the next ones may be good
                continue
            for frame in frames:
                read += frame.samples
                yield np.asarray(frame.to_ndarray(), np.float32).reshape(-1, decoder.channels)
        if stream.duration and stream.time_base:
            promised = float(stream.duration * stream.time_base)
            decoder.cut_short |= read / decoder.rate < promised - _DURATION_SLACK_S


def _packets(container: InputContainer, decoder: Decoder) -> Iterator[av.Packet]:
    try:
        yield from container.demux(container.streams.audio[0])
    except FFmpegError:
        decoder.cut_short = True
