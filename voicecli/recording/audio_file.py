"""Makes the two tracks of a call from any audio file."""

import math
import os
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import soxr

from voicecli.errors import InputError
from voicecli.recording.decode import Block, Decoder, UndecodableError, open_decoders
from voicecli.recording.levels import Samples
from voicecli.recording.raw_format import RawFormat
from voicecli.recording.sides import Channels, agent_is_left

LINE_RATE = 8000
MAX_SECONDS = 2 * 3600
_RATES = range(4_000, 384_001)
_FULL_SCALE = 32_768
# A lossy codec overshoots full scale here and there; more than this share was recorded too loud.
_TOO_LOUD = 0.001


@dataclass(frozen=True, slots=True)
class Reading:
    """What the user says about a recording; what is None, the recording says itself."""

    raw: RawFormat | None = None
    """Its samples have no header and are these."""
    channels: Channels | None = None
    """Who is on which channel of a stereo file."""


AS_IT_SAYS = Reading()


@dataclass(frozen=True, slots=True)
class CallAudio:
    """The audio of one call at the line's rate.

    `caller` and `agent` have the shape (n,), int16, at `rate` Hz; `agent` is None if the file has
    only the caller. `duration_s` is n / rate. `note` says in sentences what was peculiar about the
    file and how it was read; it is empty if nothing was.
    """

    caller: Samples
    agent: Samples | None
    rate: int
    source_rate: int
    duration_s: float
    note: str = ""


def read_call_audio(
    path: str | os.PathLike[str], rate: int = LINE_RATE, reading: Reading = AS_IT_SAYS
) -> CallAudio:
    """Read WAV, FLAC, MP3, OGG, Opus, M4A, … as a call: caller left, agent right; mono is caller.

    Resampled to `rate` Hz. A damaged file gives what could be decoded, and says so in `note`.
    Raises InputError with one sentence if there is nothing to be had, or if the file has more than
    two channels or two hours.
    """
    path = Path(path)
    try:
        if path.is_dir():
            raise InputError(f"{path} is a folder; name an audio file in it.")
        if path.exists() and not path.is_file():
            raise InputError(f"{path} is not a regular file; copy the audio into a file first.")
        with path.open("rb") as file:
            return _read(file, path, rate, reading)
    except FileNotFoundError:
        raise InputError(f"There is no file {path}.") from None
    except PermissionError:
        raise InputError(f"{path} may not be read; check its permissions.") from None
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None


def _read(file: BinaryIO, path: Path, rate: int, reading: Reading) -> CallAudio:
    if not file.read(1):
        raise InputError(f"{path} is empty.")
    best: _Tracks | None = None
    refused: InputError | None = None
    whole_s = 0.0  # what would have to be there, if one of them found the file damaged
    try:
        for decoder in open_decoders(file, reading.raw):
            try:
                tracks = _decode(decoder, path, rate)
            except InputError as error:
                refused = refused or error
                continue
            if best is None or tracks.frames > best.frames:
                best = tracks
            if decoder.is_sound:
                break
            if decoder.cut_short:
                whole_s = max(whole_s, decoder.promised_s or math.inf)
    except UndecodableError as error:
        if str(error):
            refused = refused or InputError(f"{path}: {error}.")
    if best is None:
        raise refused or InputError(
            f"{path} is not audio that can be read, or is damaged at its beginning; WAV, FLAC, "
            "MP3, OGG, Opus and M4A files work, and with --raw mulaw/8000 samples without a header."
        )
    if not best.frames:
        broken = " that can be decoded" if best.decoder.cut_short else ""
        raise InputError(f"{path} holds no audio samples{broken}.")
    best.decoder.cut_short |= best.frames / best.decoder.rate < whole_s
    return best.call_audio(path.stem, reading.channels)


def _decode(decoder: Decoder, path: Path, rate: int) -> "_Tracks":
    _check(decoder, path)
    tracks = _Tracks(decoder, rate)
    for block in decoder.blocks:
        tracks.add(block)
        if tracks.frames > MAX_SECONDS * decoder.rate:
            raise InputError(f"{path} is longer than two hours; cut it into single calls.")
    tracks.finish()
    return tracks


def _check(decoder: Decoder, path: Path) -> None:
    """Refuse what cannot be a call by its header, before anything is decoded."""
    if decoder.channels > 2:
        raise InputError(
            f"{path} has {decoder.channels} channels; keep one (the caller) or two (caller left, "
            f"agent right), for example: ffmpeg -i {path.name} -af 'pan=mono|c0=c0' caller.wav"
        )
    if decoder.rate not in _RATES:
        raise InputError(
            f"{path} claims a sample rate of {decoder.rate:,} Hz; "
            f"{_RATES.start:,} to {_RATES.stop - 1:,} Hz can be read."
        )
    if decoder.promised_s is not None and decoder.promised_s > MAX_SECONDS:
        hours = decoder.promised_s / 3600
        raise InputError(
            f"{path} is longer than two hours ({hours:,.1f}); cut it into single calls."
        )


class _Tracks:
    """Resampled int16 samples of each channel, gathered block by block."""

    def __init__(self, decoder: Decoder, rate: int) -> None:
        self.frames = 0
        self.decoder = decoder
        self._rate = rate
        self._channels = [bytearray() for _ in range(decoder.channels)]
        self._not_finite = 0
        self._too_loud = 0
        self._differ = False
        self._resampler = None
        if decoder.rate != rate:
            self._resampler = soxr.ResampleStream(decoder.rate, rate, decoder.channels, "float32")

    def add(self, block: Block) -> None:
        """Take the next block, shape (frames, channels), as it came out of the file."""
        self.frames += len(block)
        finite = np.isfinite(block)
        if not finite.all():
            self._not_finite += int(np.count_nonzero(~finite))
            block = np.where(finite, block, np.float32(0))
        self._too_loud += int(np.count_nonzero(np.abs(block) > 1))
        self._differ = self._differ or bool((block[:, 0] != block[:, -1]).any())
        # Before resampling too: the filter would smear a sample of 1e30 over its neighbours.
        block = np.clip(block, -1, 1)
        self._append(self._resampler.resample_chunk(block) if self._resampler else block)

    def finish(self) -> None:
        """Take what the resampler still holds."""
        if self._resampler and self.frames:
            nothing = np.zeros((0, len(self._channels)), np.float32)
            self._append(self._resampler.resample_chunk(nothing, last=True))

    def _append(self, block: Block) -> None:
        levels = np.rint(block * _FULL_SCALE).clip(-_FULL_SCALE, _FULL_SCALE - 1).astype(np.int16)
        for channel, track in enumerate(self._channels):
            track.extend(levels[:, channel].tobytes())

    def call_audio(self, name: str, channels: Channels | None) -> CallAudio:
        """The call, once `finish` was called; `name` is that of the file, as a hint."""
        decoder = self.decoder
        caller = np.frombuffer(self._channels[0], np.int16)
        agent = np.frombuffer(self._channels[1], np.int16) if self._differ else None
        notes = [decoder.remark] if decoder.remark else []
        seconds = self.frames / decoder.rate
        if decoder.cut_short:
            notes.append(f"The file breaks off or is damaged; the {seconds:.1f} s in it are used.")
        elif not decoder.is_sound:
            notes.append(
                f"Only {decoder.used_share:.0%} of the file could be used, {seconds:.1f} s here."
            )
        if self._not_finite:
            notes.append(f"{self._not_finite} samples were no numbers and are silence here.")
        if self._too_loud > _TOO_LOUD * self.frames:
            notes.append(f"{self._too_loud} samples lie beyond full scale and were clipped.")
        if agent is not None:
            swap, remark = agent_is_left(name, caller, agent, self._rate, channels)
            notes += [remark] if remark else []
            caller, agent = (agent, caller) if swap else (caller, agent)
        elif decoder.channels == 2:
            notes.append("Both channels are the same and were taken as the caller.")
        if not caller.any():
            notes.append("The caller's channel is silent.")
        duration_s = len(caller) / self._rate
        return CallAudio(caller, agent, self._rate, decoder.rate, duration_s, " ".join(notes))
