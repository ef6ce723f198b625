"""Tool calls of a model without a protocol for them: a call that is opened is a whole one."""

import json
import re
import threading
from contextlib import suppress
from datetime import date

import pytest

from pipelines.engines.llm import llama_cpp
from pipelines.engines.llm._tool_prompt import OPENING, before_mark
from pipelines.engines.registry import Context
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.commands import Message

from .made_gguf import make_gguf

DAY = {
    "type": "object",
    "properties": {"day": {"type": "string", "format": "date"}, "many": {"type": "integer"}},
    "required": ["day"],
    "additionalProperties": False,
}
TOOLS = (
    Tool("free_slots", "List the free times of a day.", DAY, lambda _: "9:00", "reads"),
    Tool("end_call", "Hang up.", {"type": "object", "properties": {}}, lambda _: "", "ends_call"),
)
HISTORY = (
    Message("system", "You take appointments. Today is 2026-11-23."),
    Message("caller", "Is Tuesday the 24th free?"),
)
MARK = OPENING.strip()
SURELY = 100.0
"""Added to the logit of opening a call: no model resists it."""


def said(llm, history=HISTORY, stop=None):
    return list(llm.stream(history, stop or threading.Event()))


@pytest.mark.parametrize(
    ("text", "spoken", "held"),
    [
        ("Hello", "Hello", ""),
        ("Hello <", "Hello ", "<"),
        ("a < b", "a < b", ""),
        ("Hello <tool", "Hello ", "<tool"),
        ("<tool_box>", "<tool_box>", ""),
        (f"Well. {MARK}\n{{", "Well. ", f"{MARK}\n{{"),
    ],
)
def test_what_may_become_a_call_is_not_spoken_before_it_is_clear(text, spoken, held):
    assert before_mark(text, MARK) == (spoken, held)


@pytest.mark.parametrize("seed", range(3))
def test_even_a_model_of_random_weights_writes_a_call_of_a_tool_that_there_is(tmp_path, seed):
    path = make_gguf(tmp_path / "random.gguf", seed=seed)
    settings = llama_cpp.Settings(str(path), n_ctx=4096, tool_bias=SURELY)
    llm = llama_cpp.build(settings, Context(lambda _: path, tools=TOOLS[:1]))
    try:
        [request] = said(llm)
    except RuntimeError as error:  # an integer of many digits, or a thousand spaces
        assert "did not end a tool call" in str(error)  # noqa: PT017
        return
    assert isinstance(request, ToolRequest)
    assert request.name == "free_slots"
    assert set(json.loads(request.arguments)) <= {"day", "many"}


@pytest.mark.parametrize("seed", range(3))
def test_a_call_has_the_spaces_that_it_has_in_the_history(tmp_path, monkeypatch, seed):
    """Or its tokens would be read again."""
    written: list[str] = []
    whole = llama_cpp._whole
    monkeypatch.setattr(
        llama_cpp,
        "_whole",
        lambda text: (written.append(text.decode("utf-8", "replace")), whole(text))[1],
    )
    path = make_gguf(tmp_path / "random.gguf", seed=seed)
    settings = llama_cpp.Settings(str(path), n_ctx=4096, tool_bias=SURELY)
    with suppress(RuntimeError):  # it did not end
        said(llama_cpp.build(settings, Context(lambda _: path, tools=TOOLS)))
    between_strings = re.sub(r'"(?:\\.|[^"\\])*"?', "", written[-1])
    assert not re.search(
        r"[:,](?! )|(?<![:,]) ", between_strings.removesuffix(":").removesuffix(",")
    )


WORDS = 'Um, it\'s Ann Miller; next "Tuesday", at 3?'
NAMED = Tool("book", "Book.", {"type": "object", "properties": {"name": {"type": "string"}},
             "required": ["name"]}, lambda _: "", quotes=frozenset({"name"}))  # fmt: skip


@pytest.mark.parametrize("seed", range(4))
@pytest.mark.parametrize("said", [WORDS, "", "?!", 'back\\slash "quoted" café'])
def test_a_quote_holds_nothing_but_words_of_the_caller_in_a_row(tmp_path, seed, said):
    path = make_gguf(tmp_path / "random.gguf", seed=seed)
    settings = llama_cpp.Settings(str(path), n_ctx=4096, tool_bias=SURELY)
    llm = llama_cpp.build(settings, Context(lambda _: path, tools=(NAMED,)))
    earlier = Message("caller", "Nobody quotes these words.")
    [request] = tuple(llm.stream((earlier, Message("caller", said)), threading.Event()))
    assert json.loads(request.arguments)["name"] in said


def test_a_template_that_knows_tools_writes_them_its_own_way(tmp_path):
    template = (
        "{% for t in tools or [] %}[{{ t.function.name }}]{% endfor %}{% for m in messages %}"
        "<{{ m.role }}>{% for c in m.tool_calls %}<fn> {{ c.function | tojson }}{% endfor %}"
        "{{ m.content }}</>{% endfor %}{% if add_generation_prompt %}<assistant>{% endif %}"
    )
    path = make_gguf(tmp_path / "own.gguf", template)
    settings = llama_cpp.Settings(str(path), n_ctx=4096)
    shown = (
        Message("caller", "Any?"),
        Message("tool_call", '{"name": "end_call", "arguments": {}}'),
    )
    llm = llama_cpp.build(settings, Context(lambda _: path, tools=TOOLS, examples=shown))
    history = (*HISTORY, shown[1], Message("tool_result", "<fn> 9:00"))
    prompt = llm._prompt.reply(history)
    assert llm._prompt.opening == "<fn> "
    assert prompt.startswith("[free_slots][end_call]<system>You take appointments.")
    call = '</><assistant><fn> {"name": "end_call", "arguments": {}}</>'
    assert f"<user>Any?{call}<user>Is Tuesday" in prompt
    assert prompt.count(call) == 2
    assert "<tool_call>" not in prompt
    assert "# Tools" not in prompt


def test_a_result_that_was_said_as_it_stands_is_not_read_twice(tmp_path):
    path = make_gguf(tmp_path / "plain.gguf")
    llm = llama_cpp.build(llama_cpp.Settings(str(path)), Context(lambda _: path, tools=TOOLS))
    call = Message("tool_call", '{"name": "free_slots", "arguments": {"day": "2026-11-24"}}')
    told = (*HISTORY, call, Message("tool_result", "Nine is free."))
    assert llm._prompt.reply((*told, Message("agent", "Nine is free."))).count("Nine is free.") == 1
    assert "<tool_response>" in llm._prompt.reply((*told, Message("agent", "Nine is")))


@pytest.mark.weights
class TestEmbedded:
    @pytest.fixture(scope="class")
    def build(self, locate):
        def build(**settings):
            chosen = llama_cpp.Settings(**settings)
            return llama_cpp.build(chosen, Context(locate, tools=TOOLS))

        return build

    def test_a_call_has_the_form_of_its_parameters(self, build):
        [request] = said(build(tool_bias=SURELY))
        assert isinstance(request, ToolRequest)
        assert request.name in {"free_slots", "end_call"}
        arguments = json.loads(request.arguments)
        if request.name == "free_slots":
            date.fromisoformat(arguments["day"])

    def test_after_a_result_the_reply_goes_on_in_words(self, build):
        answered = (
            *HISTORY,
            Message("tool_call", '{"name": "free_slots", "arguments": {"day": "2026-11-24"}}'),
            Message("tool_result", "9:00, 10:30"),
        )
        assert all(isinstance(piece, str) for piece in said(build(tool_bias=SURELY), answered))

    def test_without_a_push_the_prompt_with_tools_is_answered_in_words_and_prepared(
        self, build, monkeypatch
    ):
        llm = build()
        read: list[int] = []
        llama = llm._model._llama
        evaluate = llama.eval
        monkeypatch.setattr(llama, "eval", lambda tokens: (read.extend(tokens), evaluate(tokens)))
        llm.prepare(HISTORY)
        prepared = len(read)
        assert llama.n_tokens > 100
        first = next(llm.stream(HISTORY, threading.Event()))
        assert isinstance(first, str)
        assert len(read) - prepared < 20  # the reply itself: the prompt was not read again

    def test_stop_ends_a_call_within_a_token(self, build):
        stop = threading.Event()
        stop.set()
        assert said(build(tool_bias=SURELY), stop=stop) == []
