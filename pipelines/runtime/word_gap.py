"""Where the word began in which speech was cut off.

Synthesisers differ in what they tell of their timing, and most tell nothing, so it is found by ear:
the last place before the cut that is almost silent, or else the quietest.
"""

import numpy as np

from pipelines.runtime.timeline import Samples

WORD_MS = 400
"""No word is looked for further back: about the length of a long one."""
_STEP_MS = 10
_QUIET = 0.1
"""Of the loudest step: 20 dB below it is a gap between words, or the closure before a stop."""
_DIP = 0.5
"""Of the loudest step: sound that never falls below this has no words in it."""


def since_word_began(recent: Samples, rate: int) -> int:
    """How many samples before the end of `recent` its last word begins.

    0 if it ends between words, or no word can be told from another.

    Args:
        recent: what was played last, int16, shape (n,); only the last `WORD_MS` count.
        rate: Hz.
    """
    step = rate * _STEP_MS // 1000
    count = min(len(recent), rate * WORD_MS // 1000) // step
    if count == 0:
        return 0
    steps = recent[len(recent) - count * step :].astype(np.float32).reshape(count, step)
    loudness = np.sqrt((steps**2).mean(axis=1))
    gaps = np.flatnonzero(loudness <= _QUIET * loudness.max())
    if len(gaps):
        return int(count - 1 - gaps[-1]) * step
    quietest = int(np.argmin(loudness))
    return (count - quietest) * step if loudness[quietest] <= _DIP * loudness.max() else 0
