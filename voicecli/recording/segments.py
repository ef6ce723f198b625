"""Finds the speech in a recording that has no labels.

Energy over an adaptive noise floor: good enough to know when a file's caller is silent, which is
all that pacing needs. Judging speech is the VAD's business.
"""

import numpy as np
import numpy.typing as npt

from voicecli.recording.labels import Turn
from voicecli.recording.levels import Samples, frames_of, levels

_HOP_MS = 10
_FLOOR_SECONDS = 4.0  # breathing room: shorter than a change of background, longer than a word
_ABOVE_FLOOR_DB = 12.0
_QUIETEST_DB = -55.0  # below this nothing is speech, however silent the rest
_LOUDEST_FLOOR_DB = -40.0  # speech without a pause is not its own noise floor
_HANGOVER_MS = 200
_SHORTEST_MS = 60
_EDGE_MS = 20  # soft onsets and endings lie below the threshold


def speech_segments(pcm: Samples, rate: int) -> tuple[Turn, ...]:
    """Stretches of sound in `pcm` (shape (n,), int16, at `rate` Hz), in order, intents unknown.

    Silences shorter than 200 ms and sounds shorter than 60 ms are passed over.
    """
    hop = rate * _HOP_MS // 1000
    level = levels(frames_of(pcm, rate, _HOP_MS))
    hops = len(level)
    if not hops:
        return ()
    active = level > np.maximum(_floor(level) + _ABOVE_FLOOR_DB, _QUIETEST_DB)
    edges = np.flatnonzero(np.diff(active.astype(np.int8), prepend=0, append=0)).reshape(-1, 2)
    merged: list[list[int]] = []
    for start, end in edges.tolist():
        if merged and start - merged[-1][1] < _HANGOVER_MS // _HOP_MS:
            merged[-1][1] = end
        else:
            merged.append([start, end])
    edge = _EDGE_MS // _HOP_MS
    return tuple(
        Turn(max(0, start - edge) * hop / rate, min(hops, end + edge) * hop / rate)
        for start, end in merged
        if end - start >= _SHORTEST_MS // _HOP_MS
    )


def _floor(level: npt.NDArray[np.float64]) -> npt.NDArray[np.float64]:
    """The background's level around each hop: a low percentile of the seconds about it."""
    window = round(_FLOOR_SECONDS * 1000 / _HOP_MS)
    blocks = [level[start : start + 2 * window] for start in range(0, len(level), window)]
    lows = np.array([np.percentile(block, 10) for block in blocks])
    centres = np.arange(len(lows)) * window + window
    floor = np.interp(np.arange(len(level)), centres, lows)
    return np.minimum(floor, _LOUDEST_FLOOR_DB)
