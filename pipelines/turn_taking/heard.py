"""When the words of a clause are said, by which it is told how many of them were heard.

Words are taken to be equally long, except that each digit counts as one: "$12.50" is written as one
word and takes as long to say as five.
"""

import re
from functools import lru_cache
from itertools import accumulate

from pipelines.turn_taking.time import MILLISECOND, Nanos

_SPOKEN = re.compile(r"\d")
_WORD: Nanos = 300 * MILLISECOND
"""How long a word usually takes to say: 200 a minute."""


def said_by(text: str, position: Nanos, audio: Nanos, *, whole: bool) -> int:
    """How many of its words were said whole at `position`.

    Args:
        text: a clause.
        position: into its audio.
        audio: how much of that there is.
        whole: whether that is all of it; otherwise more is expected, at a usual pace.
    """
    ends = _word_ends(text, audio, whole=whole)
    return sum(end <= position for end in ends) if audio > 0 else 0


def word_begins(text: str, audio: Nanos, *, whole: bool) -> list[Nanos]:
    """When each word begins, into the clause's audio; `audio` and `whole` as above."""
    ends = _word_ends(text, audio, whole=whole)
    return [0, *ends][: len(ends)]


def _word_ends(text: str, audio: Nanos, *, whole: bool) -> list[Nanos]:
    said_by_then = _lengths_so_far(text)
    total = said_by_then[-1] if said_by_then else 0
    duration = audio if whole else max(audio, total * _WORD)
    return [duration * said // total for said in said_by_then]


@lru_cache(maxsize=64)
def _lengths_so_far(text: str) -> tuple[int, ...]:
    """Up to the end of each word; asked for with every frame that is spoken over a clause."""
    return tuple(accumulate(max(1, len(_SPOKEN.findall(word))) for word in text.split()))
