"""Chooses the tokens of the text turn model."""

from collections import Counter
from collections.abc import Iterable

from pipelines.engines.turn_tokens import INSIDE, QUESTION, SPECIAL

_ALPHABET = "abcdefghijklmnopqrstuvwxyz0123456789'"
_LONGEST_PIECE = 5


def choose_vocabulary(words: Iterable[str], whole_words: int, pieces: int) -> list[str]:
    """Special tokens, single characters, the commonest words, and the commonest parts of the rest.

    Greedy splitting into the longest known piece stands in for BPE: nine words in ten are whole
    tokens, and the rest is mostly names, of which the model needs to know that they are names.
    A number is read digit by digit: how many there are matters more than which.
    """
    counts = Counter(word for word in words if not word[0].isdigit())
    common = [word for word, count in counts.most_common(whole_words) if count > 1]
    parts: Counter[str] = Counter()
    known = set(common)
    for word, count in counts.items():
        if word in known:
            continue
        for length in range(2, _LONGEST_PIECE + 1):
            # Weighted by length: a longer piece saves more tokens each time it is found.
            parts[word[:length]] += (length - 1) * min(count, 3)
            for start in range(1, len(word) - length + 1):
                parts[INSIDE + word[start : start + length]] += (length - 1) * min(count, 3)
    chosen = [part for part, _ in parts.most_common(pieces)]
    characters = [*_ALPHABET, *(INSIDE + character for character in _ALPHABET), QUESTION]
    return list(dict.fromkeys((*SPECIAL, *characters, *common, *chosen)))
