"""Judges speech over the agent: interruption, backchannel, noise or its own echo."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pipelines.turn_taking.own_words import without_own_words, words_of
from pipelines.turn_taking.policy import BargeInPolicy
from pipelines.turn_taking.time import Nanos, from_ms

DRAWN_OUT = 2
"""So much longer than other speech may be what consists of nothing but backchannels so far."""


@dataclass(frozen=True, slots=True)
class OverlapVerdict:
    """What the overlapping speech was, by which rule, with how many words that say something."""

    kind: Literal["interrupts", "ignored"]
    rule: str
    words: int


class BackchannelList:
    """The policy's phrases that keep the agent talking, and those that stop it at once."""

    def __init__(self, phrases: tuple[str, ...], cues: tuple[str, ...] = ()) -> None:
        self._cues = frozenset(" ".join(words_of(cue)) for cue in cues)
        self._phrases = frozenset(" ".join(words_of(phrase)) for phrase in phrases)
        self._longest = max((len(phrase.split()) for phrase in self._phrases), default=0)
        self._beginnings = frozenset(
            " ".join(words[:end])
            for words in (phrase.split() for phrase in self._phrases)
            for end in range(1, len(words))
        )

    def other_words(self, text: str, *, whole: bool = True) -> int:
        """How many words are left when the longest backchannels are taken out from the left.

        Unless the text is `whole`, last words that begin a backchannel may yet become one ("I" of
        "I see") and are taken out too.
        """
        words = words_of(text)
        others = index = 0
        while index < len(words):
            for length in range(min(self._longest, len(words) - index), 0, -1):
                if " ".join(words[index : index + length]) in self._phrases:
                    index += length
                    break
            else:
                rest = " ".join(words[index:])
                if not whole and rest in self._beginnings and not self.has_cue(rest):
                    break
                others += 1
                index += 1
        return others

    def has_cue(self, text: str) -> bool:
        """Whether a word or two of it are meant to stop whoever speaks."""
        words = words_of(text)
        pairs = (f"{one} {two}" for one, two in pairwise(words))
        return not self._cues.isdisjoint((*words, *pairs))


def judge_overlap(
    speech: Nanos,
    text: str,
    *,
    unsettled: str,
    said: str,
    echoes: bool,
    whole: bool,
    settled: bool,
    audible: bool,
    backchannels: BackchannelList,
    policy: BargeInPolicy,
) -> OverlapVerdict | None:
    """The verdict on overlapping speech, or None while it is too early to tell.

    Args:
        speech: how long it has lasted.
        text: its words so far; only such as no longer change.
        unsettled: the same with those that may yet change.
        said: the agent's own words meanwhile.
        echoes: whether the line is known to bring them back; then sound alone does not interrupt.
        whole: whether the speech has paused and `text` is its final transcript.
        settled: whether it has been over for so long that no more of it is to be expected.
        audible: whether the agent is heard; before that, words only go on with the caller's turn.
        backchannels: what a listener may say without meaning to interrupt.
        policy: the thresholds.
    """
    others = without_own_words(text, said, policy.own_words, whole=whole)
    words = backchannels.other_words(others, whole=whole)
    if words:
        # An "uh-huh" is easily misheard for a word or two, but it is short, and nothing follows it.
        believed_ms = policy.interrupt_after_ms
        if words >= policy.min_words:
            believed_ms = min(believed_ms, policy.words_after_ms)
        long_enough = speech >= from_ms(believed_ms)
        if long_enough or not audible or backchannels.has_cue(others):
            return OverlapVerdict("interrupts", "interrupted_by_words", words)
        return OverlapVerdict("ignored", "overlap_too_short", words) if settled and whole else None
    echo = bool(text.strip()) and not others
    if whole:
        rule = "overlap_backchannel" if text.strip() else "overlap_without_words"
        return OverlapVerdict("ignored", "overlap_own_words" if echo else rule, words)
    listening = bool(unsettled.strip()) and not backchannels.other_words(unsettled, whole=False)
    long_enough = from_ms(policy.interrupt_after_ms) * (DRAWN_OUT if listening else 1)
    if speech >= long_enough and not (echo or echoes):
        return OverlapVerdict("interrupts", "interrupted_by_duration", words)
    return None
