"""Transcripts from a server, well-behaved or not."""

import io
import wave

import numpy as np
import pytest

from pipelines.engines.asr import openai_compatible
from pipelines.engines.protocols import Transcript
from pipelines.engines.registry import Context
from pipelines.engines.remarks import collected
from pipelines.engines.remote import RemoteError

from .http_stand_in import dropped, http_stand_in, nothing, status, transcription, web_page

KEY = "sk-not-a-real-key-1234567890"


@pytest.fixture
def server():
    with http_stand_in(transcription) as server:
        yield server


def connect(server, **settings):
    # Patient, so that a busy machine fails no test that is not about time.
    chosen = openai_compatible.Settings(
        **{"base_url": server.url, "timeout_ms": 20_000, **settings}
    )
    return openai_compatible.build(chosen, Context(pytest.fail))


def test_the_whole_utterance_is_sent_once_as_a_wav_file(server, noise):
    asr = connect(server, model="tiny", language="de")
    audio = noise(16000)
    for start in range(0, 16000, 1600):
        assert asr.feed(audio[start : start + 1600]) is None
    assert asr.finish() == Transcript("word0 word1 word2 word3 word4")
    assert asr.finish().text.endswith("word4")
    (request,) = server.requests
    assert request.path == "/v1/audio/transcriptions"
    assert b'name="model"\r\n\r\ntiny\r\n' in request.body
    assert b'name="language"\r\n\r\nde\r\n' in request.body
    with wave.open(io.BytesIO(request.body[request.body.index(b"RIFF") :])) as file:
        assert (file.getframerate(), file.getnchannels(), file.getsampwidth()) == (16000, 1, 2)
        sent = np.frombuffer(file.readframes(16000), "<i2") / 32767
    assert np.allclose(sent, audio, atol=1e-4)


def test_partials_come_if_they_are_asked_for(server, noise):
    asr = connect(server, partials=True, step_ms=500)
    audio = noise(32000)
    fed = [asr.feed(audio[start : start + 1600]) for start in range(0, 32000, 1600)]
    hypotheses = [hypothesis for hypothesis in fed if hypothesis]
    assert len(hypotheses) == 4
    assert hypotheses[1].stable == "word0 word1"
    assert len(server.requests) == 4


@pytest.mark.parametrize("answer", [status(429), status(503, "busy"), dropped])
def test_what_may_pass_is_asked_once_more_and_remarked(server, noise, answer):
    server.answers.append(answer)
    asr = connect(server)
    asr.feed(noise(16000))
    remarks = []
    with collected(remarks.append):
        assert asr.finish().text.startswith("word0")
    assert [remark.endswith("asked once more") for remark in remarks] == [True]


@pytest.mark.parametrize(
    ("answer", "message", "requests"),
    [
        (status(500, "broken"), "answered 500 broken", 2),
        (status(400, "<html>"), r"answered 400 \(a web page\)", 1),
        (web_page, "without a transcript", 1),
        (status(200, '{"segments": []}'), "without a transcript", 1),
        (status(200, '{"text": 3}'), "without a transcript", 1),
        (nothing, "sent no transcript for 700 ms", 1),
    ],
)
def test_what_does_not_pass_is_an_error(server, noise, answer, message, requests):
    server.usual = answer
    asr = connect(server, **({"timeout_ms": 700} if answer is nothing else {}))
    asr.feed(noise(16000))
    with pytest.raises(RemoteError, match=message):
        asr.finish()
    assert len(server.requests) == requests


def test_a_phantom_is_dropped_and_remarked(server, noise):
    server.usual = status(200, '{"text": " Thanks for watching! "}')
    asr = connect(server)
    asr.feed(noise(16000))
    remarks = []
    with collected(remarks.append):
        assert asr.finish() == Transcript("")
    assert remarks == ['dropped "Thanks for watching!": a known phantom phrase']


def test_a_key_is_sent_and_not_shown(server, noise, monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    asr = connect(server, api_key_env="SOME_KEY")
    asr.feed(noise(16000))
    asr.finish()
    assert server.requests[0].headers["Authorization"] == f"Bearer {KEY}"
    server.usual = status(401, f"wrong key {KEY}")
    asr.feed(noise(16000))
    with pytest.raises(RemoteError, match=r"refused the key in \$SOME_KEY \(401\)$"):
        asr.finish()
