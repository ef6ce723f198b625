"""Which words of a growing transcript no longer change: LocalAgreement-2, and nothing else."""

from collections.abc import Sequence

from pipelines.engines.loops import bare_word
from pipelines.engines.protocols import Hypothesis


def same_word(one: str, other: str) -> bool:
    """Whether two words are the same but for case and punctuation, which change until the end."""
    return one == other or (bare_word(one) or one) == (bare_word(other) or other)


class LocalAgreement:
    """Stable is what two consecutive hypotheses of the same, growing audio agree on.

    LocalAgreement-n with n = 2: Liu et al., "Low-Latency Sequence-to-Sequence Speech Recognition
    and Translation by Partial Hypothesis Selection" (Interspeech 2020), as used for Whisper by
    Macháček et al., "Turning Whisper into Real-Time Transcription System" (2023): the longest
    common prefix of two consecutive hypotheses is committed, and a committed word never changes.
    """

    def __init__(self) -> None:
        self._stable: list[str] = []
        self._previous: list[str] = []

    def update(self, words: Sequence[str]) -> Hypothesis:
        """Take the next hypothesis of all the audio so far, from its first word on.

        A hypothesis that contradicts committed words is aligned to them by position: what it says
        of the past is ignored and what it says after as many words is unstable.
        """
        count = len(self._stable)
        while (
            count < min(len(words), len(self._previous))
            and same_word(words[count], self._previous[count])
        ):  # fmt: skip
            self._stable.append(words[count])
            count += 1
        self._previous = list(words)
        return Hypothesis(stable=" ".join(self._stable), unstable=" ".join(words[count:]))

    def reset(self) -> None:
        """Begin with new audio."""
        self._stable.clear()
        self._previous.clear()
