"""Replies from a chat server, well-behaved or not."""

import threading

import pytest

from pipelines.engines.llm import openai_compatible
from pipelines.engines.registry import Context
from pipelines.engines.remarks import collected
from pipelines.engines.remote import RemoteError
from pipelines.turn_taking.commands import Message

from .http_stand_in import chat, chat_event, dropped, http_stand_in, nothing, status, web_page

HISTORY = (
    Message("system", "You are a receptionist."),
    Message("agent", "Hello?"),
    Message("caller", "Are you open today?"),
)
KEY = "sk-not-a-real-key-1234567890"


@pytest.fixture
def server():
    with http_stand_in(chat("We are", " open", " until six.")) as server:
        yield server


def connect(server, **settings):
    # Patient, so that a busy machine fails no test that is not about time.
    chosen = openai_compatible.Settings(
        **{"base_url": server.url, "timeout_ms": 20_000, **settings}
    )
    return openai_compatible.build(chosen, Context(pytest.fail))


def reply(llm, history=HISTORY):
    return "".join(llm.stream(history, threading.Event()))


def test_the_history_goes_out_in_the_servers_roles_and_the_pieces_come_back(server):
    llm = connect(server, model="small", max_tokens=40, temperature=0.0)
    assert reply(llm) == "We are open until six."
    assert server.requests[0].path == "/v1/chat/completions"
    assert server.requests[0].json == {
        "model": "small",
        "messages": [
            {"role": "system", "content": "You are a receptionist."},
            {"role": "assistant", "content": "Hello?"},
            {"role": "user", "content": "Are you open today?"},
        ],
        "max_tokens": 40,
        "temperature": 0.0,
        "stream": True,
    }


def test_a_piece_is_there_before_the_next_is_sent(server):
    go = threading.Event()

    def slow(_, answer):
        answer.start("text/event-stream")
        answer.write(chat_event("One moment"))
        assert go.wait(10)
        answer.write(chat_event(" please.", "stop") + "data: [DONE]\n\n")

    server.answers.append(slow)
    pieces = connect(server).stream(HISTORY, threading.Event())
    assert next(pieces) == "One moment"
    go.set()
    assert "".join(pieces) == " please."


def test_stop_closes_the_request_while_the_server_is_thinking(server):
    stop = threading.Event()

    def think(_, answer):
        stop.set()
        answer.stall()

    server.answers.append(think)
    assert list(connect(server).stream(HISTORY, stop)) == []
    assert server.replies[0].hung_up.wait(5)


def test_stop_closes_the_request_in_the_middle_of_a_reply(server):
    server.answers.append(chat("We are", stalls=True))
    stop = threading.Event()
    llm = connect(server)
    pieces = llm.stream(HISTORY, stop)
    next(pieces)
    stop.set()
    assert list(pieces) == []
    assert server.replies[0].hung_up.wait(5)
    assert reply(llm) == "We are open until six."


def test_leaving_a_reply_closes_the_request(server):
    server.answers.append(chat("We are", stalls=True))
    pieces = connect(server).stream(HISTORY, threading.Event())
    next(pieces)
    pieces.close()
    assert server.replies[0].hung_up.wait(5)


def test_a_reply_that_goes_on_ends_with_a_sentence_and_the_request_is_closed(server):
    server.answers.append(chat("One. ", "Two. ", "Three. ", "Four. ", stalls=True))
    assert reply(connect(server, max_tokens=5)).rstrip() == "One. Two. Three."
    assert server.replies[0].hung_up.wait(5)


@pytest.mark.parametrize(
    "answer",
    [
        status(429, '{"error": "slow down"}'),
        status(500),
        status(503, "<html>", "text/html"),
        dropped,
    ],
)
def test_what_may_pass_is_asked_once_more_and_remarked(server, answer):
    server.answers.append(answer)
    remarks = []
    llm = connect(server)
    with collected(remarks.append):
        assert reply(llm) == "We are open until six."
    assert len(server.requests) == 2
    assert len(remarks) == 1
    assert remarks[0].endswith("asked once more")


def test_what_does_not_pass_is_an_error_after_the_second_time(server):
    server.usual = status(500, "out of memory")
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:\d+ answered 500 out of memory"):
        reply(connect(server))
    assert len(server.requests) == 2


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (status(401, "bad key"), r"refused a request without key \(401\)"),
        (status(404, "<html><body>Not here"), r"answered 404 \(a web page\)"),
        (web_page, "something else than a stream of events; is base_url right"),
        (status(200, '{"choices": []}'), "something else than a stream of events"),
        (nothing, "sent no words for 700 ms"),
    ],
)
def test_what_another_request_cannot_mend_is_an_error_at_once(server, answer, message):
    server.usual = answer
    patience = {"timeout_ms": 700} if answer is nothing else {}
    with pytest.raises(RemoteError, match=message):
        reply(connect(server, **patience))
    assert len(server.requests) == 1


def test_a_reply_cut_off_in_the_middle_is_an_error_and_not_begun_again(server):
    server.answers.append(chat("We are", " open", ending=""))
    pieces = connect(server).stream(HISTORY, threading.Event())
    said = [next(pieces), next(pieces)]
    with pytest.raises(RemoteError, match="broke off in the middle"):
        next(pieces)
    assert "".join(said).startswith("We are")
    assert len(server.requests) == 1


def test_a_server_that_falls_silent_in_the_middle_is_an_error(server):
    server.answers.append(chat("We are", " open", stalls=True))
    with pytest.raises(RemoteError, match="sent no words for 700 ms"):
        reply(connect(server, timeout_ms=700))


@pytest.mark.parametrize("data", ["{", "[]", '{"choices": [3]}'])
def test_events_that_are_no_chat_are_an_error(server, data):
    def answer(_, answer):
        answer.start("text/event-stream")
        answer.write(f"data: {data}\n\n")

    server.usual = answer
    with pytest.raises(RemoteError):
        reply(connect(server))


def test_an_error_sent_as_an_event_is_an_error(server):
    def answer(_, answer):
        answer.start("text/event-stream")
        answer.write('data: {"error": {"message": "context too long"}}\n\n')

    server.usual = answer
    with pytest.raises(RemoteError, match="context too long"):
        reply(connect(server))


def test_prompts_are_sent_in_advance_only_if_asked_and_a_failure_of_it_is_only_remarked(server):
    connect(server).prepare(HISTORY)
    assert server.requests == []
    llm = connect(server, prefill=True, timeout_ms=700)
    llm.prepare(HISTORY)
    assert (server.requests[0].json["max_tokens"], server.requests[0].json["stream"]) == (1, False)
    server.answers.append(nothing)
    remarks = []
    with collected(remarks.append):
        llm.prepare(HISTORY)
    assert len(remarks) == 1


# --- keys ---------------------------------------------------------------------------------------


def test_the_key_comes_from_the_environment_and_goes_into_the_header_only(server, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    llm = connect(server, api_key_env="SOME_KEY")
    reply(llm)
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    assert KEY not in repr(llm._settings) + repr(llm._where)


def test_a_key_that_is_not_set_is_refused_by_the_name_of_its_variable(server, monkeypatch):
    monkeypatch.delenv("SOME_KEY", raising=False)
    with pytest.raises(ValueError, match=r"the key for 127\.0\.0\.1 is missing: set \$SOME_KEY"):
        connect(server, api_key_env="SOME_KEY")


@pytest.mark.parametrize(
    ("end", "path", "named"),
    [
        ("/openai/v1/", "/openai/v1/chat/completions", None),
        (
            "/openai/deployments/small?api-version=2024-10-21",
            "/openai/deployments/small/chat/completions?api-version=2024-10-21",
            KEY,
        ),
    ],
)
def test_an_address_of_azure_is_asked_as_azure_wants_it(server, monkeypatch, end, path, named):
    monkeypatch.setenv("SOME_KEY", KEY)
    llm = connect(server, base_url=server.url.removesuffix("/v1") + end, api_key_env="SOME_KEY")
    assert reply(llm) == "We are open until six."
    assert server.requests[0].path == path
    assert server.requests[0].headers.get("api-key") == named
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"


@pytest.mark.parametrize("code", [400, 401, 403, 500])
def test_no_message_holds_the_key_even_if_the_server_repeats_it(server, monkeypatch, code):
    monkeypatch.setenv("SOME_KEY", KEY)
    llm = connect(server, api_key_env="SOME_KEY")
    server.usual = status(code, f'{{"error": "Incorrect API key provided: {KEY}"}}')
    remarks = []
    with collected(remarks.append), pytest.raises(RemoteError) as caught:
        reply(llm)
    assert KEY not in str(caught.value) + "".join(remarks)
    assert KEY[:8] not in str(caught.value)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "localhost:8080",
        "ftp://x/",
        "http://u:p@x/v1",
        "http://x/?k=1",
        "http://x/?api-version=1&k=1",
    ],
)
def test_an_address_that_cannot_be_one_or_holds_a_secret_is_refused(url):
    settings = openai_compatible.Settings(base_url=url)
    with pytest.raises(ValueError, match="address"):
        openai_compatible.build(settings, Context(pytest.fail))


def test_a_server_that_is_not_there_is_an_error_when_the_engine_is_built():
    settings = openai_compatible.Settings(base_url="http://127.0.0.1:9/v1", timeout_ms=500)
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9"):
        openai_compatible.build(settings, Context(pytest.fail))


def test_reasoning_is_neither_said_nor_counted_as_part_of_the_reply(server):
    thoughts = ["<thi", "nk>", *["Hm. "] * 30, "</th", "ink>"]
    server.answers.append(chat(*thoughts, "At", " six."))
    pieces = connect(server, max_tokens=10).stream(HISTORY, threading.Event())
    assert "".join(pieces) == "At six."


def test_a_server_that_sends_only_the_end_of_reasoning_is_found_out_by_its_first_reply(server):
    llm = connect(server)
    server.answers += [chat("Hm.", "</think>", "At six."), chat("Hm.", "</think>", "At six.")]
    assert "".join(llm.stream(HISTORY, threading.Event())) == "Hm.At six."
    assert "".join(llm.stream(HISTORY, threading.Event())) == "At six."
