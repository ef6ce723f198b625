"""Voices behind WebSockets, whose services behave or do not."""

import base64
import json
import logging
import threading

import numpy as np
import pytest

from pipelines.engines.registry import Context
from pipelines.engines.remarks import collected
from pipelines.engines.remote import RemoteError
from pipelines.engines.tts import cartesia, elevenlabs

from . import socket_stand_in as stand_in
from .socket_stand_in import refusal, socket_stand_in

KEY = "a-key-that-is-not-one-42"
PATIENT_MS = 20_000
"""So that a busy machine fails no test that is not about time."""
TEXT = "Good morning, this is the dentist."
SERVICES = {
    "cartesia": (cartesia, stand_in.cartesia),
    "elevenlabs": (elevenlabs, stand_in.elevenlabs),
}


@pytest.fixture(params=SERVICES)
def service(request):
    return SERVICES[request.param]


@pytest.fixture
def server(service):
    with socket_stand_in(service[1]) as server:
        yield server


@pytest.fixture
def connect(service, server, monkeypatch):
    module, _ = service
    monkeypatch.setenv("SOME_KEY", KEY)

    def connect(has_fallback=False, **settings):
        chosen = module.Settings(
            url=server.url, api_key_env="SOME_KEY", timeout_ms=PATIENT_MS, **settings
        )
        return module.build(chosen, Context(pytest.fail, has_fallback=has_fallback))

    return connect


def say(voice, text=TEXT):
    return np.concatenate([np.zeros(0, np.float32), *voice.synthesize(text, threading.Event())])


def silent(*_):
    """Take the text and say nothing."""


def test_the_tone_that_was_sent_is_the_tone_that_is_heard(connect):
    audio = say(connect())
    assert len(audio) / 16000 == pytest.approx(len(TEXT) * 0.06 + 0.1, abs=0.02)
    spectrum = np.abs(np.fft.rfft(audio[:16000]))
    assert int(spectrum.argmax()) == pytest.approx(220, abs=2)


def test_the_key_goes_into_the_handshakes_header_and_nowhere_else(connect, server, caplog):
    caplog.set_level(logging.DEBUG, "voicecli")
    caplog.set_level(logging.DEBUG, "websockets.client")
    say(connect())
    assert KEY not in caplog.text
    handshake = server.handshakes[0]
    assert KEY in handshake.headers.values()
    assert KEY not in handshake.path + json.dumps(server.messages)


def test_one_connection_serves_many_texts(connect, server):
    voice = connect()
    for _ in range(3):
        say(voice)
    assert len(server.handshakes) == 1
    assert len({message["context_id"] for message in server.messages}) == 3


def test_stop_cancels_the_text_at_the_service_even_before_its_first_sound(connect, server):
    stop = threading.Event()

    def hold(_, message):
        if message.get("transcript") or message.get("flush"):
            stop.set()

    server.answer = hold
    assert list(connect().synthesize(TEXT, stop)) == []
    assert server.wait_for(
        lambda: server.messages[-1].get("cancel") or server.messages[-1].get("close_context")
    )


def test_what_arrives_of_a_cancelled_text_is_not_heard_in_the_next(connect):
    voice = connect()
    stop = threading.Event()
    chunks = voice.synthesize("a very long text " * 10, stop)
    next(chunks)
    stop.set()
    assert list(chunks) == []
    assert len(say(voice, "Yes.")) / 16000 == pytest.approx(4 * 0.06 + 0.1, abs=0.02)


def test_a_connection_that_was_closed_while_idle_is_made_again(connect, server):
    kept = []
    usual = server.answer
    server.answer = lambda connection, message: (
        kept.append(connection) or usual(connection, message)
    )
    voice = connect()
    first = say(voice)
    kept[-1].close()
    assert np.array_equal(say(voice), first)
    assert len(server.handshakes) == 2


def test_a_text_cut_off_before_its_first_sound_is_said_again_and_that_is_remarked(connect, server):
    usual = server.answer

    def drop_once(connection, message):
        server.answer = usual
        connection.close()

    server.answer = drop_once
    remarks = []
    with collected(remarks.append):
        assert len(say(connect())) > 16000
    assert [remark.endswith("said once more") for remark in remarks] == [True]


def test_a_text_cut_off_in_the_middle_is_an_error_and_not_begun_again(connect, server, service):
    def half(connection, message):
        if not (message.get("transcript") or message.get("flush")):
            return
        audio = base64.b64encode(stand_in.tone(TEXT, 16000)[0]).decode()
        context = message["context_id"]
        chunk = {"type": "chunk", "data": audio, "context_id": context}
        connection.send(json.dumps({**chunk, "audio": audio, "contextId": context}))
        connection.close()

    server.answer = half
    chunks = connect().synthesize(TEXT, threading.Event())
    next(chunks)
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1"):
        list(chunks)
    assert len(server.handshakes) == 1


def test_a_service_that_falls_silent_is_an_error(connect, server):
    server.answer = silent
    voice = connect()
    voice._timeout_ms = 100
    with pytest.raises(RemoteError, match="sent no audio for 100 ms"):
        say(voice)


@pytest.mark.parametrize("data", ["{", "[1]", "3", '"x"'])
def test_a_message_that_is_no_object_is_an_error(connect, server, data):
    server.answer = lambda connection, _: connection.send(data)
    with pytest.raises(RemoteError, match="sent no JSON object"):
        say(connect())


def test_damaged_audio_is_an_error(connect, server):
    def damaged(connection, message):
        context = message["context_id"]
        chunk = {"type": "chunk", "data": "***", "audio": "***"}
        connection.send(json.dumps({**chunk, "context_id": context, "contextId": context}))

    server.answer = damaged
    with pytest.raises(RemoteError, match="damaged audio"):
        say(connect())


@pytest.mark.parametrize("names_context", [True, False])
def test_what_the_service_says_is_wrong_is_the_error_without_the_key(
    connect, server, names_context
):
    def complain(connection, message):
        problem = {"type": "error", "error": "quota", "message": f"quota of {KEY} used up"}
        context = message["context_id"]
        named = {"context_id": context, "contextId": context} if names_context else {}
        connection.send(json.dumps({**problem, **named}))

    server.answer = complain
    with pytest.raises(RemoteError, match="quota of … used up"):
        say(connect())


# --- the handshake ------------------------------------------------------------------------------


@pytest.mark.parametrize("status", [401, 403])
def test_a_key_that_is_refused_is_told_by_its_variable_and_no_fallback_hides_it(
    connect, server, status
):
    server.refusals.append(refusal(status, f"no such key: {KEY}"))
    with pytest.raises(ValueError, match=rf"refused the key in \$SOME_KEY \({status}\)"):
        connect(has_fallback=True)


@pytest.mark.parametrize(
    ("status", "body", "message"),
    [
        (429, "too many", "answered 429 too many"),
        (500, "", "answered 500$"),
        (200, "<html>Welcome</html>", r"answered 200 \(a web page\)"),
    ],
)
def test_any_other_answer_is_an_error_unless_there_is_a_fallback(
    connect, server, status, body, message
):
    server.refusals.append(refusal(status, body))
    with pytest.raises(RemoteError, match=message):
        connect()
    server.refusals.append(refusal(status, body))
    assert len(say(connect(has_fallback=True))) > 16000


def test_nobody_there_is_an_error(service, monkeypatch):
    module, _ = service
    monkeypatch.setenv("SOME_KEY", KEY)
    settings = module.Settings(url="ws://127.0.0.1:9", api_key_env="SOME_KEY", timeout_ms=500)
    with pytest.raises(RemoteError, match=r"127\.0\.0\.1:9"):
        module.build(settings, Context(pytest.fail))


def test_a_key_that_is_not_set_is_refused_by_the_name_of_its_variable(service, monkeypatch):
    module, _ = service
    variable = module.Settings().api_key_env
    monkeypatch.delenv(variable, raising=False)
    with pytest.raises(ValueError, match=rf"is missing: set \${variable}"):
        module.build(module.Settings(), Context(pytest.fail))


def test_settings_out_of_range_are_refused(service):
    module, _ = service
    with pytest.raises(ValueError, match="sample_rate"):
        module.build(module.Settings(sample_rate=11025), Context(pytest.fail))


def test_each_service_is_told_voice_model_and_format(monkeypatch):
    monkeypatch.setenv("SOME_KEY", KEY)
    with socket_stand_in(stand_in.cartesia) as server:
        settings = cartesia.Settings(url=server.url, api_key_env="SOME_KEY", sample_rate=8000)
        voice = cartesia.build(settings, Context(pytest.fail))
        assert voice.sample_rate == 8000
        say(voice, "Hi.")
        assert server.messages[0] == {
            "model_id": "sonic-2",
            "voice": {"mode": "id", "id": settings.voice},
            "language": "en",
            "output_format": {"container": "raw", "encoding": "pcm_s16le", "sample_rate": 8000},
            "continue": False,
            "context_id": server.messages[0]["context_id"],
            "transcript": "Hi.",
        }
        assert server.handshakes[0].headers["Cartesia-Version"] == settings.version
    with socket_stand_in(stand_in.elevenlabs) as server:
        settings = elevenlabs.Settings(url=server.url, api_key_env="SOME_KEY", voice="a/b")
        say(elevenlabs.build(settings, Context(pytest.fail)), "Hi.")
        assert server.handshakes[0].path == (
            "/v1/text-to-speech/a%2Fb/multi-stream-input?model_id=eleven_flash_v2_5"
            "&output_format=pcm_16000&inactivity_timeout=180&auto_mode=true"
        )
