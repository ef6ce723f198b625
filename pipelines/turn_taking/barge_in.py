"""Judges speech over the agent: interruption, backchannel, noise or its own echo."""

from collections.abc import Mapping
from dataclasses import dataclass
from itertools import pairwise
from typing import Literal, TypeAlias

from pipelines.turn_taking.policy import BargeInPolicy
from pipelines.turn_taking.self_echo import without_self_echo, words_of
from pipelines.turn_taking.time import Nanos, from_ms

OverlapKind: TypeAlias = Literal["phrase", "words", "word", "sound", "backchannel", "echo"]
"""What speech over the agent is, as far as is known; `InterruptAfter` says what each is."""


@dataclass(frozen=True, slots=True)
class OverlapEvidence:
    """What is known of speech over the agent."""

    duration: Nanos
    """How long it has lasted."""
    settled: str
    """Its words that no longer change."""
    heard: str
    """Those with the ones that may yet change."""
    said: str = ""
    """The agent's own words meanwhile."""
    line_echoes: bool = False
    """The line is known to bring those back."""
    whole: bool = False
    """It has paused, and `settled` is its final transcript."""
    over: bool = False
    """It has been over for so long that no more of it is to be expected."""
    audible: bool = True
    """The agent is heard; before that, words only go on with the caller's turn."""


@dataclass(frozen=True, slots=True)
class OverlapVerdict:
    """What the overlapping speech was, by which rule, with how many words that say something."""

    kind: Literal["interrupts", "ignored"]
    rule: str
    words: int


class BackchannelList:
    """The policy's phrases that keep the agent talking, and those that stop it at once."""

    def __init__(
        self, phrases: tuple[str, ...], interruption_phrases: tuple[str, ...] = ()
    ) -> None:
        self._interruption_phrases = frozenset(
            " ".join(words_of(phrase)) for phrase in interruption_phrases
        )
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
                if (
                    not whole
                    and rest in self._beginnings
                    and not self.has_interruption_phrase(rest)
                ):
                    break
                others += 1
                index += 1
        return others

    def has_interruption_phrase(self, text: str) -> bool:
        """Whether a word or two of it are meant to stop whoever speaks."""
        words = words_of(text)
        pairs = (f"{one} {two}" for one, two in pairwise(words))
        return not self._interruption_phrases.isdisjoint((*words, *pairs))


def classify(
    evidence: OverlapEvidence, backchannels: BackchannelList, policy: BargeInPolicy
) -> tuple[OverlapKind, int]:
    """What it is, and how many of its words are neither a backchannel nor the agent's own."""
    whole, spoken = evidence.whole, evidence.settled.strip()
    others = without_self_echo(evidence.settled, evidence.said, policy.self_echo_words, whole=whole)
    words = backchannels.other_words(others, whole=whole)
    if words and backchannels.has_interruption_phrase(others):
        return "phrase", words
    if words:
        return ("word" if words == 1 else "words"), words
    if (spoken and not others) or (evidence.line_echoes and not whole):
        return "echo", 0
    coming = evidence.heard.strip()
    listening = coming and not backchannels.other_words(evidence.heard, whole=False)
    return ("backchannel" if (spoken if whole else listening) else "sound"), 0


def judge_overlap(
    evidence: OverlapEvidence, backchannels: BackchannelList, policy: BargeInPolicy
) -> OverlapVerdict | None:
    """The verdict on speech over the agent, or None while it is too early to tell."""
    kind, words = classify(evidence, backchannels, policy)
    never = kind == "echo" or (evidence.whole and not words)
    long_enough = not never and evidence.duration >= from_ms(
        getattr(policy.interrupt_after_ms, kind)
    )
    if long_enough or (words and not evidence.audible):
        rule = "interrupted_by_words" if words else "interrupted_by_duration"
        return OverlapVerdict("interrupts", rule, words)
    if evidence.whole and (evidence.over or not words):
        return OverlapVerdict("ignored", _IGNORED[kind], words)
    return None


_IGNORED: Mapping[OverlapKind, str] = {
    "phrase": "overlap_too_short",
    "words": "overlap_too_short",
    "word": "overlap_too_short",
    "sound": "overlap_without_words",
    "backchannel": "overlap_backchannel",
    "echo": "overlap_own_words",
}
"""By which rule speech of each kind is ignored."""
