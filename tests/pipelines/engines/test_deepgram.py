"""Streaming through Deepgram, on a server that speaks its protocol."""

import dataclasses
import json
import logging
import socket
import subprocess
import sys
import threading

import numpy as np
import pytest

from pipelines.engines import mulaw
from pipelines.engines.asr import _deepgram_stream, deepgram
from pipelines.engines.deadline import Deadline
from pipelines.engines.protocols import Transcript
from pipelines.engines.registry import Context
from pipelines.engines.remarks import collected
from pipelines.engines.remote import RemoteError

from .socket_stand_in import Deepgram, refusal, socket_stand_in

KEY = "a-key-that-is-not-one-42"
PATIENT_MS = 20_000
"""So that a busy machine fails no test that is not about time."""


@pytest.fixture
def server():
    with socket_stand_in(Deepgram()) as server:
        yield server


@pytest.fixture
def connect(server, monkeypatch):
    monkeypatch.setenv("DEEPGRAM_API_KEY", KEY)
    made = []

    def connect(has_fallback=False, **settings):
        chosen = deepgram.Settings(url=server.url, timeout_ms=PATIENT_MS, **settings)
        made.append(deepgram.build(chosen, Context(pytest.fail, has_fallback=has_fallback)))
        return made[-1]

    yield connect
    for asr in made:
        asr.close()


def wait_for_hypothesis(asr):
    for _ in range(5000):
        if asr._stream._results.qsize():
            return asr.feed(np.zeros(0, np.float32))
        threading.Event().wait(0.001)
    raise AssertionError("no result came")


def test_the_phones_own_bytes_are_sent(connect, server, noise):
    asr = connect()
    audio = noise(8000)
    asr.feed(audio)
    asr.finish()
    assert b"".join(server.binary) == mulaw.encode(audio)
    path = server.handshakes[0].path
    assert path.startswith("/v1/listen?")
    for option in ("encoding=mulaw", "sample_rate=8000", "interim_results=true", "model=nova-3"):
        assert option in path
    assert server.handshakes[0].headers["Authorization"] == f"Token {KEY}"
    assert KEY not in path


def test_interim_words_are_unstable_and_settled_words_stable(connect, noise):
    asr = connect()
    hypothesis = asr.feed(noise(4000)) or wait_for_hypothesis(asr)
    assert hypothesis.unstable == "word0 word1"
    assert asr.finish().text == "word0 word1"
    hypothesis = asr.feed(noise(2000)) or wait_for_hypothesis(asr)
    assert (hypothesis.stable, hypothesis.unstable) == ("word0 word1", "word0")


def test_words_that_were_given_up_do_not_show_up_in_the_next_utterance(connect, noise):
    asr = connect()
    asr.feed(noise(8000))
    asr.reset()
    asr.feed(noise(1700))
    assert asr.finish() == Transcript("word0")


@pytest.mark.parametrize("ending", ["speech_final", "UtteranceEnd"])
def test_what_deepgram_has_settled_by_itself_needs_no_request_at_the_end(
    connect, server, noise, ending
):
    usual = server.answer

    def settle(connection, message):
        if "audio" not in message:
            usual(connection, message)
            return
        usual.received += len(message["audio"])
        final = usual.results(is_final=True, speech_final=ending == "speech_final")
        connection.send(json.dumps(final))
        if ending == "UtteranceEnd":
            end = {"type": "UtteranceEnd", "channel": [0, 1], "last_word_end": 0.0}
            connection.send(json.dumps(end))

    server.answer = settle
    asr = connect()
    asr.feed(noise(8000))
    for _ in range(3):
        if not asr._settled:
            asr._take(Deadline(asr._where, "result", PATIENT_MS))
    assert asr.finish().text == "word0 word1 word2 word3 word4"
    assert server.messages == []


def test_last_words_that_do_not_settle_in_time_are_taken_as_they_are(connect, server, noise):
    usual = server.answer
    server.answer = lambda connection, message: "audio" in message and usual(connection, message)
    asr = connect()
    hypothesis = asr.feed(noise(4000)) or wait_for_hypothesis(asr)
    assert hypothesis.unstable == "word0 word1"
    asr._settings = dataclasses.replace(asr._settings, timeout_ms=100)
    remarks = []
    with collected(remarks.append):
        assert asr.finish().text == "word0 word1"
    assert [remark.endswith("did not settle the last words in time") for remark in remarks] == [
        True
    ]


def test_an_idle_connection_is_kept_alive(connect, server, monkeypatch):
    monkeypatch.setattr(_deepgram_stream, "KEEP_ALIVE_S", 0.01)
    connect()
    assert server.wait_for(lambda: {"type": "KeepAlive"} in server.messages)


def test_a_connection_that_was_closed_between_utterances_is_made_again(connect, server, noise):
    kept = []
    usual = server.answer
    server.answer = lambda connection, message: (
        kept.append(connection) or usual(connection, message)
    )
    asr = connect()
    asr.feed(noise(4000))
    assert asr.finish().text == "word0 word1"
    asr.reset()
    kept[-1].close()
    assert asr._stream is not None
    for _ in range(5000):
        if asr._stream.broken:
            break
        threading.Event().wait(0.001)
    usual.received = usual.settled = 0
    asr.feed(noise(4000))
    assert asr.finish().text == "word0 word1"
    assert len(server.handshakes) == 2


def test_a_connection_cut_in_the_middle_of_an_utterance_is_an_error(connect, server, noise):
    server.answer = lambda connection, _: connection.close()
    asr = connect()
    asr.feed(noise(4000))
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1"):
        asr.finish()


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_told_by_its_variable(connect, server, status):
    server.refusals.append(refusal(status, KEY))
    with pytest.raises(ValueError, match=rf"refused the key in \$DEEPGRAM_API_KEY \({status}\)"):
        connect(has_fallback=True)


@pytest.mark.parametrize(("status", "body"), [(429, ""), (500, ""), (200, "<html>")])
def test_any_other_answer_is_an_error_unless_there_is_a_fallback(
    connect, server, noise, status, body
):
    server.refusals.append(refusal(status, body))
    with pytest.raises(RemoteError, match=str(status)):
        connect()
    server.refusals.append(refusal(status, body))
    asr = connect(has_fallback=True)
    asr.feed(noise(4000))
    assert asr.finish().text == "word0 word1"


def test_a_server_that_accepts_and_says_nothing_is_an_error_in_time(monkeypatch):
    monkeypatch.setenv("DEEPGRAM_API_KEY", KEY)
    with socket.create_server(("127.0.0.1", 0)) as listening:
        settings = deepgram.Settings(
            url=f"ws://127.0.0.1:{listening.getsockname()[1]}", timeout_ms=100
        )
        with pytest.raises(RemoteError, match=r"silent for 0\.1 s"):
            deepgram.build(settings, Context(pytest.fail))


def test_the_key_is_in_no_log(connect, noise, caplog):
    caplog.set_level(logging.DEBUG)
    asr = connect()
    asr.feed(noise(4000))
    asr.finish()
    assert KEY not in caplog.text


def test_a_missing_key_and_a_missing_client_are_told(server, monkeypatch):
    monkeypatch.delenv("DEEPGRAM_API_KEY", raising=False)
    with pytest.raises(ValueError, match=r"set \$DEEPGRAM_API_KEY"):
        deepgram.build(deepgram.Settings(url=server.url), Context(pytest.fail))
    monkeypatch.setenv("DEEPGRAM_API_KEY", KEY)
    monkeypatch.setitem(sys.modules, "deepgram", None)
    with pytest.raises(ValueError, match=r"pip install 'voicecli\[remote\]'"):
        deepgram.build(deepgram.Settings(url=server.url), Context(pytest.fail))


def test_the_client_loads_without_warnings():
    code = (
        "from pipelines.engines.asr._deepgram_stream import _client\n"
        "from pipelines.engines.remote import Service\n"
        "_client(Service('ws://127.0.0.1:1', 'K', 'key')).listen.v1\n"
    )
    subprocess.run([sys.executable, "-W", "error::DeprecationWarning", "-c", code], check=True)
