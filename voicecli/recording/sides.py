"""Who is on which channel of a stereo recording, where nobody says it."""

import re
from typing import Literal, TypeAlias

import numpy as np

from voicecli.recording.levels import Samples, frames_of, levels

Channels: TypeAlias = Literal["caller,agent", "agent,caller"]
"""Left, right."""

_AGENT = "agent|assistant|bot"
_CALLER = "caller|customer|client|user"
_IN_NAME = re.compile(rf"(?:{_AGENT})[\W_]*left|(?:{_CALLER})[\W_]*right", re.I)
_FRAME_MS = 20
_SOUND_DB = -45.0
_FIRST_BY_S = 0.5
_MUTE, _NOISY = 0.9, 0.1


def agent_is_left(
    name: str, left: Samples, right: Samples, rate: int, said: Channels | None
) -> tuple[bool, str]:
    """Whether the channels must change places, and a sentence if that, or the doubt, is a guess.

    The usual order is caller left. It is given up only if the file's name says so, or if the left
    channel both speaks first, as an agent that greets, and is utterly silent between its words, as
    a synthesised voice, while the right one has a background, as a person. Speaking first alone
    proves nothing: then there is only a hint.
    """
    if said is not None:
        return said == "agent,caller", ""
    if _IN_NAME.search(name):
        return True, _guessed("by the file's name")
    first = [_first_sound(side, rate) for side in (left, right)]
    if first[0] + _FIRST_BY_S > first[1] or not np.isfinite(first[1]):
        return False, ""
    if _mute_pauses(left, rate) > _MUTE and _mute_pauses(right, rate) < _NOISY:
        return True, _guessed("as it speaks first, with no background behind it")
    return False, (
        "The left channel, taken as the caller, speaks first; "
        "if that is the agent, add --channels agent,caller."
    )


def _guessed(why: str) -> str:
    return f"The left channel is taken as the agent, {why}; if not, add --channels caller,agent."


def _first_sound(pcm: Samples, rate: int) -> float:
    """Seconds until the first sound of three frames and more; infinity if there is none."""
    loud = levels(frames_of(pcm, rate, _FRAME_MS)) > _SOUND_DB
    runs = np.flatnonzero(loud[:-2] & loud[1:-1] & loud[2:])
    return float(runs[0]) * _FRAME_MS / 1000 if len(runs) else np.inf


def _mute_pauses(pcm: Samples, rate: int) -> float:
    """The share of its quiet frames in which no sample differs from zero; 0 if it has none."""
    frames = frames_of(pcm, rate, _FRAME_MS)
    quiet = frames[levels(frames) <= _SOUND_DB]
    return float(np.mean(~quiet.any(axis=1))) if len(quiet) else 0.0
