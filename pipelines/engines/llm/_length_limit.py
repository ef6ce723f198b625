"""When a reply has become long enough for a phone call."""

import re

SENTENCE_ENDS = (".", "?", "!")
_ALL_ENDS = (*SENTENCE_ENDS, "。", "？", "！", "؟", "।")
_SENTENCE = re.compile(
    r"(?:\w{2,}[.?!؟।]+|\w[?!؟।]+)(?=\s|$)(?<!\bMr\.)(?<!\bMs\.)(?<!\bDr\.)(?<!\bSt\.)(?<!\bMrs\.)"
    r"|[。？！]+"
)
"""The word that ends a sentence: no initial, and none of the titles that people have."""
WIND_DOWN = 0.6
"""Part of the longest reply after which it ends with the sentence."""


def ends_here(tokens: int, max_tokens: int, text: str) -> bool:
    """Whether a reply of so many tokens, the last of which is `text`, should end with it."""
    if tokens >= max_tokens:
        return True
    return tokens >= WIND_DOWN * max_tokens and text.rstrip().endswith(_ALL_ENDS)


def sentences_ended(text: str) -> int:
    """How many sentences of the text are over."""
    return len(_SENTENCE.findall(text))
