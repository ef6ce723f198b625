"""Only what is of use to the caller ends a wait for a service, on a clock that tests move."""

import base64
import json
import socket
import threading
from contextlib import suppress

import pytest

from pipelines.engines import deadline
from pipelines.engines.asr import deepgram
from pipelines.engines.asr import openai_compatible as transcriber
from pipelines.engines.asr import scripted as scripted_asr
from pipelines.engines.fallback import FallbackAsr, FallbackLlm, FallbackTts
from pipelines.engines.llm import openai_compatible as writer
from pipelines.engines.llm import scripted
from pipelines.engines.registry import Context
from pipelines.engines.remarks import Failure, collected
from pipelines.engines.remote import RemoteError
from pipelines.engines.tts import cartesia, elevenlabs
from pipelines.engines.tts import scripted as scripted_tts
from pipelines.turn_taking.commands import Message
from pipelines.turn_taking.time import from_ms

from .http_stand_in import chat, chat_event, delta_event, http_stand_in, transcription
from .socket_stand_in import Deepgram, socket_stand_in

HISTORY = (Message("caller", "Are you open today?"),)
STEP_MS, TIMEOUT_MS = 400, 1000
PIECES = 4


@pytest.fixture
def pass_time(monkeypatch):
    """Moves the clock of deadlines by one step."""
    now = [0]

    def stopwatch():
        started = now[0]
        return lambda: now[0] - started

    def step():
        now[0] += from_ms(STEP_MS)

    monkeypatch.setattr(deadline, "stopwatch", stopwatch)
    return step


def llm_of(server):
    settings = writer.Settings(base_url=server.url, timeout_ms=TIMEOUT_MS)
    return writer.build(settings, Context(pytest.fail))


def stream(*before, then, pass_time, go=None):
    """Send some events, then one again and again while time passes, until the client hangs up."""

    def answer(_, reply):
        reply.start("text/event-stream")
        for event in before:
            reply.write(event)
        assert go is None or go.wait(10)
        with suppress(ConnectionError):
            while True:
                reply.write(then)
                pass_time()
                threading.Event().wait(0.001)
        reply.hung_up.set()

    return answer


USELESS = {
    "a comment": ": keep-alive\n\n",
    "part of a line": "da",
    "an event without data": "event: ping\nid: 3\n\n",
    "an event of another kind": "event: ping\ndata: still here\n\n",
    "a role": delta_event({"role": "assistant", "content": ""}),
    "nothing": delta_event({}),
    "reasoning": delta_event({"reasoning_content": "hmm "}),
    "reasoning as a part": delta_event({"content": [{"type": "thinking", "thinking": "hmm"}]}),
    "no choice": 'data: {"choices": []}\n\n',
    "usage": 'data: {"choices": [], "usage": {"completion_tokens": 7}}\n\n',
    "spaces": chat_event(" "),
    "what nobody can say": chat_event("\N{THUMBS UP SIGN}"),
    "an empty tool call": delta_event({"tool_calls": [{"index": 0, "function": {}}]}),
    "a tool call of spaces": delta_event(
        {"tool_calls": [{"index": 0, "function": {"arguments": " "}}]}
    ),
}


@pytest.mark.parametrize("useless", USELESS)
@pytest.mark.parametrize("before", [(), ("We are", " open")])
def test_no_sign_of_life_of_a_model_puts_its_deadline_off(pass_time, useless, before):
    go = threading.Event()
    events = [chat_event(word) for word in before]
    answer = stream(*events, then=USELESS[useless], pass_time=pass_time, go=go)
    with http_stand_in(answer) as server:
        pieces = llm_of(server).stream(HISTORY, threading.Event())
        assert [next(pieces) for _ in before] == list(before)
        go.set()
        with pytest.raises(RemoteError, match=f"sent no words for {TIMEOUT_MS} ms"):
            next(pieces)
        assert server.replies[0].hung_up.wait(5)
        assert len(server.requests) == 1


def test_words_and_parts_of_tool_calls_put_a_models_deadline_off(pass_time):
    go = threading.Semaphore(0)

    def answer(_, reply):
        reply.start("text/event-stream")
        for _ in range(PIECES):
            assert go.acquire(timeout=10)
            reply.write(chat_event("word "))
        reply.write(chat_event(None, "stop") + "data: [DONE]\n\n")

    with http_stand_in(answer) as server:
        pieces = llm_of(server).stream(HISTORY, threading.Event())
        for _ in range(PIECES):
            pass_time()
            go.release()
            assert next(pieces).strip() == "word"
            pass_time()  # the caller's own time is not the server's
            pass_time()
            pass_time()
        assert not list(pieces)


def test_a_fallback_steps_in_for_a_model_that_only_shows_signs_of_life(pass_time):
    remarks = []
    with http_stand_in(stream(then=": ping\n\n", pass_time=pass_time)) as server:
        second = scripted.build(scripted.Settings(replies=("We are.",)), Context(pytest.fail))
        pair = FallbackLlm(llm_of(server), second, ("far", "near"))
        with collected(remarks.append):
            assert "".join(pair.stream(HISTORY, threading.Event())) == "We are."
    assert [isinstance(remark, Failure) for remark in remarks] == [True]


@pytest.mark.parametrize("ending", ["", "data: [DONE]\n\n"])
def test_a_server_that_does_not_end_its_answer_has_given_it_all_the_same(pass_time, ending):
    go = threading.Event()
    last = chat_event(None, "stop") + ending
    answer = stream(chat_event("Yes.") + last, then=": ping\n\n", pass_time=pass_time, go=go)
    with http_stand_in(answer) as server:
        pieces = llm_of(server).stream(HISTORY, threading.Event())
        assert next(pieces) == "Yes."
        go.set()
        assert list(pieces) == []


def test_a_transcript_that_dribbles_in_is_late(pass_time, noise):
    def answer(_, reply):
        reply.start("application/json")
        for _ in range(PIECES):
            reply.write(" ")
            pass_time()
        reply.stall()

    with http_stand_in(answer) as server:
        settings = transcriber.Settings(base_url=server.url, timeout_ms=TIMEOUT_MS)
        asr = transcriber.build(settings, Context(pytest.fail))
        asr.feed(noise(1600))
        with pytest.raises(RemoteError, match=f"sent no transcript for {TIMEOUT_MS} ms"):
            asr.finish()
        server.usual = transcription
        assert asr.finish().text == ""  # a tenth of a second is no word


SILENCE = base64.b64encode(bytes(320)).decode()


@pytest.mark.parametrize("module", [cartesia, elevenlabs], ids=["cartesia", "elevenlabs"])
@pytest.mark.parametrize("audio", ["", SILENCE], ids=["empty", "silent"])
def test_no_message_without_sound_puts_a_voices_deadline_off(pass_time, monkeypatch, module, audio):
    monkeypatch.setenv("SOME_KEY", "a-key-that-is-not-one-42")

    def answer(connection, message):
        if not (message.get("transcript") or message.get("flush")):
            return
        context = message["context_id"]
        chunk = {"type": "chunk", "data": audio, "context_id": context}
        for _ in range(PIECES):
            connection.ping()
            connection.send(json.dumps({**chunk, "audio": audio, "contextId": context}))
            pass_time()

    with socket_stand_in(answer) as server:
        settings = module.Settings(url=server.url, api_key_env="SOME_KEY", timeout_ms=TIMEOUT_MS)
        voice = module.build(settings, Context(pytest.fail))
        with pytest.raises(RemoteError, match=f"sent no audio for {TIMEOUT_MS} ms"):
            list(voice.synthesize("Good morning.", threading.Event()))


def test_a_recogniser_that_has_not_heard_all_of_it_in_time_has_failed(monkeypatch, noise):
    """It sends what is no transcript, and words of the beginning only."""
    monkeypatch.setenv("DEEPGRAM_API_KEY", "a-key-that-is-not-one-42")
    usual = Deepgram()
    answered = threading.Event()

    def answer(connection, message):
        if "audio" in message and not answered.is_set():
            usual(connection, message)
            answered.set()
        connection.send(json.dumps({"type": "Metadata", "transaction_key": "", "request_id": "x",
            "sha256": "", "created": "", "duration": 0.0, "channels": 1}))  # fmt: skip

    with socket_stand_in(answer) as server:
        asr = deepgram.build(
            deepgram.Settings(url=server.url, timeout_ms=300), Context(pytest.fail)
        )
        asr.feed(noise(2000))
        assert answered.wait(5)
        asr.feed(noise(8000))
        with pytest.raises(RemoteError, match="sent no transcript for 300 ms"):
            asr.finish()
        asr.close()


def test_a_text_of_which_a_voice_makes_no_sound_is_an_error(monkeypatch):
    monkeypatch.setenv("SOME_KEY", "a-key-that-is-not-one-42")

    def answer(connection, message):
        if message.get("transcript"):
            done = {"type": "done", "done": True, "context_id": message["context_id"]}
            connection.send(json.dumps(done))

    with socket_stand_in(answer) as server:
        settings = cartesia.Settings(url=server.url, api_key_env="SOME_KEY", timeout_ms=20_000)
        voice = cartesia.build(settings, Context(pytest.fail))
        with pytest.raises(RemoteError, match="made no sound"):
            list(voice.synthesize("Good morning.", threading.Event()))


@pytest.fixture
def silent_port():
    """Accepts connections and never says a word."""
    with socket.create_server(("127.0.0.1", 0)) as listener:
        yield listener.getsockname()[1]


def heard(asr, noise):
    asr.feed(noise(1600))
    return asr.finish().text


def voiced(voice):
    return sum(len(chunk) for chunk in voice.synthesize("Good morning.", threading.Event()))


@pytest.mark.parametrize("module", [deepgram, transcriber, cartesia, elevenlabs])
def test_a_fallback_steps_in_for_a_service_that_takes_the_connection_and_no_more(
    silent_port, monkeypatch, noise, module
):
    monkeypatch.setenv("SOME_KEY", "a-key-that-is-not-one-42")
    http = module is transcriber
    address = {
        "base_url" if http else "url": f"{'http' if http else 'ws'}://127.0.0.1:{silent_port}"
    }
    settings = module.Settings(**address, api_key_env="SOME_KEY", timeout_ms=100)
    first = module.build(settings, Context(pytest.fail, has_fallback=True))
    remarks = []
    with collected(remarks.append):
        if module in {cartesia, elevenlabs}:
            second = scripted_tts.build(scripted_tts.Settings(), Context(pytest.fail))
            assert voiced(FallbackTts(first, second, ("far", "near"))) > 0
        else:
            second = scripted_asr.build(scripted_asr.Settings(), Context(pytest.fail))
            assert heard(FallbackAsr(first, second, ("far", "near")), noise) != ""
    assert [isinstance(remark, Failure) for remark in remarks] == [True]


def test_a_request_given_up_late_does_not_cut_the_next_one():
    with http_stand_in(chat("We are", " open", " now.")) as server:
        settings = writer.Settings(base_url=server.url, timeout_ms=20_000)
        llm = writer.build(settings, Context(pytest.fail))
        left = llm.stream(HISTORY, threading.Event())
        next(left)
        whole = llm.stream(HISTORY, threading.Event())
        said = next(whole)
        left.close()
        assert said + "".join(whole) == "We are open now."
        assert len(server.requests) == 2
