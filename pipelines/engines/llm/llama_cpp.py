"""Replies from a GGUF model through llama.cpp."""

import codecs
import json
import os
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import numpy.typing as npt

from pipelines.engines.llm._chat_prompt import ChatPrompt, shortened
from pipelines.engines.llm._grammar import grammar_of, with_quotes
from pipelines.engines.llm._length_limit import SENTENCE_ENDS, ends_here, sentences_ended
from pipelines.engines.llm._llama_model import LlamaModel
from pipelines.engines.llm._tool_prompt import PLACEHOLDER, before_mark, call_schema
from pipelines.engines.llm._written_calls import requested_in_text
from pipelines.engines.markup import Markup
from pipelines.engines.protocols import StopSignal
from pipelines.engines.registry import Context
from pipelines.engines.speakable import speakable
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.bounds import bounded, check_bounds
from pipelines.turn_taking.commands import History, Message

TOOL_TOKENS = 256
"""Longest call of a tool."""
REMEMBERED = 96
"""Tokens of the agent's that `repeat_penalty` looks back."""
DROP_STEP = 6
"""Messages dropped at a time when the context overflows: each drop costs a full reading of the
prompt, so it must not happen in every turn."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    weights: str = "smollm2-135m-instruct"
    """Name of a model in the registry, or the path of a GGUF file."""
    n_ctx: int = 2048
    """Tokens that prompt and reply may have together."""
    threads: int = bounded(0, 0)
    """0: all cores but one, at most 4. llama.cpp's threads wait for each other spinning, and one
    that has to share its core with the recogniser slows all of them down many times over."""
    max_tokens: int = bounded(80, 1)
    """Length of a reply; from 60 % of it on, the reply ends with the sentence."""
    temperature: float = bounded(0.0, 0)
    """0: the likeliest token always, and so the same reply to the same history."""
    seed: int = 0
    """Of sampling: the same seed, prompt and settings give the same reply."""
    repeat_penalty: float = bounded(1.0, 1)
    """Above 1: so much less likely is each token that the agent has written lately, in this reply
    or before (Keskar et al. 2019); what keeps a small model from saying one sentence for ever."""
    max_sentences: int = bounded(0, 0)
    """A reply ends with so many sentences; 0: with `max_tokens`."""
    examples: tuple[tuple[str, str], ...] = ()
    """What a caller says and what the agent answers, shown to the model before every conversation
    as if it had been said: a small model does as it is shown rather than as it is told. Read before
    the call, so they cost no time in it. Not with tools, whose own examples show when to call."""
    tool_bias: float = 0.0
    """Added to the logit of opening a reply with a tool call: for models too small to know when."""


class LlamaCppLlm:
    """One conversation at a time; the KV cache keeps what histories have in common."""

    def __init__(
        self,
        settings: Settings,
        model: LlamaModel,
        tools: tuple[Tool, ...] = (),
        examples: History = (),
    ) -> None:
        """Raises ValueError if the tools' parameters cannot be made a grammar."""
        self._settings = settings
        self._model = model
        self._tools = tools
        self._prompt = ChatPrompt(model.render, tools, examples)
        self._mark = self._prompt.opening.strip()
        self._grammar = grammar_of(call_schema(tools)) if tools else ""
        self._end_marks = [model.tokens(mark)[0] for mark in SENTENCE_ENDS]
        self._noted: tuple[History, float] = ((), 0.0)
        """The last turn whose end was judged, and its probability."""

    def prepare(self, history: History) -> None:
        """Read the prompt into the KV cache; takes milliseconds for each token that is new.

        Where the caller's last word stands, the probability of an end there is noted, so that
        `end_probability` need not go back to it.
        """
        words = _bare(history[-1].text) if history and history[-1].role == "caller" else ""
        said = (*history[:-1], Message("caller", words))
        if not words or said == self._noted[0]:
            self._model.read(self._fitted(history))
            return
        before, after = self._prompt.open_turn(said)
        tokens, prompt = self._model.tokens(before), self._fitted(history)
        if prompt[: len(tokens)] == tokens:  # not if turns were dropped to make it fit
            self._end_after(tokens, after, said)
        self._model.read(prompt)

    def stream(self, history: History, stop: StopSignal) -> Iterator[str | ToolRequest]:
        """The reply in speakable pieces, until its end, `max_tokens`, or `stop`.

        Once the model has opened a tool call, it can write nothing but the JSON of a tool that
        there is, with its parameters; the reply ends with that.

        Raises:
            ValueError: system prompt and last message alone do not fit into the context.
            RuntimeError: a tool call does not end.
        """
        asked: list[ToolRequest] = []
        names = [tool.name for tool in self._tools]
        markup = Markup(reasoning_first=self._prompt.opens_reasoning, tools=names)
        yield from speakable(self._pieces(history, stop, asked, markup), markup)
        yield from asked or ([] if stop.is_set() else requested_in_text(markup.calls, self._tools))

    def end_probability(self, history: History, text: str) -> float:
        """Probability that the caller's turn ends after `text`.

        The sum of what the model gives the end-of-turn token and . ? ! as the next token. Final
        punctuation that a recogniser put there by itself is not read: it would answer the question.
        What was read is a prefix of the next prompt, so nothing is lost for the reply.
        """
        words = _bare(text)
        if not words:
            return 0.0
        said = (*history, Message("caller", words))
        if said == self._noted[0]:
            return self._noted[1]
        before, after = self._prompt.open_turn(said)
        tokens = self._model.tokens(before)
        room = self._model.n_ctx - 1
        if len(tokens) > room:
            before, after = self._prompt.open_turn((Message("caller", words),))
            tokens = self._model.tokens(before)[-room:]
        return self._end_after(tokens, after, said)

    def _end_after(self, tokens: list[int], after: str, said: History) -> float:
        """Read `tokens`, the prompt of `said` up to its last word; the probability of an end."""
        logits = self._model.read(tokens)
        if logits is None:  # only a stop signal ends the reading early, and there was none
            raise RuntimeError("llama.cpp did not read the prompt")
        ends = {*self._end_marks, self._model.tokens(after)[0]}
        p = min(1.0, float(_probabilities(logits)[list(ends)].sum()))
        self._noted = (said, p)
        return p

    def _pieces(
        self, history: History, stop: StopSignal, asked: list[ToolRequest], markup: Markup
    ) -> Iterator[str]:
        prompt = self._fitted(history)
        tokens = list(prompt)
        said = spoken = held = ""
        fresh = not history or history[-1].role != "tool_result"
        random = np.random.default_rng(self._settings.seed)
        lately = self._written_lately(history)
        decoder = codecs.getincrementaldecoder("utf-8")("replace")
        for count in range(1, self._settings.max_tokens + 1):
            logits = self._model.read(tokens, stop)
            if logits is None or stop.is_set():
                return
            if count == 1 and fresh and self._is_pushed_to_call(logits):
                asked += self._call(prompt, "", history, stop)
                return
            token = self._choose(self._penalised(logits, lately), random)
            if self._model.ends(token):
                break
            tokens.append(token)
            lately.append(token)
            text = held + decoder.decode(self._model.piece(token))
            if self._grammar:
                text, held = before_mark(text, self._mark)
            said += text
            if text:
                yield text
            if held.startswith(self._mark):
                asked += self._call(prompt, said, history, stop)
                return
            if markup.hides:
                continue
            spoken += text
            if ends_here(count, self._settings.max_tokens, text) or self._said_enough(spoken):
                break
        if rest := held + decoder.decode(b"", final=True):
            yield rest

    def _is_pushed_to_call(self, logits: npt.NDArray[np.float32]) -> bool:
        """Whether `tool_bias` makes opening a call the likeliest way to begin."""
        if not self._grammar or not self._settings.tool_bias:
            return False
        mark = self._model.tokens(self._mark)[0]
        return bool(logits[mark] + self._settings.tool_bias >= logits.max())

    def _call(
        self, prompt: list[int], said: str, history: History, stop: StopSignal
    ) -> list[ToolRequest]:
        """The call of a tool that the model has opened; empty if `stop` came first."""
        tokens = prompt + self._model.tokens(said + self._prompt.opening)
        words = next((each.text for each in reversed(history) if each.role == "caller"), "")
        grammar = with_quotes(self._grammar, PLACEHOLDER, words)
        constraint, text = self._model.constraint(grammar), b""
        try:
            for _ in range(TOOL_TOKENS):
                logits = self._model.read(tokens, stop)
                if logits is None or stop.is_set():
                    return []
                token = constraint.choose(logits)
                tokens.append(token)
                text += self._model.piece(token)
                if call := _whole(text):
                    return [call]
        finally:
            constraint.close()
        raise RuntimeError(f"the model did not end a tool call within {TOOL_TOKENS} tokens")

    def _written_lately(self, history: History) -> deque[int]:
        """The last tokens of the agent's earlier replies, if they are to be less likely now."""
        written = deque[int](maxlen=REMEMBERED)
        if self._settings.repeat_penalty > 1:
            for message in history:
                if message.role == "agent":
                    written.extend(self._model.tokens(" " + message.text))
        return written

    def _penalised(
        self, logits: npt.NDArray[np.float32], lately: deque[int]
    ) -> npt.NDArray[np.float32]:
        penalty = self._settings.repeat_penalty
        if penalty <= 1 or not lately:
            return logits
        tokens = np.fromiter(lately, np.intp)
        logits = logits.copy()
        logits[tokens] = np.where(
            logits[tokens] > 0, logits[tokens] / penalty, logits[tokens] * penalty
        )
        return logits

    def _said_enough(self, said: str) -> bool:
        most = self._settings.max_sentences
        return bool(most) and sentences_ended(said) >= most

    def _choose(self, logits: npt.NDArray[np.float32], random: np.random.Generator) -> int:
        if self._settings.temperature == 0:
            return int(logits.argmax())
        probabilities = _probabilities(logits / self._settings.temperature)
        return int(random.choice(len(probabilities), p=probabilities))

    def _fitted(self, history: History) -> list[int]:
        """Tokens of the prompt, oldest turns dropped as needed to leave room for the reply."""
        calls = TOOL_TOKENS if self._grammar else 0
        room = self._model.n_ctx - self._settings.max_tokens - calls
        spoken = sum(message.role != "system" for message in history)
        length = 0
        for drop in (*range(0, spoken, DROP_STEP), max(spoken - 1, 0)):
            tokens = self._model.tokens(self._prompt.reply(shortened(history, drop)))
            length = len(tokens)
            if length <= room:
                return tokens
        raise ValueError(
            f"the system prompt and the last message take {length} tokens, but n_ctx and "
            f"max_tokens leave room for {room}"
        )


def _turns(examples: tuple[tuple[str, str], ...]) -> Iterator[Message]:
    for caller, agent in examples:
        yield Message("caller", caller)
        yield Message("agent", agent)


def _bare(text: str) -> str:
    """Without the punctuation at its end."""
    return text.rstrip(" .?!,;:-…")


def _whole(text: bytes) -> ToolRequest | None:
    """The call, if the text holds all of it."""
    if not text.rstrip().endswith(b"}"):
        return None
    try:
        call = json.loads(text, strict=False)  # the grammar lets line breaks into strings
    except ValueError:
        return None
    return ToolRequest(call["name"], json.dumps(call["arguments"], ensure_ascii=False))


def _probabilities(logits: npt.NDArray[np.floating]) -> npt.NDArray[np.float64]:
    weights = np.exp(logits.astype(np.float64) - logits.max())
    return weights / weights.sum()


def _threads(wanted: int) -> int:
    return wanted or max(1, min(4, (os.cpu_count() or 1) - 1))


def build(settings: Settings, context: Context) -> LlamaCppLlm:
    """Load the model and evaluate a token, which pages the weights in.

    Raises:
        ValueError: a setting out of range, or a file that cannot be used.
    """
    if not 1 <= settings.max_tokens < settings.n_ctx:
        raise ValueError("max_tokens must be at least 1 and less than n_ctx")
    check_bounds(settings)
    path = context.locate(settings.weights)
    model = LlamaModel(path, settings.n_ctx, _threads(settings.threads))
    shown = () if context.tools else tuple(_turns(settings.examples))
    llm = LlamaCppLlm(settings, model, context.tools, (*shown, *context.examples))
    begun = (Message("system", context.system_prompt),) if context.system_prompt else ()
    llm.prepare((*begun, Message("caller", "Hello")))
    return llm
