"""Judges speech over the agent: interruption, backchannel, noise or its own echo."""

from dataclasses import dataclass
from itertools import pairwise
from typing import Literal

from pipelines.turn_taking.own_words import without_own_words, words_of
from pipelines.turn_taking.policy import BargeInPolicy
from pipelines.turn_taking.time import Nanos, from_ms


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

    def other_words(self, text: str) -> int:
        """How many words are left when the longest backchannels are taken out from the left."""
        words = words_of(text)
        others = index = 0
        while index < len(words):
            for length in range(min(self._longest, len(words) - index), 0, -1):
                if " ".join(words[index : index + length]) in self._phrases:
                    index += length
                    break
            else:
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
        said: the agent's own words meanwhile.
        echoes: whether the line is known to bring them back; then sound alone does not interrupt.
        whole: whether the speech has paused and `text` is its final transcript.
        settled: whether it has been over for so long that no more of it is to be expected.
        audible: whether the agent is heard; before that, words only go on with the caller's turn.
        backchannels: what a listener may say without meaning to interrupt.
        policy: the thresholds.
    """
    others = without_own_words(text, said, policy.own_words, whole=whole)
    words = backchannels.other_words(others)
    if words >= policy.min_words:
        # An "uh-huh" is easily misheard for words, but it is short, and nothing follows it.
        long_enough = speech >= from_ms(policy.words_after_ms)
        if long_enough or not audible or backchannels.has_cue(others):
            return OverlapVerdict("interrupts", "interrupted_by_words", words)
        return OverlapVerdict("ignored", "overlap_too_short", words) if settled and whole else None
    echo = bool(text.strip()) and not others
    if whole:
        rule = "overlap_backchannel" if text.strip() else "overlap_without_words"
        return OverlapVerdict("ignored", "overlap_own_words" if echo else rule, words)
    if speech >= from_ms(policy.interrupt_after_ms) and not (echo or echoes):
        return OverlapVerdict("interrupts", "interrupted_by_duration", words)
    return None
