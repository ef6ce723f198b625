"""Voice-to-voice as the ear hears it: measured from the two waveforms, not from the journal.

An energy detector that knows nothing of the VAD: 10 ms frames against a noise floor taken from the
surroundings. The journal only says roughly where to look.
"""

from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.recording.bundle import Stereo

_Frames = npt.NDArray[np.bool_]

FRAME: Final[Nanos] = 10 * MILLISECOND
_RUN: Final = 3  # frames in a row that are sound rather than a click
_ABOVE_FLOOR_DB: Final = 9.0
_BELOW_PEAK_DB: Final = 38.0  # so that the hiss of a clean recording is not speech
_SILENCE_DB: Final = -60.0  # of full scale
_AROUND: Final[Nanos] = 3 * SECOND
_END_BEFORE: Final[Nanos] = 1 * SECOND
_END_AFTER: Final[Nanos] = SECOND // 2
_REPLY_BEFORE: Final[Nanos] = SECOND // 5
_REPLY_AFTER: Final[Nanos] = 3 * SECOND // 2


def acoustic_voice_to_voice(stereo: Stereo, rate: int, end: Nanos, reply: Nanos) -> Nanos | None:
    """From the caller's last sound to the agent's first, to 10 ms; arguments as of `sounds`.

    None where either is not to be found, or the caller still speaks at `reply`.
    """
    last, first = sounds(stereo, rate, end, reply)
    return None if last is None or first is None else first - last


def sounds(
    stereo: Stereo, rate: int, end: Nanos, reply: Nanos
) -> tuple[Nanos | None, Nanos | None]:
    """When the caller's last sound was over and the agent's first began, to 10 ms.

    Args:
        stereo: shape (samples, 2): the caller as uttered, the agent as it reaches the ear.
        rate: of the audio, in Hz.
        end: where the journal has the end of the caller's speech (media time).
        reply: where it has the agent's first sample at the caller's ear.

    Returns:
        None for one that is not to be found near there.
    """
    last = _end_of_sound(stereo[:, 0], rate, end, reply)
    return last, _start_of_sound(stereo[:, 1], rate, reply)


def _end_of_sound(
    channel: npt.NDArray[np.generic], rate: int, end: Nanos, reply: Nanos
) -> Nanos | None:
    """When the sound was over that is the last to begin near `end`, if that is before `reply`."""
    origin, loud = _loud(channel, rate, end - _END_BEFORE, reply)
    found = np.flatnonzero(loud[: max(0, (end + _END_AFTER - origin) // FRAME)])
    if not found.size:
        return None
    quiet = np.flatnonzero(~loud[found[-1] :])
    return origin + int(found[-1] + quiet[0]) * FRAME if quiet.size else None


def _start_of_sound(channel: npt.NDArray[np.generic], rate: int, reply: Nanos) -> Nanos | None:
    origin, loud = _loud(channel, rate, reply - _REPLY_BEFORE, reply + _REPLY_AFTER)
    found = np.flatnonzero(loud)
    return origin + int(found[0]) * FRAME if found.size else None


def _loud(
    channel: npt.NDArray[np.generic], rate: int, since: Nanos, until: Nanos
) -> tuple[Nanos, _Frames]:
    """Which frames between two moments hold sound, and the moment of the first of them."""
    size = rate * FRAME // SECOND
    first = max(0, since // FRAME)
    count = max(0, until // FRAME - first)
    origin = max(0, first - _AROUND // FRAME)
    surroundings = channel[origin * size : (first + count + _AROUND // FRAME) * size]
    levels = _levels(surroundings, size)
    if levels.size == 0:
        return first * FRAME, np.zeros(0, np.bool_)
    floor, peak = np.percentile(levels, (10, 99))
    threshold = max(floor + _ABOVE_FLOOR_DB, peak - _BELOW_PEAK_DB, _SILENCE_DB)
    loud = _without_clicks(levels >= threshold)
    return first * FRAME, loud[first - origin : first - origin + count]


def _levels(samples: npt.NDArray[np.generic], size: int) -> npt.NDArray[np.float64]:
    """Level of each whole frame in dB of full scale."""
    scale = 32768.0 if samples.dtype == np.int16 else 1.0
    whole = samples[: samples.size // size * size].astype(np.float64) / scale
    power = np.mean(whole.reshape(-1, size) ** 2, axis=1)
    return 10 * np.log10(power + 1e-12)


def _without_clicks(loud: _Frames) -> _Frames:
    """Only frames that belong to a run long enough to be sound."""
    edges = np.flatnonzero(np.diff(np.concatenate(([0], loud.view(np.int8), [0]))))
    kept = np.zeros_like(loud)
    for start, end in edges.reshape(-1, 2):
        kept[start:end] = end - start >= _RUN
    return kept
