"""Servers that want other fields, or write contents their own way."""

import datetime as dt
import json
import threading

import pytest

from pipelines.engines.dialect import Dialect, read_dialect
from pipelines.engines.llm import openai_compatible
from pipelines.engines.llm._openai_stream import flat
from pipelines.engines.llm._openai_tools import RequestedTools
from pipelines.engines.registry import Context
from pipelines.engines.remarks import collected
from pipelines.engines.remote import RemoteError
from pipelines.engines.tools import ToolRequest
from pipelines.turn_taking.commands import Message

from .http_stand_in import chat, chat_event, delta_event, http_stand_in

HISTORY = (Message("caller", "Are you open today?"),)
USUAL = chat("We are", " open.")


def openai_says(name):
    error = {"message": f"'{name}' is not supported", "param": name, "code": "unsupported_value"}
    return 400, json.dumps({"error": error})


def pydantic_says(name):
    detail = [{"type": "extra_forbidden", "loc": ["body", name], "msg": "Extra inputs"}]
    return 422, json.dumps({"detail": detail})


def words_say(name):
    return 400, f"this model does not take {name}, sorry"


def picky(says, *refused):
    """A server that refuses some fields, one at a time, and those alone."""

    def answer(request, reply):
        for name in refused:
            if name in request.json:
                code, body = says(name)
                reply.send(code, "application/json", body)
                return
        USUAL(request, reply)

    return answer


def connect(server, **settings):
    chosen = openai_compatible.Settings(base_url=server.url, timeout_ms=20_000, **settings)
    return openai_compatible.build(chosen, Context(pytest.fail))


def reply(llm):
    return "".join(llm.stream(HISTORY, threading.Event()))


@pytest.mark.parametrize("says", [openai_says, pydantic_says, words_say])
@pytest.mark.parametrize(
    ("refused", "sent"),
    [
        (("max_tokens",), {"max_completion_tokens": 80, "temperature": 0.3}),
        (("temperature",), {"max_tokens": 80}),
        (("temperature", "max_tokens"), {"max_completion_tokens": 80}),
        (("max_tokens", "max_completion_tokens", "temperature"), {}),
    ],
)
def test_a_refused_field_is_renamed_or_left_out_at_once_and_from_then_on(says, refused, sent):
    remarks = []
    with http_stand_in(picky(says, *refused)) as server, collected(remarks.append):
        llm = connect(server)
        assert reply(llm) == "We are open."
        tries = len(server.requests)
        assert tries == 1 + len(refused) == 1 + len(remarks)
        assert reply(llm) == "We are open."
        assert len(server.requests) == tries + 1
        for field in ("model", "messages", "stream"):
            assert field in server.requests[-1].json
        optional = {"max_tokens", "max_completion_tokens", "temperature"}
        last = server.requests[-1].json
        assert {name: last[name] for name in optional & last.keys()} == sent


def test_a_refusal_of_something_else_is_an_error_at_once_and_changes_nothing():
    with http_stand_in(picky(openai_says, "messages")) as server:
        llm = connect(server)
        with pytest.raises(RemoteError, match="answered 400"):
            reply(llm)
        assert len(server.requests) == 1
        server.usual = USUAL
        reply(llm)
        assert server.requests[-1].json == server.requests[0].json


def test_what_did_not_help_is_not_remembered():
    def never(_, answer):
        answer.send(400, "application/json", "messages and max_tokens are too long together")

    with http_stand_in(never) as server:
        llm = connect(server)
        with pytest.raises(RemoteError):
            reply(llm)
        server.usual = USUAL
        reply(llm)
        assert server.requests[-1].json["max_tokens"] == 80


def test_the_body_table_adds_renames_and_drops():
    body = {
        "reasoning_effort": "low",
        "max_tokens": {"rename": "num_predict"},
        "temperature": {"drop": True},
        "options": {"drop": False},
    }
    with http_stand_in(USUAL) as server:
        assert reply(connect(server, body=body)) == "We are open."
        sent = server.requests[0].json
    del sent["messages"]
    assert sent == {"model": "default", "stream": True, "num_predict": 80,
                    "reasoning_effort": "low", "options": {"drop": False}}  # fmt: skip


def test_what_the_profile_sets_itself_is_not_changed_behind_its_back():
    with http_stand_in(picky(openai_says, "temperature")) as server:
        with pytest.raises(RemoteError, match="temperature"):
            reply(connect(server, body={"temperature": 0.7}))
        assert len(server.requests) == 1


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"messages": []}, "must not change messages"),
        ({"stream": {"drop": True}}, "must not change stream"),
        ({"max_token": {"drop": True}}, "cannot rename or drop max_token; there are: max_tokens"),
        ({"max_tokens": {"rename": "temperature"}}, "that is another field"),
        ({"seed": dt.date(2026, 11, 29)}, "JSON has not"),
        ({"seed": float("nan")}, "JSON has not"),
    ],
)
def test_a_body_table_that_cannot_be_is_refused(body, message):
    with pytest.raises(ValueError, match=message):
        read_dialect(body, ("max_tokens", "temperature"), ("messages", "stream"))


def test_no_dialect_changes_nothing():
    assert Dialect().applied({"a": 1}) == {"a": 1}


# --- contents and events ------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("content", "text"),
    [
        ("plain", "plain"),
        (None, ""),
        (["a", {"type": "text", "text": "b"}, {"text": "c"}], "abc"),
        ({"type": "output_text", "text": "d"}, "d"),
        ([{"type": "thinking", "thinking": [{"type": "text", "text": "hmm"}]}], ""),
        ([{"type": "image_url", "image_url": {"url": "x"}}, 3, None], ""),
        ([{"type": "reasoning", "text": "hmm"}], ""),
    ],
)
def test_the_text_of_a_content_is_that_of_its_parts(content, text):
    assert flat(content) == text


def events(*chunks, kind="text/event-stream"):
    def answer(_, reply):
        reply.start(kind)
        for chunk in chunks:
            reply.write(chunk)

    return answer


WHOLE = {
    "CRLF": chat_event("Ça va").replace("\n", "\r\n") + "data: [DONE]\r\n\r\n",
    "no space": chat_event("Ça va").replace("data: ", "data:") + "data:[DONE]\n\n",
    "several lines": 'data: {"choices":\ndata: [{"delta": {"content": "Ça va"}}]}\n\n'
    "data: [DONE]\n\n",
    "no [DONE]": chat_event("Ça va", "stop"),
    "a reason alone": chat_event("Ça va") + 'data: {"choices":[{"finish_reason":"stop"}]}\n\n',
    "a reason in each": chat_event("Ça ", "stop") + chat_event("va", "stop"),
    "pings by name": "event: ping\ndata: 1 2\n\nid: 4\n\n" + chat_event("Ça va", "stop"),
    "no choices": 'data: {"choices": null}\n\ndata: {"choices": []}\n\n'
    + chat_event("Ça va", "stop"),
    "parts": delta_event({"content": [{"type": "text", "text": "Ça va"}]}, "stop"),
    "a refusal": delta_event({"content": None, "refusal": "Ça va"}, "stop"),
}


@pytest.mark.parametrize("stream", WHOLE)
@pytest.mark.parametrize("size", [1, 10_000])
@pytest.mark.parametrize("kind", ["text/event-stream", "text/event-stream; charset=iso-8859-1"])
def test_events_are_understood_however_they_are_written_and_cut(stream, size, kind):
    data = WHOLE[stream].encode()
    cut = [data[start : start + size] for start in range(0, len(data), size)]
    with http_stand_in(events(*cut, kind=kind)) as server:
        assert reply(connect(server)) == "Ça va"


@pytest.mark.parametrize("asked", [1, 3])
def test_an_answer_that_just_stops_is_whole_if_http_says_so_and_its_connection_is_kept(asked):
    def answer(_, reply):
        reply.send(200, "text/event-stream", chat_event("Yes."))

    ports = set()

    def noted(request, reply):
        ports.add(reply._handler.client_address)
        answer(request, reply)

    with http_stand_in(noted) as server:
        llm = connect(server)
        assert [reply(llm) for _ in range(asked)] == ["Yes."] * asked
    assert len(ports) == 1


@pytest.mark.parametrize(
    "event",
    ['data: {"error": "overloaded"}\n\n', 'event: error\ndata: {"message": "overloaded"}\n\n'],
)
def test_an_error_in_the_stream_is_an_error(event):
    with (
        http_stand_in(events(event)) as server,
        pytest.raises(RemoteError, match=r"gave up.*overloaded"),
    ):
        reply(connect(server))


def test_tool_calls_without_numbers_or_with_an_object_are_understood():
    tools = RequestedTools()
    assert tools.take([{"id": "a", "function": {"name": "book", "arguments": '{"day": '}}])
    assert tools.take([{"function": {"arguments": '"mon"}'}}])
    assert tools.take([{"function": {"name": "close", "arguments": {"now": True}}}])
    assert not tools.take([{"function": {"arguments": ""}}])
    assert tools.whole() == [
        ToolRequest("book", '{"day": "mon"}'),
        ToolRequest("close", '{"now": true}'),
    ]
