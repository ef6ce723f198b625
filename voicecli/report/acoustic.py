"""Voice-to-voice as the ear hears it: measured from the two waveforms, not from the journal.

The sounds are found as a listener would (`SoundMeter`), over the whole recording and without the
voice detector; the journal only says roughly where to look.
"""

from dataclasses import dataclass
from typing import Final, TypeAlias

import numpy as np
import numpy.typing as npt

from pipelines.runtime.sound import HOP_MS, SoundMeter
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.recording.bundle import Stereo
from voicecli.recording.levels import frames_of, levels

Sound: TypeAlias = tuple[Nanos, Nanos]
"""From when to when there was sound."""

_END_BEFORE: Final[Nanos] = 1 * SECOND
_END_AFTER: Final[Nanos] = SECOND // 2
_REPLY_BEFORE: Final[Nanos] = SECOND // 5
_REPLY_AFTER: Final[Nanos] = 3 * SECOND // 2
_STEADY_HOPS: Final = 50
_STEADY_DB: Final = 12.0
_BELOW_VOICE_DB: Final = 8.0
"""A voice that fades falls faster, or is louder, than noise of the room that goes on behind it."""


@dataclass(frozen=True, slots=True)
class Gap:
    """The silence between the caller's last sound and the agent's first, to 10 ms."""

    last: Nanos | None
    """When the caller's last sound was over; None: it is not to be found."""
    first: Nanos | None
    """When the agent's first sound began; None: it is not to be found."""
    missing: str = ""
    """Why there is no gap to measure, as a few words."""

    @property
    def duration(self) -> Nanos | None:
        """Voice to voice; None if there is no gap."""
        return None if self.last is None or self.first is None else self.first - self.last


class AcousticEar:
    """One call's sounds on both sides.

    Args:
        stereo: shape (samples, 2), int16 or float: the caller as uttered, the agent as it reaches
            the ear.
        rate: of the audio, in Hz.
    """

    def __init__(self, stereo: Stereo, rate: int) -> None:
        self._caller = sounds(stereo[:, 0], rate)
        caller = frames_of(stereo[:, 0], rate, HOP_MS)
        self._caller_levels = levels(caller, _full_scale(caller))
        self._agent = sounds(stereo[:, 1], rate)

    def gap(self, end: Nanos, reply: Nanos) -> Gap:
        """The silence before a reply.

        Args:
            end: where the journal has the end of the caller's speech (media time).
            reply: where it has the agent's first sample at the caller's ear.
        """
        near = (s for s in self._agent if -_REPLY_BEFORE <= s[0] - reply < _REPLY_AFTER)
        agent = next(near, None)
        if agent is None:
            return Gap(None, None, "the agent is not heard to begin")
        before = [s for s in self._caller if s[0] < min(end + _END_AFTER, agent[0])]
        if not before or before[-1][1] < end - _END_BEFORE:
            return Gap(None, agent[0], "the caller is not heard")
        if before[-1][1] > agent[0]:
            return Gap(None, agent[0], "the caller still makes a sound")
        if self._noise_behind(before[-1]):
            return Gap(None, agent[0], "noise hides the caller's end")
        return Gap(before[-1][1], agent[0])

    def _noise_behind(self, sound: Sound) -> bool:
        """Whether a sound ends with half a second of steady noise, well below the voice."""
        end = sound[1] * 1000 // (HOP_MS * SECOND) - 1  # the last hop is cut somewhere
        last = self._caller_levels[max(0, end - _STEADY_HOPS) : end]
        voice = self._caller_levels[max(0, end - 200) : end]
        if len(last) < _STEADY_HOPS:
            return False
        quiet, loud = np.percentile(last, (3, 97))
        return loud - quiet <= _STEADY_DB and last.max() <= voice.max() - _BELOW_VOICE_DB


def sounds(channel: npt.NDArray[np.generic], rate: int) -> list[Sound]:
    """Every sound of one channel, shape (samples,), in order."""
    meter = SoundMeter(rate)
    hop = rate * HOP_MS // 1000
    silence = np.zeros(rate // 4, np.float32)  # behind which whatever still sounds is over
    pcm = np.concatenate((_as_float(channel), silence))
    found: list[Sound] = []
    began: int | None = None
    for start in range(0, len(pcm), hop):
        meter.process(pcm[start : start + hop])
        if began is not None and meter.began != began:
            found.append((began * SECOND // rate, meter.ended * SECOND // rate))
        began = meter.began
    return found


def _as_float(channel: npt.NDArray[np.generic]) -> npt.NDArray[np.float32]:
    return channel.astype(np.float32) / _full_scale(channel)


def _full_scale(channel: npt.NDArray[np.generic]) -> float:
    return 32768.0 if channel.dtype == np.int16 else 1.0
