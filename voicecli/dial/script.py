"""What the caller of a dialled call says: a recording, or a script that is spoken first."""

from dataclasses import dataclass
from pathlib import Path

from voicecli.foreign import named_path
from voicecli.recording.audio_file import AS_IT_SAYS, CallAudio, Reading
from voicecli.recording.labels import Turn
from voicecli.recording.segments import speech_segments


@dataclass(frozen=True, slots=True)
class Script:
    """Audio of one caller and what is in it."""

    name: str
    audio: CallAudio
    turns: tuple[Turn, ...]


def open_script(name_or_path: str, reading: Reading = AS_IT_SAYS) -> Script:
    """A recorded call (file, folder, shipped name), or a call script (*.toml), spoken now.

    Raises:
        InputError: there is none, or a part of it cannot be used.
    """
    path = named_path(name_or_path)
    if path.suffix == ".toml" and path.is_file():
        return _spoken(path)
    from voicecli.replaying.source import open_call  # noqa: PLC0415 - not needed for a script

    source = open_call(name_or_path, reading)
    turns = source.labels.turns if source.labels is not None else None
    if turns is None:
        turns = speech_segments(source.audio.caller, source.audio.rate)
    return Script(source.name, source.audio, turns)


def _spoken(path: Path) -> Script:
    import numpy as np  # noqa: PLC0415 - only scripts need it, and espeak-ng
    import soxr  # noqa: PLC0415

    from voicecli.synthetic_calls.call_script import read_script  # noqa: PLC0415
    from voicecli.synthetic_calls.synthesis import render  # noqa: PLC0415
    from voicecli.transports.base import RATE  # noqa: PLC0415

    call = render(read_script(path), path)
    pcm = soxr.resample(call.pcm, call.rate, RATE).astype(np.int16)
    audio = CallAudio(pcm, None, RATE, call.rate, len(pcm) / RATE)
    return Script(path.stem, audio, call.labels.turns)
