"""Tells the agent's own words, come back as an echo, from what the caller says.

No echo canceller stands between the agent and a phone line: the hybrid of an analogue line, or a
caller's speakerphone, may send the agent's voice back loud enough to be transcribed. What the
recogniser then reads is what the agent has just been saying, word for word and in its order.
"""

import re
from collections import deque
from collections.abc import Callable

from pipelines.turn_taking.heard import word_begins
from pipelines.turn_taking.reply import Clause
from pipelines.turn_taking.time import SECOND, Nanos

_NOT_A_WORD = re.compile(r"[^\w' ]+")
_EARLIER: Nanos = 2 * SECOND
"""An echo is this much late at most; words the agent said longer ago are the caller's again."""
_LATER: Nanos = SECOND // 2
"""When a word is said in its clause is estimated (`heard.py`); it may be this much sooner."""
_CUT_OFF = 3
"""Letters of a word cut in two by where the echo began or ended, by which it is still known."""


def words_of(text: str) -> list[str]:
    """The words of a text, without case and punctuation."""
    return _NOT_A_WORD.sub(" ", text.lower()).split()


class AgentSpeechLog:
    """The agent's last clauses and when they were audible."""

    def __init__(self) -> None:
        self._clauses: deque[tuple[Nanos, Clause]] = deque(maxlen=8)

    def began(self, clause: Clause, at: Nanos) -> None:
        """A clause is at the caller's ear from `at` on."""
        self._clauses.append((at, clause))

    def around(self, start: Nanos, end: Nanos, *, questions: bool) -> str:
        """The agent's words whose echo may be heard from `start` to `end`.

        Without `questions` none of those: who answers early does so in words of the question.
        """
        said: list[str] = []
        for began, clause in self._clauses:
            if clause.text.rstrip().endswith("?") and not questions:
                continue
            begins = word_begins(clause.text, clause.audio, whole=clause.complete)
            for word, into in zip(clause.text.split(), begins, strict=True):
                spoken = began + into
                if start - _EARLIER <= spoken <= end + _LATER:
                    said.append(word)
        return " ".join(said)


def without_self_echo(heard: str, said: str, in_a_row: int, *, whole: bool = True) -> str:
    """`heard` without its runs of `in_a_row` or more words that the agent `said` in that order.

    Every word left out is one of the agent's, but for a first or last one that is the end or the
    beginning of one. 0: nothing is left out. Unless `heard` is `whole`, its last words need not be
    so many: more of them may be on their way.
    """
    words = words_of(heard)
    own = words_of(said) if words and in_a_row else []
    kept: list[str] = []
    index = 0
    while index < len(words):
        runs = (_run(words, index, own, at) for at in range(len(own)))
        same, length = max(runs, default=(0, 0))
        open_end = not whole and index + length == len(words)
        if own and same >= (1 if open_end else in_a_row):
            index += length
        else:
            kept.append(words[index])
            index += 1
    return " ".join(kept)


def _run(words: list[str], index: int, own: list[str], at: int) -> tuple[int, int]:
    """Words the same from `index` and `at` on; and how many they are with those cut off."""
    cut_at_start = index == 0 and words[0] != own[at] and _cut(words[0], own[at].endswith)
    length = same = 0
    if cut_at_start:
        length = 1
    while index + length < len(words) and at + length < len(own):
        if words[index + length] != own[at + length]:
            break
        length += 1
        same += 1
    last = index + length
    if same and last == len(words) - 1 and at + length < len(own):
        length += _cut(words[last], own[at + length].startswith)
    return (same, length) if same else (0, 0)


def _cut(word: str, is_part: Callable[[str], bool]) -> bool:
    return len(word) >= _CUT_OFF and is_part(word)
