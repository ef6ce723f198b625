"""Calls to a real server over real sockets: answered, refused, survived."""

import asyncio
import base64
import json
import os
import signal
import stat
from contextlib import suppress
from urllib.error import HTTPError
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from twilio.request_validator import RequestValidator
from websockets.exceptions import ConnectionClosed

from tests.voicecli.serve.conftest import TOKEN, call, ring
from voicecli.carriers.leg import AudioIn, Dtmf, Mark
from voicecli.recording.bundle import read_bundle

pytestmark = pytest.mark.realtime

GREETING_BYTES = len("Hello, how can I help you today?") * 20 * 8  # 20 ms a character


def test_a_call_is_greeted_marked_recorded_and_counted(server):
    async def scenario():
        async with call(server, "CAgreeted") as phone:
            while len(phone.heard) < GREETING_BYTES:
                await phone.hear(Mark)
            assert server.metric("active_calls") == 1
            await phone.speak(0.2)
            assert await phone.hang_up() == (1000, "the caller hung up")
            return phone

    phone = asyncio.run(scenario())
    assert len(phone.heard) == pytest.approx(GREETING_BYTES, abs=160)
    server.wait_for("call ended.*greeted.*the caller hung up")
    assert server.metric("greeting_seconds_count") >= 1


def test_recordings_are_for_their_owner_only(serve):
    server = serve("--max-calls", "1", "--redact")

    async def scenario():
        async with call(server) as phone:
            await phone.say(Dtmf("7"))
            await phone.hear(Mark)
            await phone.hang_up()

    asyncio.run(scenario())
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    (folder,) = server.recordings.iterdir()
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    bundle = read_bundle(folder)
    assert bundle.stereo[:, 1].any()
    assert '"digit":"#"' in (folder / "journal.jsonl").read_text()


def test_beyond_max_calls_the_line_is_busy(server):
    async def scenario():
        async with call(server, "CA1") as one, call(server, "CA2") as two:
            await one.hear()
            await two.hear()
            async with call(server, "CA3") as three:
                assert await three.closed() == (1013, "busy")
            with urlopen(server.http + "/voice?CallSid=CA4", timeout=5) as answer:  # noqa: S310
                assert b'<Reject reason="busy"' in answer.read()
            await one.hang_up()
            await two.hang_up()

    asyncio.run(scenario())


OFFENCES = {
    "garbage": "}{",
    "truncated": '{"event": "media", "media": {"payl',
    "binary": b"\x00\x01",
    "two starts": json.dumps(
        {"event": "start", "start": {"streamSid": "MZ" + "1" * 32, "callSid": "CA"}}
    ),
    "odd frame": json.dumps(
        {"event": "media", "media": {"payload": base64.b64encode(bytes(161)).decode()}}
    ),
    "not base64": '{"event": "media", "media": {"payload": "%%%"}}',
    "too long": json.dumps({"event": "media", "media": {"payload": "A" * 30_000}}),
}


def test_only_the_offender_is_closed(server):
    async def scenario():
        async with call(server, "CAgood") as good:
            for offence in OFFENCES.values():
                async with call(server, "CAbad") as bad:
                    await bad.hear()
                    await bad.socket.send(offence)
                    code, _ = await bad.closed()
                    assert code == 1008
                await good.speak(0.1)
                while server.metric("active_calls") > 1:  # until the bad call's process is free
                    await good.speak(0.1)
            assert await good.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())


def test_a_message_of_ten_megabytes_is_refused_unread(server):
    async def scenario():
        async with call(server) as phone:
            await phone.hear()
            with suppress(ConnectionClosed):
                await phone.socket.send("A" * 10_000_000)
            code, _ = await phone.closed()
            assert code == 1009

    asyncio.run(scenario())


def test_a_flood_is_stopped(server):
    async def scenario():
        async with call(server) as phone:
            await phone.hear()
            for _ in range(2000):
                await phone.say(AudioIn(b"\xff" * 160))
            assert await phone.closed() == (1008, "the caller's end broke the protocol")

    asyncio.run(scenario())
    server.wait_for("more than 150 messages a second")


def test_whoever_opens_a_stream_and_says_nothing_is_let_go(server):
    async def scenario():
        async with ring(server) as phone:
            assert await phone.closed(10) == (1008, "no `start` came")

    asyncio.run(scenario())


def test_stop_first_is_refused(server):
    async def scenario():
        async with ring(server) as phone:
            await phone.socket.send('{"event": "stop"}')
            code, reason = await phone.closed()
            assert (code, reason) == (1008, "'stop' out of order: the stream is new")

    asyncio.run(scenario())


def test_a_killed_process_takes_its_own_call_only_and_apologises(server):
    async def scenario():
        async with call(server, "CAone") as one:
            await one.hear()
            async with call(server, "CAtwo") as two:
                await two.hear()
                victim = _pid_of_latest(server)
                heard = len(two.heard)
                os.kill(victim, signal.SIGKILL)
                assert await two.closed() == (1011, "the call's process died")
                assert len(two.heard) > heard + 7 * 20 * 8 - 320  # "Sorry!" and what was under way
            await one.speak(0.3)
            assert await one.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())
    server.wait_for("ended with -9; another takes its place")


def _pid_of_latest(server):
    return int(server.wait_for(r"call began.*CAtwo.*pid=(\d+)")[1])


def test_a_burst_of_garbage_streams_leaves_nothing_behind(server):
    async def one(number):
        async with ring(server, f"CA{number}") as phone:
            await phone.socket.send("x" * number)
            await phone.closed()

    async def scenario():
        for _ in range(10):
            await asyncio.gather(*(one(number + 1) for number in range(10)))
        await asyncio.sleep(0.2)
        return len(os.listdir(f"/proc/{server.process.pid}/fd"))  # noqa: PTH208

    asyncio.run(scenario())
    first = asyncio.run(scenario())
    assert asyncio.run(scenario()) <= first + 2
    assert server.metric("active_calls") == 0


def test_sigterm_lets_calls_end_and_takes_no_more(serve):
    server = serve("--max-calls", "2", "--no-record")

    async def scenario():
        async with call(server, "CAlast") as phone:
            await phone.hear()
            assert server.get("/readyz")[0] == 200
            server.signal(signal.SIGTERM)
            server.wait_for("draining")
            with pytest.raises(HTTPError, match="503"):
                server.get("/readyz")
            assert server.get("/healthz") == (200, "ok")
            async with call(server, "CAlate") as late:
                assert await late.closed() == (1013, "draining")
            await phone.speak(0.3)
            assert server.process.poll() is None
            assert await phone.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())
    assert server.wait() == 0
    assert not server.recordings.exists()


def test_a_second_sigterm_ends_calls_at_once(serve):
    server = serve("--max-calls", "1")

    async def scenario():
        async with call(server) as phone:
            await phone.hear()
            server.signal(signal.SIGTERM)
            server.wait_for("draining")
            server.signal(signal.SIGTERM)
            assert await phone.closed() == (1000, "the server is shutting down")

    asyncio.run(scenario())
    assert server.wait() == 0


def test_calls_end_when_draining_or_talking_takes_too_long(serve):
    server = serve("--max-calls", "1", "--max-duration", "1")

    async def scenario():
        async with call(server) as phone:
            assert await phone.closed() == (1000, "the call lasted too long")

    asyncio.run(scenario())


def test_a_signed_call_comes_through_and_an_unsigned_one_does_not(serve):
    server = serve("--max-calls", "1", token=TOKEN)
    sign = RequestValidator(TOKEN).compute_signature
    form = {"CallSid": "CAsigned", "From": "+15005550006"}
    webhook = Request(server.http + "/voice", urlencode(form).encode())  # noqa: S310
    with pytest.raises(HTTPError, match="403"):
        urlopen(webhook, timeout=5)  # noqa: S310
    webhook.add_header("X-Twilio-Signature", sign(server.http + "/voice", form))
    with urlopen(webhook, timeout=5) as answer:  # noqa: S310
        twiml = answer.read().decode()
    assert f'<Stream url="{server.media}">' in twiml
    token = twiml.split('name="token" value="')[1].split('"')[0]
    signed = {"X-Twilio-Signature": sign(server.media, {})}

    async def scenario():
        with pytest.raises(Exception, match="403"):
            async with ring(server):
                pass
        async with ring(server, "CAsigned", **signed) as phone:
            await phone.begin(token="guess")  # noqa: S106
            assert await phone.closed() == (1008, "unknown token")
        async with ring(server, "CAsigned", **signed) as phone:
            await phone.begin(token=token)
            await phone.hear()
            await phone.hang_up()

    asyncio.run(scenario())
    assert "usually --public-url" in server.log or server.wait_for("usually --public-url")
    assert TOKEN not in server.log
    assert token not in server.log


def test_unsigned_calls_are_for_this_computer_only(server):
    async def scenario():
        for headers in ({"Host": "abc.ngrok.app"}, {"Origin": "https://page.example"}):
            with pytest.raises(Exception, match=r"40[03]"):
                async with ring(server, **headers):
                    pass

    asyncio.run(scenario())
    elsewhere = Request(server.http + "/voice", headers={"Host": "abc.ngrok.app"})  # noqa: S310
    with pytest.raises(HTTPError, match="400"):
        urlopen(elsewhere, timeout=5)  # noqa: S310
    assert "unsigned calls are taken" in server.log


def test_figures_are_out_of_the_callers_reach_once_the_server_is_public(serve):
    server = serve("--max-calls", "1", "--public-url", "https://agent.example",
                   "--operators", "0", token=TOKEN)  # fmt: skip
    for path in ("/metrics", "/healthz", "/readyz"):
        with pytest.raises(HTTPError, match="404"):
            server.get(path)
    figures = server.wait_for(r"metrics=(http://127\.0\.0\.1:\d+/metrics)")[1]
    with urlopen(figures, timeout=5) as answer:  # noqa: S310
        assert b"voicecli_active_calls" in answer.read()
    with urlopen(figures.replace("metrics", "readyz"), timeout=5) as answer:  # noqa: S310
        assert answer.read() == b"ready"


def test_a_port_in_use_is_one_sentence(server, serve):
    with pytest.raises(AssertionError, match=r"cannot listen on .* choose another --port"):
        serve("--port", str(server.port))
