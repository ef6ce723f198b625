"""Calls to agents over real sockets: strangers that misbehave, and our own server."""

import asyncio
import json
import re
import time

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner
from websockets.frames import Frame, Opcode

from tests.voicecli.dial.conftest import tone
from tests.voicecli.serve.conftest import TOKEN, Server
from voicecli.carriers.errors import DialError
from voicecli.carriers.leg import (
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    LegEnded,
    LegStarted,
    Mark,
    MarkPlayed,
)
from voicecli.cli import app
from voicecli.dial.measure import Measured, measure
from voicecli.dial.phone import Key, dial
from voicecli.dial.report import CallResult, check, parse_condition
from voicecli.dial.run import report_on
from voicecli.errors import AssertionUnmetError
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.labels import Turn
from voicecli.transports.file_caller import FileCaller

pytestmark = pytest.mark.realtime


def caller(*stretches, seconds, tail_s=0.3):
    """Noise in these stretches of seconds."""
    pcm = np.zeros(round(8000 * seconds), np.int16)
    for start, end in stretches:
        a, b = round(start * 8000), round(end * 8000)
        pcm[a:b] = np.random.default_rng(1).normal(0, 5000, b - a)
    turns = [Turn(start, end, "x") for start, end in stretches]
    audio = CallAudio(pcm, None, 8000, 8000, seconds)
    return FileCaller(audio, turns, "recorded", tail_s=tail_s, max_wait_s=3), turns


def ring(agent, who, **options):
    return asyncio.run(dial(agent.url, who, **options))


async def wait_for_silence(agent):
    """Until the caller has spoken and stopped."""
    while agent.caller_level() < 2000:
        await asyncio.sleep(0.005)
    while agent.caller_level() > 2000:
        await asyncio.sleep(0.005)


def test_an_answer_is_timed_by_ear(stranger):
    took: list[float] = []

    async def answer(agent):
        await wait_for_silence(agent)
        began = time.monotonic()
        await asyncio.sleep(0.4)
        took.append(time.monotonic() - began)
        await agent.send(AudioOut(tone(500).tobytes()))

    who, turns = caller((0.2, 0.7), seconds=1.0)
    agent = stranger(answer)
    dialled = ring(agent, who)
    assert dialled.ending == "caller hung up"
    (latency,) = measure(who.stereo(), who.played, turns).voice_to_voice
    # What the agent took, give or take a frame, and whatever the machine adds.
    assert -0.02 <= latency / 1e9 - took[0] < 0.3


def test_marks_come_back_when_heard_and_clear_is_honoured(stranger):
    echoed = []

    async def talk(agent):
        await agent.send(AudioOut(tone(300).tobytes()))
        await agent.send(Mark("short"))
        await agent.send(AudioOut(tone(60_000).tobytes()))
        await agent.send(Mark("long"))
        await asyncio.sleep(0.6)
        echoed.extend(m.name for m in agent.heard if isinstance(m, MarkPlayed))
        await agent.send(Clear())

    who, _ = caller((0.1, 0.4), seconds=1.2)
    agent = stranger(talk)
    dialled = ring(agent, who)
    assert echoed == ["short"]
    assert [m.name for m in agent.heard if isinstance(m, MarkPlayed)] == ["short", "long"]
    assert dialled.buffer.clears == 1
    ear = who.stereo()[:, 1]
    assert np.flatnonzero(ear)[-1] < 8000 * 1.1  # not the minute that was sent


def test_the_stream_looks_like_twilios(stranger):
    async def listen(agent):
        await asyncio.sleep(0)

    who, _ = caller((0.1, 0.2), seconds=0.4)
    agent = stranger(listen)
    ring(agent, who, keys=[Key(int(0.2e9), "5")], secret=TOKEN, max_s=1)
    start = agent.heard[0]
    assert isinstance(start, LegStarted)
    assert start.call_id.startswith("CA")
    assert Dtmf("5") in agent.heard
    assert isinstance(agent.heard[-1], LegEnded)
    stamps = [m.at_ms for m in agent.heard if isinstance(m, AudioIn)]
    assert stamps == list(range(0, 20 * len(stamps), 20))
    assert agent.headers[0]["X-Twilio-Signature"]


@pytest.mark.parametrize(
    ("text", "problem"),
    [("what?", "not JSON"), ('{"event": "media", "streamSid": "MZ0"}', "streamSid is 'MZ0'")],
)
def test_an_agent_that_breaks_the_protocol_is_told_on(stranger, text, problem):
    async def babble(agent):
        await agent.raw(text)

    who, _ = caller((0.1, 0.2), seconds=2)
    dialled = ring(stranger(babble), who)
    assert dialled.ending == "protocol violated"
    assert problem in dialled.problem


def test_an_agent_may_hang_up(stranger):
    async def leave(agent):
        await agent.send(AudioOut(tone(100).tobytes()))
        await agent.hang_up()

    who, _ = caller((0.1, 0.2), seconds=5)
    dialled = ring(stranger(leave), who)
    assert (dialled.ending, dialled.problem) == ("agent hung up", "")


@pytest.mark.parametrize("at_once", [True, False])
@pytest.mark.parametrize(
    ("end", "ending", "problem"),
    [
        (lambda socket: socket.transport.abort(), "connection lost", "without being closed"),
        (lambda socket: socket.transport.close(), "connection lost", "without being closed"),
        (lambda socket: socket.close(1011, "broken"), "closed abnormally", "1011 broken"),
        (lambda socket: socket.close(1001, "bye"), "closed abnormally", "1001 bye"),
        (lambda socket: socket.transport.write(b"\xff" * 9), "protocol violated", "1002"),
    ],
    ids=["aborted", "server gone", "1011", "1001", "no WebSocket"],
)
def test_a_call_that_breaks_is_a_failure_and_says_why(stranger, end, ending, problem, at_once):
    async def breaks(agent):
        await agent.send(AudioOut(tone(100).tobytes()))
        await asyncio.sleep(0 if at_once else 0.2)
        ended = end(agent._socket)
        if ended is not None:
            await ended

    who, _ = caller((0.1, 0.2), seconds=5)
    dialled = ring(stranger(breaks), who)
    assert dialled.ending == ending
    assert problem in dialled.problem
    results = [CallResult("one", dialled, Measured())]
    assert not check(parse_condition("failed == 0"), results).holds
    with pytest.raises(DialError, match="one: "):
        report_on("ws://…", results, [])


def test_an_agent_that_never_sends_audio_is_a_failure(stranger):
    async def listen(agent):
        await agent.send(Mark("nothing"))

    who, _ = caller((0.1, 0.2), seconds=0.4)
    dialled = ring(stranger(listen), who)
    assert dialled.ending == "caller hung up"
    assert dialled.problem == "the agent never sent any audio"


def frame(opcode, data=b"", *, fin=True):
    return Frame(opcode, data, fin).serialize(mask=False)


@pytest.mark.parametrize(
    ("first", "again", "reads", "why"),
    [
        (b"", frame(Opcode.PING) * 5000, True, "more frames than any call has"),
        (b"", frame(Opcode.PONG) * 5000, True, "more frames than any call has"),
        (frame(Opcode.TEXT, fin=False), frame(Opcode.CONT, fin=False) * 5000, True,
         "more frames than any call has|too many fragments"),
        (b"", frame(Opcode.PING, b"x" * 125) * 400, False, "does not read what it is sent"),
    ],
    ids=["pings", "pongs", "empty continuations", "pings whose pongs are not read"],
)  # fmt: skip
def test_an_agent_that_floods_below_the_messages_is_cut_off(stranger, first, again, reads, why):
    async def flood(agent):
        transport = agent._socket.transport
        if not reads:
            transport.pause_reading()
        transport.write(first)
        while not transport.is_closing():
            if transport.get_write_buffer_size() < 1 << 20:
                transport.write(again)
            await asyncio.sleep(0)

    who, _ = caller((0.1, 0.2), seconds=30)
    dialled = ring(stranger(flood), who, max_s=30)
    assert dialled.ending == "protocol violated"
    assert re.search(why, dialled.problem)


@pytest.mark.parametrize("url", ["ws://127.0.0.1:99999/", "ws://[::1/", "ws://127.0.0.1:x/"])
def test_an_address_that_is_none_is_a_sentence(url):
    with pytest.raises(DialError, match="cannot be dialled"):
        asyncio.run(dial(url, caller(seconds=1)[0]))


def test_a_caller_presses_the_keys_of_the_script_when_it_has_said_the_turn(stranger):
    async def listen(agent):
        await asyncio.sleep(0)

    pcm = np.zeros(8000, np.int16)
    turns = [Turn(0.1, 0.3, "x", keys="42"), Turn(0.6, 0.7, "", keys="#")]
    audio = CallAudio(pcm, None, 8000, 8000, 1.0)
    agent = stranger(listen)
    ring(agent, FileCaller(audio, turns, "recorded", tail_s=0.3, max_wait_s=1))
    pressed = [(m.digit, n) for n, m in enumerate(agent.heard) if isinstance(m, Dtmf)]
    assert [digit for digit, _ in pressed] == ["4", "2", "#"]
    before = sum(isinstance(m, AudioIn) for m in agent.heard[: pressed[0][1]])
    assert before == pytest.approx(15, abs=2)  # frames: after 300 ms


def test_nobody_there_is_one_sentence():
    who, _ = caller((0.1, 0.2), seconds=1)
    with pytest.raises(DialError, match=r"nobody answers at ws://127\.0\.0\.1:9/"):
        asyncio.run(dial("ws://127.0.0.1:9/media", who))


# -- the two verbs together -------------------------------------------------------------------


@pytest.fixture(scope="module")
def agent(tmp_path_factory):
    server = Server(tmp_path_factory.mktemp("agent"), "--max-calls", "3", token=TOKEN)
    yield server
    server.stop()


@pytest.fixture
def recording(tmp_path):
    path = tmp_path / "caller.wav"
    noise = np.random.default_rng(1).normal(0, 5000, 8000 * 4).astype(np.int16)
    noise[: 8000 * 2] = noise[8000 * 3 :] = 0
    soundfile.write(path, noise, 8000)
    return path


def voicecli(*arguments):
    return CliRunner(env={"TWILIO_AUTH_TOKEN": TOKEN}).invoke(app, ["dial", *map(str, arguments)])


def test_dial_reaches_serve_through_its_signed_webhook(agent, recording, tmp_path):
    report, out = tmp_path / "r.json", tmp_path / "out"
    done = voicecli(
        f"{agent.http}/voice", recording, "--json", report, "--junit", tmp_path / "r.xml",
        "--out", out, "--calls", 2, "--max-duration", 8,
        "--assert", "failed == 0", "--assert", "greeting.max < 2s", "--assert", "turns == 2",
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    document = json.loads(report.read_text())
    assert document["summary"]["calls"] == 2
    assert all(call["voice_to_voice_ms"] for call in document["calls"])
    assert len(list(out.glob("*.wav"))) == 2
    stereo, rate = soundfile.read(next(out.glob("*.wav")))
    assert rate == 8000
    assert np.abs(stereo).max(axis=0).min() > 0.05  # both were heard
    assert (tmp_path / "r.xml").is_file()


GOODBYE = "Goodbye now, and thank you very much for calling us."
ACTS = """
name = "acts"
[agent]
greeting = ""
[vad]
engine = "scripted"
[asr]
engine = "scripted"
[llm]
engine = "scripted"
replies = ['%s']
[tts]
engine = "scripted"
ms_per_char = 20.0
[turn_detectors.scripted]
[tools]
builtin = ["end_call", "send_dtmf"]
"""


def dialled(tmp_path, recording, reply):
    """The call's row of the report, and what was heard of the agent, when it answers so."""
    (tmp_path / "acts.toml").write_text(ACTS % reply)
    server = Server(tmp_path, "--profile", str(tmp_path / "acts.toml"), "--max-calls", "1")
    try:
        out = tmp_path / "out"
        done = voicecli(server.media, recording, "--out", out, "--json", tmp_path / "r.json",
                        "--max-duration", 9)  # fmt: skip
    finally:
        server.stop()
    assert done.exit_code == 0, done.output
    (call,) = json.loads((tmp_path / "r.json").read_text())["calls"]
    stereo, _ = soundfile.read(next(out.glob("*.wav")))
    return call, stereo[:, 1]


def test_the_agent_hangs_up_when_its_last_words_were_heard(recording, tmp_path):
    tool = '<tool_call>{"name": "end_call", "arguments": {}}</tool_call>'
    call, heard = dialled(tmp_path, recording, f"{GOODBYE} {tool}")
    assert call["ending"] == "agent hung up"
    sound = np.flatnonzero(heard)
    seconds = (sound[-1] - sound[0]) / 8000
    assert seconds >= 20 * len(GOODBYE) / 1000 - 0.15


def test_keys_that_the_agent_presses_are_heard(recording, tmp_path):
    tool = '<tool_call>{"name": "send_dtmf", "arguments": {"digits": "42#"}}</tool_call>'
    call, _ = dialled(tmp_path, recording, f"One moment. {tool} Done.")
    assert call["keys_heard"].startswith("42#")


def test_an_unmet_condition_fails_the_run(agent, recording, tmp_path):
    done = voicecli(f"{agent.http}/voice", recording, "-o", tmp_path / "out", "--max-duration", 1,
                    "--assert", "turns > 5")  # fmt: skip
    assert isinstance(done.exception, AssertionUnmetError)
    assert "turns is 0" in str(done.exception) or "turns is 1" in str(done.exception)
