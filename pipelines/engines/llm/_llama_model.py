"""A GGUF model with a KV cache that remembers."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import numpy.typing as npt

from pipelines.engines.llama_log import llama_complaints
from pipelines.engines.llm._grammar import Constraint

if TYPE_CHECKING:
    from collections.abc import Sequence

    from pipelines.engines.llm._chat_prompt import ChatMessage
    from pipelines.engines.protocols import StopSignal

SLICE = 16
"""Prompt tokens evaluated between two looks at the stop signal; larger ones are hardly faster."""

Logits = npt.NDArray[np.float32]


class LlamaModel:
    """Weights, tokenizer, chat template, and one sequence of tokens in the KV cache."""

    def __init__(self, path: Path, n_ctx: int, threads: int) -> None:
        """Load the model.

        Raises:
            ValueError: the file is missing, no GGUF that llama.cpp can load, or has no chat
                template.
        """
        import llama_cpp  # noqa: PLC0415 (heavy: only when an engine is built)
        from llama_cpp.llama_chat_format import Jinja2ChatFormatter  # noqa: PLC0415

        self._is_end = llama_cpp.llama_vocab_is_eog
        self._logits_of = llama_cpp.llama_get_logits_ith
        complaints = llama_complaints()
        complaints.clear()
        if not path.is_file():
            raise ValueError(f"there is no model file {path}")
        try:
            self._llama = llama_cpp.Llama(
                str(path), n_ctx=n_ctx, n_threads=threads, n_threads_batch=threads, verbose=False
            )
        except (ValueError, RuntimeError) as error:
            why = complaints[0].rpartition("error loading model: ")[2] if complaints else error
            raise ValueError(f"{path} cannot be loaded as a GGUF model: {why}") from error
        self.n_ctx = self._llama.n_ctx()
        vocabulary = llama_cpp.llama_model_get_vocab(self._llama.model)
        if vocabulary is None:
            raise ValueError(f"{path} has no vocabulary")
        self._vocabulary = vocabulary
        self._logits: Logits | None = None
        template = self._llama.metadata.get("tokenizer.chat_template")
        if not template:
            raise ValueError(f"{path} has no chat template: it is no model for conversation")
        # Templates write the first token themselves; the tokenizer must not write it again.
        bos = self._text_of(self._llama.token_bos())
        eos = self._text_of(self._llama.token_eos())
        self._formatters = {
            opened: Jinja2ChatFormatter(template, eos, bos, add_generation_prompt=opened)
            for opened in (True, False)
        }

    def render(
        self, messages: list[ChatMessage], open_reply: bool, tools: Sequence[dict[str, Any]] = ()
    ) -> str:
        """The chat template; raises what the template raises."""
        chat: Any = messages
        told: Any = list(tools) or None
        return self._formatters[open_reply](messages=chat, tools=told).prompt

    def tokens(self, text: str) -> list[int]:
        """Tokens of a piece of prompt; marks of the template become control tokens."""
        data = text.encode("utf-8", "replace")
        return self._llama.tokenize(data, add_bos=False, special=True)

    def piece(self, token: int) -> bytes:
        """The bytes of one token: possibly a part of a character, empty for control tokens."""
        return self._llama.detokenize([token])

    def constraint(self, grammar: str) -> Constraint:
        """The beginning of a text under a grammar; raises as that does."""
        return Constraint(self._vocabulary, grammar)

    def ends(self, token: int) -> bool:
        """Whether a token ends a turn or a text."""
        return bool(self._is_end(self._vocabulary, token))

    def read(self, tokens: Sequence[int], stop: StopSignal | None = None) -> Logits | None:
        """Make the KV cache hold exactly `tokens`, evaluating only what differs from before.

        Returns:
            What the model expects next, shape (vocabulary,), valid until the next call; None if
            `stop` came first. What was evaluated by then is kept.
        """
        llama = self._llama
        held = llama.input_ids[: llama.n_tokens]
        common = _common_prefix(held, tokens)
        if common == len(tokens) == len(held) and self._logits is not None:
            return self._logits
        # The last token is evaluated anew if it was followed by others: its logits are gone.
        llama.n_tokens = min(common, len(tokens) - 1)
        self._logits = None
        for start in range(llama.n_tokens, len(tokens), SLICE):
            if stop is not None and stop.is_set():
                return None
            llama.eval(tokens[start : start + SLICE])
        pointer = self._logits_of(llama.ctx, -1)
        self._logits = np.ctypeslib.as_array(pointer, (llama.n_vocab(),))
        return self._logits

    def _text_of(self, token: int) -> str:
        if token < 0:
            return ""
        return self._llama.detokenize([token], special=True).decode("utf-8", "replace")


def _common_prefix(held: npt.NDArray[np.intc], tokens: Sequence[int]) -> int:
    count = min(len(held), len(tokens))
    differs = np.flatnonzero(held[:count] != np.asarray(tokens[:count], np.intc))
    return int(differs[0]) if len(differs) else count
