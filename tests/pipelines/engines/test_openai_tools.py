"""Tools in OpenAI's chat interface, as servers of every kind send them."""

import json
import threading

import pytest

from pipelines.engines.llm import openai_compatible
from pipelines.engines.llm._openai_tools import RequestedTools, chat_messages
from pipelines.engines.registry import Context
from pipelines.engines.remote import RemoteError
from pipelines.engines.tools import Tool, ToolRequest
from pipelines.turn_taking.commands import Message

from .http_stand_in import chat, delta_event, http_stand_in, tool_calls

ASK = (Message("system", "You book."), Message("caller", "Is Tuesday free?"))
PARAMETERS = {"type": "object", "properties": {"day": {"type": "string"}}, "required": ["day"]}
FREE = Tool("free_slots", "List free times.", PARAMETERS, lambda _: "9:00", "reads")


@pytest.fixture
def server():
    with http_stand_in(chat("Nine", " is", " free.")) as server:
        yield server


@pytest.fixture
def llm(server):
    settings = openai_compatible.Settings(base_url=server.url, timeout_ms=20_000)
    return openai_compatible.build(settings, Context(pytest.fail, tools=(FREE,)))


def pieces(llm, history=ASK, stop=None):
    return list(llm.stream(history, stop or threading.Event()))


def test_the_server_is_told_of_the_tools(server, llm):
    pieces(llm)
    [told] = server.requests[0].json["tools"]
    assert told["type"] == "function"
    assert told["function"]["name"] == "free_slots"
    assert told["function"]["parameters"] == PARAMETERS


def test_calls_streamed_in_pieces_side_by_side_come_out_whole_after_the_words(server, llm):
    one, two = '{"day": "2026-11-24"}', '{"day": "2026-11-25", "note": "ü"}'
    server.answers.append(tool_calls(("free_slots", one), ("free_slots", two), text="Let me see."))
    said = pieces(llm)
    assert said == ["Let me see.", ToolRequest("free_slots", one), ToolRequest("free_slots", two)]


def test_broken_arguments_are_handed_on_as_they_are(server, llm):
    server.answers.append(tool_calls(("free_slots", '{"day": "20')))
    assert pieces(llm) == [ToolRequest("free_slots", '{"day": "20')]


def test_a_call_that_is_cut_off_is_an_error_and_no_call(server, llm):
    def cut(_, reply):
        reply.start("text/event-stream")
        call = {"index": 0, "id": "c", "function": {"name": "free_slots", "arguments": '{"day'}}
        reply.write(delta_event({"tool_calls": [call]}))

    server.answers += [cut, cut]
    with pytest.raises(RemoteError, match="broke off"):
        pieces(llm)


def test_a_stopped_reply_asks_for_nothing(server, llm):
    stop = threading.Event()

    def answer(request, reply):
        stop.set()
        tool_calls(("free_slots", "{}"))(request, reply)

    server.answers.append(answer)
    assert pieces(llm, stop=stop) == []


@pytest.mark.parametrize("calls", ["x", [3], [{"index": 0, "function": "f"}]])
def test_calls_that_are_none_are_an_error(server, llm, calls):
    def answer(_, reply):
        reply.start("text/event-stream")
        reply.write(delta_event({"tool_calls": calls}) + "data: [DONE]\n\n")

    server.usual = answer
    with pytest.raises(RemoteError, match="no JSON"):
        pieces(llm)


def test_servers_that_number_all_calls_alike_or_not_at_all_are_understood():
    alike = RequestedTools()
    for identity in ("a", "b"):
        alike.take([{"index": 0, "id": identity,
                     "function": {"name": identity, "arguments": "{}"}}])  # fmt: skip
    unnumbered = RequestedTools()
    unnumbered.take([{"function": {"name": name, "arguments": "{}"}} for name in "ab"])
    both = [ToolRequest("a", "{}"), ToolRequest("b", "{}")]
    assert alike.whole() == unnumbered.whole() == both


def test_a_history_with_tools_goes_out_as_calls_and_their_results():
    call = json.dumps({"name": "free_slots", "arguments": {"day": "2026-11-24"}})
    history = (
        *ASK,
        Message("agent", "Let me see."),
        Message("tool_call", call),
        Message("tool_result", "9:00"),
        Message("tool_call", '{"name": "x", "arguments": "{not json"}'),
        Message("tool_result", "error: no JSON"),
    )
    _, _, first, answer, second, failure = chat_messages(history)
    assert (first["role"], first["content"]) == ("assistant", "Let me see.")
    function = first["tool_calls"][0]["function"]
    assert json.loads(function["arguments"]) == {"day": "2026-11-24"}
    assert answer == {
        "role": "tool", "tool_call_id": first["tool_calls"][0]["id"], "content": "9:00",
    }  # fmt: skip
    assert second["content"] is None
    assert second["tool_calls"][0]["function"]["arguments"] == "{}"
    assert failure["tool_call_id"] == second["tool_calls"][0]["id"]
    assert second["tool_calls"][0]["id"] != first["tool_calls"][0]["id"]
