"""Replies from a GGUF model."""

import subprocess
import sys
import threading

import numpy as np
import pytest

from pipelines.engines.llm.llama_cpp import LlamaCppLlm, Settings, build
from pipelines.engines.registry import Context
from pipelines.engines.tools import Tool
from pipelines.turn_taking.commands import Message

SYSTEM = Message("system", "You are a helpful assistant on the phone. Answer in one sentence.")
ASK = Message("caller", "What is the capital of France?")
HISTORY = (SYSTEM, Message("agent", "Hello, how can I help?"), ASK)


class CannedModel:
    """Writes given tokens one after the other; a token is its bytes, and 0 is the end."""

    def __init__(self, pieces, n_ctx=200):
        self.pieces = [b"", *pieces]
        self.n_ctx = n_ctx
        self.reads = []

    def render(self, messages, open_reply):
        return "|".join(each["content"] for each in messages)

    def tokens(self, text):
        return [-1] * len(text)  # a prompt token a character

    def piece(self, token):
        return self.pieces[token]

    def ends(self, token):
        return token == 0

    def read(self, tokens, stop=None):
        if stop is not None and stop.is_set():
            return None
        self.reads.append(list(tokens))
        written = sum(token >= 0 for token in tokens)
        logits = np.zeros(len(self.pieces), np.float32)
        logits[written + 1 if written + 1 < len(self.pieces) else 0] = 10.0
        return logits


def reply(pieces, history=(ASK,), **settings):
    return "".join(
        LlamaCppLlm(Settings(**settings), CannedModel(pieces)).stream(history, threading.Event())
    )


def test_a_character_split_over_tokens_comes_out_whole():
    encoded = "Grüße!".encode()
    assert reply([bytes([byte]) for byte in encoded]) == "Grüße!"


def test_a_character_that_never_ends_is_replaced():
    assert reply([b"Hi ", b"\xe2\x82"]).startswith("Hi")


def test_a_reply_ends_after_max_tokens_and_before_that_with_the_sentence():
    words = [b"one ", b"two ", b"three ", b"four ", b"five. ", b"six ", b"seven ", b"eight "]
    assert reply(words, max_tokens=3) == "one two three"
    assert reply(words, max_tokens=8) == "one two three four five."


def test_what_comes_out_is_speakable():
    assert reply([b"**", b"Yes", b"**", b", ", "😀".encode(), b"\n", b"- ", b"ok"]) == "Yes, ok"


def test_one_token_at_most_is_evaluated_after_stop():
    model = CannedModel([b"one ", b"two ", b"three "])
    stop = threading.Event()
    pieces = LlamaCppLlm(Settings(), model).stream((ASK,), stop)
    next(pieces)
    before = len(model.reads)
    stop.set()
    assert list(pieces) == []
    assert len(model.reads) <= before + 1


def test_on_overflow_the_oldest_turns_go_and_the_instructions_stay():
    model = CannedModel([b"Yes."], n_ctx=200)
    llm = LlamaCppLlm(Settings(max_tokens=10), model)
    turns = [
        Message(role, f"{n:02} " + "x" * 17) for n in range(10) for role in ("agent", "caller")
    ]
    history = (Message("system", "S" * 20), *turns)
    list(llm.stream(history, threading.Event()))
    kept = len(model.reads[0])
    assert 100 < kept <= 190
    assert kept == 20 + 21 * ((kept - 20) // 21)  # whole messages


def test_dropping_moves_in_steps_so_that_the_next_turn_still_finds_its_prefix():
    turns = [Message("caller" if n % 2 else "agent", f"{n:02}" + "x" * 18) for n in range(40)]
    firsts = []
    for length in range(20, 30):
        seen = []
        model = CannedModel([b"Yes."])
        model.render = lambda messages, _, seen=seen: (
            seen.append(messages[0]["content"][:2]) or "|".join(m["content"] for m in messages)
        )
        LlamaCppLlm(Settings(max_tokens=10), model).prepare(tuple(turns[:length]))
        firsts.append(seen[-1])
    assert len(set(firsts)) <= 3


def test_a_prompt_that_can_never_fit_is_an_error_that_says_so():
    llm = LlamaCppLlm(Settings(max_tokens=10), CannedModel([b"Yes."], n_ctx=50))
    with pytest.raises(ValueError, match=r"take 100 tokens.*room for 40"):
        llm.prepare((Message("caller", "x" * 100),))


def test_temperature_draws_the_same_reply_again_from_the_same_seed():
    pieces = [b"a ", b"b ", b"c ", b"d "] * 3
    first, again, other = (
        reply(pieces, temperature=8.0, seed=seed, max_tokens=12) for seed in (1, 1, 2)
    )
    assert first == again
    assert first != other


# --- with the real model ------------------------------------------------------------------------


@pytest.fixture
def smollm(engine_of):
    return engine_of("llm", "llama_cpp")


@pytest.mark.weights
def test_only_what_is_new_in_a_prompt_is_evaluated(smollm, monkeypatch):
    model = smollm._model._llama
    evaluated = []
    whole = model.eval
    monkeypatch.setattr(model, "eval", lambda tokens: evaluated.extend(tokens) or whole(tokens))

    def cost(work, *arguments):
        evaluated.clear()
        work(*arguments)
        return len(evaluated)

    smollm.prepare((Message("caller", "Something else."),))
    assert cost(smollm.prepare, HISTORY) > 30
    assert cost(smollm.prepare, HISTORY) == 0
    longer = (*HISTORY, Message("agent", "Paris."), Message("caller", "And of Spain?"))
    assert cost(smollm.prepare, longer) < 25
    follow_up = (*longer[:-1], Message("caller", "And of Spain, please?"))
    assert cost(smollm.end_probability, longer[:-1], "And of Spain, please?") < 10
    assert cost(smollm.prepare, follow_up) < 10


@pytest.mark.weights
def test_a_finished_question_looks_more_finished_than_its_beginning(smollm):
    history = HISTORY[:2]
    whole = smollm.end_probability(history, "I would like to book a table for two people.")
    cut = smollm.end_probability(history, "I would like to book a table for")
    assert 0.0 <= cut < whole <= 1.0
    assert smollm.end_probability(history, "") == smollm.end_probability(history, "...") == 0.0


@pytest.mark.weights
def test_final_punctuation_of_the_recogniser_is_not_taken_as_an_answer(smollm):
    history = HISTORY[:2]
    bare = smollm.end_probability(history, "I would like to")
    assert smollm.end_probability(history, "I would like to.") == pytest.approx(bare, rel=1e-3)


@pytest.mark.weights
def test_a_long_prompt_is_given_up_between_slices_when_stopped(smollm):
    class SoonStopped:
        looks = 0

        def is_set(self):
            self.looks += 1
            return self.looks > 2

    stop = SoonStopped()
    history = (Message("caller", "A rather long question about many things. " * 12),)
    assert list(smollm.stream(history, stop)) == []
    assert stop.looks <= 4


@pytest.mark.weights
def test_llama_cpp_writes_nothing_to_the_terminal(locate):
    path = str(locate("smollm2-135m-instruct"))
    program = (
        "import pathlib, threading\n"
        "from pipelines.engines.llm.llama_cpp import Settings, build\n"
        "from pipelines.engines.registry import Context\n"
        "from pipelines.turn_taking.commands import Message\n"
        f"llm = build(Settings(n_ctx=256), Context(lambda _: pathlib.Path({path!r})))\n"
        "for _ in llm.stream((Message('caller', 'Hi'),), threading.Event()): pass\n"
    )
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    assert (ran.stdout, ran.stderr) == (b"", b"")


class RepeatingModel(CannedModel):
    """Likes to say `again` a little more than `anew`; either is a whole reply."""

    def __init__(self):
        super().__init__([b"again", b"anew"])

    def tokens(self, text):
        return [1] if text.strip() == "again" else [-1] * len(text)

    def read(self, tokens, stop=None):
        last = tokens[-1]
        return np.array([5.0, 1.0, 1.0] if last > 0 else [0.0, 5.0, 4.8], np.float32)


@pytest.mark.parametrize(("penalty", "said"), [(1.0, "again"), (1.1, "anew")])
def test_what_was_said_before_is_less_likely_by_the_penalty(penalty, said):
    llm = LlamaCppLlm(Settings(repeat_penalty=penalty), RepeatingModel())
    history = (Message("agent", "again"), ASK)
    assert "".join(llm.stream(history, threading.Event())) == said


def test_a_model_is_shown_examples_before_every_conversation_but_not_with_tools(locate):
    shown = (("Do you work on Sundays?", "No, we rest."),)
    settings = Settings(examples=shown)

    def prompt(**context):
        llm = build(settings, Context(locate=locate, **context))
        return llm._prompt.reply((Message("system", "Be brief."), ASK))

    text = prompt()
    assert text.index("Be brief.") < text.index("No, we rest.") < text.index(ASK.text)
    tool = Tool("look", "Looks.", {"type": "object", "properties": {}}, str)
    assert "No, we rest." not in prompt(tools=(tool,))


def test_a_reply_ends_with_so_many_sentences():
    pieces = [b"Yes, Dr. Okafor is in.", b" Shall I?", b" And so on.", b" And on."]
    assert reply(pieces, max_sentences=2) == "Yes, Dr. Okafor is in. Shall I?"
    assert reply(pieces, max_sentences=0) == "Yes, Dr. Okafor is in. Shall I? And so on. And on."


@pytest.mark.parametrize("wrong", [{"repeat_penalty": 0.9}, {"max_sentences": -1}])
def test_a_penalty_that_rewards_is_refused(wrong):
    with pytest.raises(ValueError, match="must be at least"):
        build(Settings(**wrong), Context(locate=pytest.fail))
