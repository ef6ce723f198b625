"""Words of a conversation as numbers for the text turn model.

Used in training and at run time alike, so that both see the same numbers.
"""

import re
import unicodedata
from collections.abc import Sequence

PAD, UNKNOWN, AGENT, CALLER = "<pad>", "<unknown>", "<agent>", "<caller>"
SPECIAL = (PAD, UNKNOWN, AGENT, CALLER)
QUESTION = "?"
INSIDE = "##"
"""Begins a piece that does not begin a word."""

_WORD = re.compile(r"[^\W\d_]+(?:'[^\W\d_]+)*|[0-9]+|\?")
_LONGEST_WORD = 32


def words(text: str) -> list[str]:
    """Lower-case words and rows of digits of a text, without any punctuation.

    What a recogniser writes at a pause is its own guess at whether the sentence is over: a full
    stop there says little, so no punctuation is read.
    """
    return [word for word in _all_words(text) if word != QUESTION]


def _all_words(text: str) -> list[str]:
    plain = unicodedata.normalize("NFKD", text.replace("’", "'")).lower()
    return _WORD.findall("".join(c for c in plain if not unicodedata.combining(c)))


class Tokenizer:
    """Splits words into the longest pieces that the vocabulary knows."""

    def __init__(self, vocabulary: Sequence[str], agent_tokens: int, caller_tokens: int) -> None:
        """Take the vocabulary as trained.

        Args:
            vocabulary: tokens in the order of their numbers, the special ones first.
            agent_tokens: how many of the agent's last tokens are read.
            caller_tokens: how many of the caller's last tokens are read.

        Raises:
            ValueError: the special tokens are missing, or a limit is not positive.
        """
        if tuple(vocabulary[: len(SPECIAL)]) != SPECIAL:
            raise ValueError(f"the vocabulary must begin with {', '.join(SPECIAL)}")
        if agent_tokens < 1 or caller_tokens < 1:
            raise ValueError("the model must read at least one token of each speaker")
        self._numbers = {token: number for number, token in enumerate(vocabulary)}
        self.agent_tokens = agent_tokens
        self.caller_tokens = caller_tokens
        self._longest = max(len(token.removeprefix(INSIDE)) for token in vocabulary)

    def __len__(self) -> int:
        """How many tokens there are."""
        return len(self._numbers)

    def encode(self, agent: str, caller: str) -> list[int]:
        """Numbers of the agent's last turn and the caller's words so far, in that order.

        Only the ends count, as many tokens as the limits allow; the agent's question marks are
        kept, as they are written, not heard.
        """
        # Cut before splitting: every word is at least one token, so no more words can count.
        spoken = words(caller)[-self.caller_tokens :]
        return self.join(agent, [token for word in spoken for token in self.pieces(word)])

    def join(self, agent: str, caller: Sequence[int]) -> list[int]:
        """The same for a caller whose words have been split already."""
        context = [t for word in _all_words(agent)[-self.agent_tokens :] for t in self.pieces(word)]
        return [
            self._numbers[AGENT],
            *context[-self.agent_tokens :],
            self._numbers[CALLER],
            *caller[-self.caller_tokens :],
        ]

    def pieces(self, word: str) -> list[int]:
        """Numbers of one word: its own, or those of its pieces, the longest first."""
        if word in self._numbers:
            return [self._numbers[word]]
        pieces: list[int] = []
        rest, prefix = word[:_LONGEST_WORD], ""
        while rest:
            for length in range(min(len(rest), self._longest), 0, -1):
                number = self._numbers.get(prefix + rest[:length])
                if number is not None:
                    break
            else:
                number, length = self._numbers[UNKNOWN], 1
            pieces.append(number)
            rest, prefix = rest[length:], INSIDE
        return pieces
