"""Calls of tools that stand in a model's text, in the protocols that models are trained on."""

import json
import threading

import pytest

from pipelines.engines.llm import openai_compatible
from pipelines.engines.llm._written_calls import requested_in_text
from pipelines.engines.markup import Markup
from pipelines.engines.registry import Context
from pipelines.engines.remarks import collected
from pipelines.engines.speakable import speakable
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.commands import Message

from .http_stand_in import chat, http_stand_in, tool_calls

PARAMETERS = {
    "type": "object",
    "properties": {
        "day": {"type": "string"},
        "people": {"type": "integer"},
        "room": {"type": "string", "enum": ["inside", "garden"]},
    },
    "required": ["day"],
}
BOOK = Tool("book", "Book.", PARAMETERS, lambda _: "booked")
HANG_UP = Tool("end_call", "Hang up.", {"type": "object", "properties": {}}, lambda _: "")
TOOLS = (BOOK, HANG_UP)
ARGUMENTS = '{"day": "Monday", "people": 2}'
CALL = f'{{"name": "book", "arguments": {ARGUMENTS}}}'
SIZES = [1, 2, 5, 9, 1000]


def read(written, size=1000, tools=TOOLS):
    """What is said of a reply that comes in pieces, and what is asked for."""
    markup = Markup(tools=[tool.name for tool in tools])
    pieces = [written[at : at + size] for at in range(0, len(written), size)]
    said = "".join(speakable(pieces, markup))
    return said.strip(), requested_in_text(markup.calls, tools)


PROTOCOLS = {
    "json": CALL,
    "json in a list": f"[{CALL}]",
    "json over lines": json.dumps(json.loads(CALL), indent=2),
    "json in a fence": f"```json\n{CALL}\n```",
    "json as Python writes it": str(json.loads(CALL)),
    "json in a string": json.dumps({"name": "book", "arguments": ARGUMENTS}),
    "openai": f'{{"tool_calls": [{{"id": "1", "type": "function", "function": {CALL}}}]}}',
    "openai, one": f'{{"type": "function", "function": {CALL}}}',
    "parameters": CALL.replace("arguments", "parameters"),
    "flat": '{"tool": "book", "day": "Monday", "people": 2}',
    "by name": f'{{"book": {ARGUMENTS}}}',
    "action": f'{{"action": "book", "action_input": {ARGUMENTS}}}',
    "react": f"Thought: They want Monday.\nAction: book\nAction Input: {ARGUMENTS}",
    "react in bold": f"**Action:** book\n**Action Input:** {ARGUMENTS}",
    "react on a line": f"Action: book Action Input: {ARGUMENTS}",
    "react that goes on": f"Action: book\nAction Input: {ARGUMENTS}\nObservation: ok\nThought: So",
    "action in a fence": f"Action:\n```json\n[{CALL}]\n```",
    "tool_code": '```tool_code\nprint(book(day="Monday", people=2))\n```',
    "tool_code, bare": 'tool_code\nbook(day="Monday", people=2)\n',
    "tool_call fence": f"```tool_call\n{CALL}\n```",
    "python": 'book(day="Monday", people=2)',
    "python by place": "print(default_api.book('Monday', 2))",
    "python in a list": '[book(day="Monday", people=2)]',
    "python fence": '```python\nfunctions.book(day="Monday", people=2)\n```',
    "name before json": f"book{ARGUMENTS}",
    "phi": f"functools[{CALL}]",
    "hermes": f"<tool_call>\n{CALL}\n</tool_call>",
    "hermes, never closed": f"<tool_call>\n{CALL}",
    "llama": f"<function=book>{ARGUMENTS}</function>",
    "llama, broken": f"<function=book{ARGUMENTS}</function>",
    "llama, python": '<|python_tag|>book.call(day="Monday", people=2)',
    "mistral": f"[TOOL_CALLS][{CALL}]",
    "mistral, later": f"[TOOL_CALLS]book[ARGS]{ARGUMENTS}",
    "anthropic": '<function_calls><invoke name="book"><parameter name="day">Monday</parameter>'
    '<parameter name="people">2</parameter></invoke></function_calls>',
    "deepseek": "<｜tool▁calls▁begin｜><｜tool▁call▁begin｜>function<｜tool▁sep｜>book\n```json\n"
    f"{ARGUMENTS}\n```<｜tool▁call▁end｜><｜tool▁calls▁end｜>",
    "deepseek, later": '<｜DSML｜function_calls><｜DSML｜invoke name="book"><｜DSML｜parameter '
    'name="day" string="true">Monday</｜DSML｜parameter><｜DSML｜parameter name="people">2'
    "</｜DSML｜parameter></｜DSML｜invoke></｜DSML｜function_calls>",
    "qwen coder": "<tool_call>\n<function=book>\n<parameter=day>\nMonday\n</parameter>\n"
    "<parameter=people>\n2\n</parameter>\n</function>\n</tool_call>",
    "glm": "<tool_call>book\n<arg_key>day</arg_key>\n<arg_value>Monday</arg_value>\n"
    "<arg_key>people</arg_key>\n<arg_value>2</arg_value>\n</tool_call>",
    "kimi": "<|tool_calls_section_begin|><|tool_call_begin|>functions.book:0"
    f"<|tool_call_argument_begin|>{ARGUMENTS}<|tool_call_end|><|tool_calls_section_end|>",
    "harmony": f"<|channel|>commentary to=functions.book <|constrain|>json<|message|>{ARGUMENTS}"
    "<|call|>",
    "internlm": f"<|action_start|><|plugin|>{CALL}<|action_end|>",
    "cohere": f'<|START_ACTION|>[{{"tool_name": "book", "parameters": {ARGUMENTS}}}]<|END_ACTION|>',
    "nemotron": f"<TOOLCALL>[{CALL}]</TOOLCALL>",
    "tags": "<book><day>Monday</day><people>2</people></book>",
}


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("written", PROTOCOLS.values(), ids=PROTOCOLS)
def test_a_call_is_not_said_and_is_asked_for(written, size):
    said, asked = read(written, size)
    assert said == ""
    assert [(each.name, json.loads(each.arguments)) for each in asked] == [
        ("book", json.loads(ARGUMENTS))
    ]


@pytest.mark.parametrize("written", PROTOCOLS.values(), ids=PROTOCOLS)
def test_words_before_a_call_are_said(written):
    assert read(f"One moment.\n{written}", 4)[0] == "One moment."


@pytest.mark.parametrize(
    "written",
    [
        "end_call()",
        "[end_call()]",
        '{"name": "end_call"}',
        "<tool_call>end_call</tool_call>",
        "Action: end_call",
        "Action: end_call\nAction Input:",
    ],
)
def test_a_call_without_arguments_is_one(written):
    assert read(written, 3) == ("", [ToolRequest("end_call", "{}")])


@pytest.mark.parametrize(
    "written",
    [
        '{"name": "cancel", "arguments": {}}',  # no such tool
        '{"name": "book", "arguments": {"people": 2}}',  # the day is missing
        '{"name": "book", "arguments": {"day": 3}}',
        '{"name": "book", "arguments": {"day": "Monday", "people": true}}',
        '{"name": "book", "arguments": {"day": "Monday", "room": "roof"}}',
        '{"name": "book", "arguments": {"day": "Monday", "by": "Ann"}}',
        '{"name": "book", "arguments": [1]}',
        '{"name": "book", "arguments": {day: Monday}}',
        "Action: cancel\nAction Input: nothing",
        "```tool_code\nprint(book(day=tomorrow()))\n```",
    ],
)
@pytest.mark.parametrize("size", SIZES)
def test_a_call_that_cannot_be_run_is_neither_said_nor_asked_for_but_remarked(written, size):
    remarks = []
    with collected(remarks.append):
        assert read(written, size) == ("", [])
    assert len(remarks) == 1
    assert "cannot be run" in remarks[0]


@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize("cut", range(4, len(CALL) - 1, 7))
def test_a_call_that_is_cut_off_is_not_said(cut, size):
    assert read(CALL[:cut], size) == ("", [])


@pytest.mark.parametrize("tools", [TOOLS, ()])
@pytest.mark.parametrize("size", SIZES)
@pytest.mark.parametrize(
    "written",
    [
        "Use {name} here.",
        'The set {"a": 1} has one entry.',
        '{"Ann": "here"} is what it says.',
        "{a} or [b], in brackets [1] and {2}",
        "It's {",
        "apple(s) and pear(s)",
        "f(x) is a function, yes (really).",
        "Action: call us back soon.",
        "Action is needed. Thoughts: many.",
        "Observation: it is sunny.",
        "book a table, book, please. I book(ed) it",
        "tool_code is a word",
        "See [the (long) list] for that.",
    ],
)
def test_a_brace_or_the_name_of_a_tool_makes_no_call(written, size, tools):
    assert read(written, size, tools) == (written, [])


def test_where_no_tools_are_a_call_is_not_said_either():
    assert read(CALL, 3, ()) == ("", [])


def test_what_a_tool_has_answered_is_no_call():
    assert read(f"<tool_response>{CALL}</tool_response>It is done.") == ("It is done.", [])
    assert read(f"```tool_outputs\n{CALL}\n```\nIt is done.") == ("It is done.", [])
    assert read(f"<think>{CALL}</think>It is done.") == ("It is done.", [])


def test_a_call_that_is_written_twice_is_made_once():
    assert len(read(f"{CALL}\n```json\n{CALL}\n```")[1]) == 1


def test_the_final_answer_behind_thoughts_is_said():
    written = (
        f"Thought: Hm.\nAction: book\nAction Input: {ARGUMENTS}\n\nFinal Answer: It is booked."
    )
    assert read(written, 3)[0] == "It is booked."


HISTORY = (Message("caller", "Monday, for two."),)


def test_a_server_whose_model_writes_its_calls_as_text_has_them_run():
    with http_stand_in(chat("Sure.", "\n", *CALL)) as server:
        settings = openai_compatible.Settings(base_url=server.url, timeout_ms=20_000, max_tokens=8)
        llm = openai_compatible.build(settings, Context(pytest.fail, tools=TOOLS))
        *said, asked = llm.stream(HISTORY, threading.Event())
    assert (
        "".join(map(str, said)).strip() == "Sure."
    )  # and longer than the longest reply may the call be
    assert asked == ToolRequest("book", ARGUMENTS)


def test_calls_by_the_servers_own_protocol_count_before_those_in_the_text():
    with http_stand_in(tool_calls(("end_call", "{}"), text=CALL)) as server:
        settings = openai_compatible.Settings(base_url=server.url, timeout_ms=20_000)
        llm = openai_compatible.build(settings, Context(pytest.fail, tools=TOOLS))
        asked = [each for each in llm.stream(HISTORY, threading.Event()) if each != ""]
    assert [each for each in asked if isinstance(each, ToolRequest)] == [
        ToolRequest("end_call", "{}")
    ]
