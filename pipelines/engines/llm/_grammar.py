"""Lets a model write only what a JSON schema allows."""

from __future__ import annotations

import ctypes
import json
from collections.abc import Mapping
from typing import Any

import numpy as np
import numpy.typing as npt

QUOTED_WORDS = 80
"""The last words of the caller's that can be quoted: a longer grammar only takes longer."""
_PUNCTUATION = ".,;:?!…\"'()"
_TOKEN_DATA = np.dtype([("id", np.int32), ("logit", np.float32), ("p", np.float32)], align=True)


class Constraint:
    """One text under a grammar, token by token."""

    def __init__(self, vocabulary: Any, grammar: str) -> None:
        """Begin a text.

        Raises:
            ValueError: llama.cpp does not understand the grammar.
        """
        import llama_cpp  # noqa: PLC0415 (loaded with the model)

        self._llama_cpp = llama_cpp
        self._sampler = llama_cpp.llama_sampler_init_grammar(vocabulary, grammar.encode(), b"root")
        if not self._sampler:
            raise ValueError("the tools' parameters make no grammar that llama.cpp understands")

    def choose(self, logits: npt.NDArray[np.float32]) -> int:
        """The likeliest token that may come next, which is thereby taken."""
        best = int(logits.argmax())
        if not self._allowed(np.array([best]), logits).size:  # dear: only if it must be
            allowed = self._allowed(np.arange(len(logits)), logits)
            best = int(allowed[logits[allowed].argmax()])
        self._llama_cpp.llama_sampler_accept(self._sampler, best)
        return best

    def close(self) -> None:
        """Free its memory."""
        self._llama_cpp.llama_sampler_free(self._sampler)

    def _allowed(
        self, tokens: npt.NDArray[np.integer[Any]], logits: npt.NDArray[np.float32]
    ) -> npt.NDArray[np.int32]:
        """Those of the tokens that the grammar lets follow."""
        data = np.zeros(len(tokens), _TOKEN_DATA)
        data["id"], data["logit"] = tokens, logits[tokens]
        pointer = data.ctypes.data_as(self._llama_cpp.llama_token_data_p)
        array: Any = self._llama_cpp.llama_token_data_array(
            data=pointer, size=len(data), selected=-1, sorted=False
        )
        reference: Any = ctypes.byref(array)
        self._llama_cpp.llama_sampler_apply(self._sampler, reference)
        return data["id"][np.isfinite(data["logit"])]


def with_quotes(grammar: str, placeholder: str, said: str) -> str:
    """The grammar with the caller's words in place of a string of the schema.

    There then stand some of them, as they were said one after the other, or none.

    Args:
        grammar: made by `grammar_of`.
        placeholder: the string.
        said: the caller's last turn.
    """
    words = said.split()[-QUOTED_WORDS:]
    first = " | ".join(["", *(f"said{n}" for n in range(len(words)))])
    rules = [f'quote ::= "\\"" ({first}) "\\""']
    for n, word in enumerate(words):
        more = ""
        if n + 1 < len(words):
            more = f" ({_literal(_between(word, words[n + 1]))} said{n + 1})?"
        rules.append(f"said{n} ::= {_literal(word.strip(_PUNCTUATION))}{more}")
    return "\n".join([grammar.replace(f'"\\"{placeholder}\\""', "quote"), *rules])


def _between(word: str, following: str) -> str:
    """What stands between two words: punctuation and a space."""
    after = word[len(word.rstrip(_PUNCTUATION)) :] if word.strip(_PUNCTUATION) else ""
    before = following[: len(following) - len(following.lstrip(_PUNCTUATION))]
    return f"{after} {before if following.strip(_PUNCTUATION) else ''}"


def _literal(text: str) -> str:
    """The text inside a JSON string, as a terminal of GBNF."""
    inside = json.dumps(text, ensure_ascii=False)[1:-1]
    return json.dumps(inside, ensure_ascii=False)


def grammar_of(schema: Mapping[str, Any]) -> str:
    """The schema as a grammar in llama.cpp's notation (GBNF).

    Spaces stand where `json.dumps` puts them: so a call is written to the token as it will stand in
    the history, and need not be read again.

    Raises:
        ValueError: it holds something that cannot be one.
    """
    from llama_cpp.llama_grammar import json_schema_to_gbnf  # noqa: PLC0415

    try:
        grammar = json_schema_to_gbnf(json.dumps(schema))
    except Exception as error:
        raise ValueError(f"the tools' parameters cannot be made a grammar: {error}") from error
    for mark in (":", ","):
        grammar = grammar.replace(f'"{mark}" space', f'"{mark} "')
    return grammar.replace('space ::= " "?', 'space ::= ""')
