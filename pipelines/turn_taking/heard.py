"""Which words of a clause were heard when it stopped; changes with how long a word is taken to be.

Words are taken to be equally long, except that each digit counts as one: "$12.50" is written as one
word and takes as long to say as five.
"""

import re

from pipelines.turn_taking.time import MILLISECOND, Nanos

_SPOKEN = re.compile(r"\d")
_WORD: Nanos = 300 * MILLISECOND
"""How long a word usually takes to say: 200 a minute."""


def usual_duration(text: str) -> Nanos:
    """How long it probably takes to say this, of which the audio is not all there yet."""
    return sum(_lengths(text)) * _WORD


def heard_words(text: str, share: float) -> str:
    """The words that were said whole when `share` (0 to 1) of the audio had been heard."""
    words = text.split()
    lengths = _lengths(text)
    said = min(max(share, 0.0), 1.0) * sum(lengths) + 1e-9
    heard = 0
    for length in lengths:
        said -= length
        if said < 0:
            break
        heard += 1
    return " ".join(words[:heard])


def _lengths(text: str) -> list[int]:
    return [max(1, len(_SPOKEN.findall(word))) for word in text.split()]
