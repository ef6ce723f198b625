"""Whoever can reach the port tries to take the number down: real connections to a real server."""

import asyncio
import gc
import os
import re
import signal
import threading
import time
from contextlib import AsyncExitStack, asynccontextmanager, contextmanager, suppress
from pathlib import Path
from urllib.error import HTTPError
from urllib.parse import urlsplit
from urllib.request import Request, urlopen

import pytest
from websockets.exceptions import ConnectionClosed
from websockets.frames import Frame, Opcode

from tests.voicecli.serve.conftest import PROFILE, TOKEN, Server, call, ring
from tests.waiting import wait_for
from voicecli.profile import load_profile
from voicecli.serve import plan as plans
from voicecli.serve.door import network_of
from voicecli.serve.server import CallServer, Stage
from voicecli.serve.settings import Limits

pytestmark = pytest.mark.realtime

QUICK = {"request_s": 0.5, "start_s": 0.5, "send_s": 0.5, "max_waiting": 20, "max_calls": 2}
"""So that nobody waits for long."""


class Here(Server):
    """The same server on a thread of ours, with limits that the command line does not offer."""

    def __init__(self, folder, **limits):
        (folder / "brief.toml").write_text(PROFILE)
        plan = plans.plan_server(plans.Request(port=0, limits=Limits(**{**QUICK, **limits})))
        self._server = CallServer(plan, load_profile(str(folder / "brief.toml")))
        run = self._server.run(signals=False)
        self._thread = threading.Thread(target=asyncio.run, args=(run,))
        self._thread.start()
        assert wait_for(lambda: self._server.stage is not Stage.LOADING)
        self.port = urlsplit(self._server.routes.settings.url).port

    def stop(self):
        self._server.stop()
        self._server.stop()
        self._thread.join(20)
        assert not self._thread.is_alive()


@pytest.fixture(scope="module")
def quick(tmp_path_factory):
    with pytest.MonkeyPatch.context() as patch:
        patch.delenv("TWILIO_AUTH_TOKEN", raising=False)
        running = Here(tmp_path_factory.mktemp("quick"))
    yield running
    running.stop()


@asynccontextmanager
async def connection(server, address="127.0.0.1"):
    """Bytes to and from the port, from an address of this computer."""
    reader, writer = await asyncio.open_connection(
        "127.0.0.1", server.port, local_addr=(address, 0)
    )
    try:
        yield reader, writer
    finally:
        writer.transport.abort()


async def until_gone(reader, seconds=5):
    """What still comes before the server ends the connection."""
    came = b""
    async with asyncio.timeout(seconds):
        with suppress(ConnectionError):
            while chunk := await reader.read(65_536):
                came += chunk
    return came


def cuts(server):
    _, page = server.get("/metrics")
    return {
        why: float(n) for why, n in re.findall(r'connections_cut_total{why="(\w+)"} (\S+)', page)
    }


POST = b"POST /voice HTTP/1.1\r\nHost: localhost\r\n"
GET = b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n"
UPGRADE = (
    b"GET /media HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
)


@pytest.mark.parametrize(
    ("at_once", "drop_by_drop"),
    [
        (b"", b""),
        (b"", b"GET /healthz HTTP/1.1\r\nX-Slow: " + b"a" * 1000),
        (POST + b"X-Slow: ", b"a" * 1000),
        (POST + b"Content-Length: 1000\r\n\r\n", b"a" * 999),
        (POST + b"Content-Length: 1000000000000\r\n\r\n", b""),
        (POST + b"Content-Length: 100\r\nExpect: 100-continue\r\n\r\n", b""),
        (UPGRADE + b"".join(b"X-%d: 1\r\n" % n for n in range(129)) + b"\r\n", b""),
        (UPGRADE + b"X-Long: " + b"a" * 9000 + b"\r\n\r\n", b""),
        (UPGRADE + b"\r\n", b""),
    ],
    ids=[
        "nothing", "slow head", "slow header", "slow body", "no body", "waits to continue",
        "a handshake of too many headers", "a handshake of too long a header", "no start",
    ],
)  # fmt: skip
def test_whoever_takes_too_long_is_cut(quick, at_once, drop_by_drop):
    async def scenario():
        began = time.monotonic()
        async with connection(quick) as (reader, writer):
            gone = asyncio.create_task(until_gone(reader))
            writer.write(at_once)
            for byte in drop_by_drop:
                if gone.done():
                    break
                writer.write(bytes([byte]))
                await asyncio.sleep(0.02)
            await gone
        return time.monotonic() - began

    assert asyncio.run(scenario()) > 0.3
    assert quick.get("/healthz") == (200, "ok")


def test_looking_for_the_garbage_of_connections_holds_no_call_up(quick):
    """They come and go as fast as they can; a call's frames are due every 20 ms."""

    async def come_and_go():
        for _ in range(500):
            async with connection(quick):
                pass

    asyncio.run(come_and_go())
    before = time.thread_time()
    gc.collect()
    assert time.thread_time() - before < 0.02


@pytest.mark.parametrize(
    ("sent", "status"),
    [
        (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(range(256)) * 2, b"400"),
        (POST + b"Transfer-Encoding: chunked\r\n\r\n" + b"1\r\na\r\n" * 100, b"400"),
        (POST + b"X-Long: " + b"a" * 200_000 + b"\r\n\r\n", b"400"),
        (POST + b"a:b\r\n" * 40_000 + b"\r\n", b"400"),
        (b"\x00" * 100_000, b"400"),
        (POST + b"Content-Length: 1000000\r\n\r\n" + b"a" * 70_000, b"413"),
        (POST + b"Content-Length: 60000\r\n\r\n" + b"a&" * 30_000, b"413"),
        (POST + b"Content-Length: -1\r\n\r\n", b"400"),
        (POST + b"Content-Length: 1\r\nContent-Length: 2\r\n\r\n", b"400"),
    ],
    ids=[
        "TLS", "chunks without end", "a long header", "many headers", "zeros", "a long body",
        "many fields", "less than nothing", "two lengths",
    ],
)  # fmt: skip
def test_what_is_too_much_is_refused_at_once(quick, sent, status):
    slow = cuts(quick).get("slow", 0)

    async def scenario():
        async with connection(quick) as (reader, writer):
            writer.write(sent)
            return await until_gone(reader)

    answer = asyncio.run(scenario())
    # Whoever still sends while we close may find the connection reset instead of an answer.
    assert answer.split()[1:2] == [status] or not answer
    assert cuts(quick).get("slow", 0) == slow
    assert quick.get("/healthz") == (200, "ok")


def test_a_connection_is_good_for_one_request(quick):
    async def scenario():
        async with connection(quick) as (reader, writer):
            writer.write(GET * 500)
            return await until_gone(reader)

    answer = asyncio.run(scenario())
    assert answer.count(b"HTTP/1.1 200") == 1
    assert b"connection: close" in answer


def test_a_request_that_ends_half_way_is_gone_at_once(quick):
    slow = cuts(quick).get("slow", 0)

    async def scenario():
        async with connection(quick) as (reader, writer):
            writer.write(POST)
            writer.write_eof()
            return await until_gone(reader)

    assert asyncio.run(scenario()) == b""
    assert cuts(quick).get("slow", 0) == slow


def test_a_crowd_neither_disturbs_a_call_nor_keeps_out_another(quick):
    before = cuts(quick).get("crowd", 0)

    async def scenario():
        async with call(quick, "CAgood") as good, AsyncExitStack() as crowd:
            await good.hear()
            for _ in range(300):
                await crowd.enter_async_context(connection(quick))
            async with call(quick, "CAlate") as late:
                await late.hear()
                assert await asyncio.to_thread(quick.get, "/healthz") == (200, "ok")
                await asyncio.gather(good.speak(0.2), late.speak(0.2))
                assert await late.hang_up() == (1000, "the caller hung up")
            assert await good.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())
    assert cuts(quick)["crowd"] - before >= 250


def test_streams_without_a_call_neither_keep_out_another(quick):
    async def scenario():
        async with AsyncExitStack() as crowd:
            for _ in range(60):
                await crowd.enter_async_context(ring(quick))
            async with call(quick, "CAthrough") as phone:
                await phone.hear()
                await phone.speak(1)  # the crowd's time is over
                assert await phone.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())


def test_whoever_brings_the_crowd_pays_for_it(quick):
    async def scenario():
        async with connection(quick, "127.0.0.2") as (reader, _), AsyncExitStack() as crowd:
            gone = asyncio.create_task(until_gone(reader))
            first, _ = await crowd.enter_async_context(connection(quick, "127.0.0.3"))
            firsts_end = asyncio.create_task(until_gone(first))
            for _ in range(60):
                await crowd.enter_async_context(connection(quick, "127.0.0.3"))
            await firsts_end
            assert not gone.done()

    asyncio.run(scenario())


@pytest.mark.parametrize(
    ("peer", "network"),
    [
        (("192.0.2.7", 5), "192.0.2.7"),
        (("2001:db8:1:2:3:4:5:6", 5, 0, 0), "2001:db8:1:2::/64"),
        (("2001:db8:1:2::9", 5, 0, 0), "2001:db8:1:2::/64"),
        (("fe80::1%eth0", 5, 0, 2), "fe80::/64"),
        (("::ffff:192.0.2.7", 5, 0, 0), "192.0.2.7"),
        (None, ""),
        ("/run/socket", ""),
    ],
)
def test_an_address_is_whom_one_could_rent_it_from(peer, network):
    assert network_of(peer) == network


# --- descriptors and the log --------------------------------------------------------------------


def test_a_thousand_connections_leave_descriptors_for_calls(serve):
    """With as few as this, the accept loop used to spin and no process could be replaced."""
    server = serve("--max-calls", "2", "--no-record", descriptors=96)

    async def scenario():
        async with call(server, "CAgood") as good, AsyncExitStack() as crowd:
            await good.hear()
            for _ in range(1000):
                with suppress(ConnectionError):
                    await crowd.enter_async_context(connection(server))
            assert len(os.listdir(f"/proc/{server.process.pid}/fd")) < 96  # noqa: PTH208
            async with call(server, "CAvictim") as victim:
                await victim.hear()
                os.kill(int(server.wait_for(r"CAvictim.*pid=(\d+)")[1]), signal.SIGKILL)
                assert await victim.closed() == (1011, "the call's process died")
            await _idle(server)
            assert await good.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())
    server.signal(signal.SIGTERM)
    server.wait()
    assert len(server.log) < 10_000


async def _idle(server):
    """Until the killed process has been replaced: a call is taken again, and held to its end."""
    async with asyncio.timeout(30):
        while True:
            with suppress(AssertionError, ConnectionClosed):
                async with call(server, "CAprobe") as probe:
                    await probe.hear()
                    await probe.hang_up()
                    return
            await asyncio.sleep(0.05)


def test_descriptors_are_raised_to_what_the_system_gives(server):
    limits = Path(f"/proc/{server.process.pid}/limits").read_text()
    soft, hard = re.search(r"Max open files +(\d+) +(\d+)", limits).groups()
    assert soft == hard


def test_outsiders_do_not_fill_the_log(serve):
    server = serve("--max-calls", "1", "--public-url", "https://agent.example",
                   "--operators", "0", token=TOKEN)  # fmt: skip
    for _ in range(60):
        with pytest.raises(HTTPError, match="403"):
            urlopen(Request(server.http + "/voice", b"CallSid=CA1"), timeout=5)  # noqa: S310
    figures = server.wait_for(r"metrics=(http://127\.0\.0\.1:\d+/metrics)")[1]
    with urlopen(figures, timeout=5) as answer:  # noqa: S310
        page = answer.read().decode()
    assert "voicecli_log_lines_left_out_total 40.0" in page
    assert 'voicecli_refused_total{reason="signature"} 60.0' in page
    server.signal(signal.SIGTERM)
    server.wait()
    assert server.log.count("usually --public-url") == 20


# --- below the messages -------------------------------------------------------------------------


def frame(opcode, data=b"", *, fin=True):
    return Frame(opcode, data, fin).serialize(mask=True)


EMPTY = frame(Opcode.CONT, fin=False)
FLOODS = {
    "empty continuations": frame(Opcode.TEXT, fin=False) + EMPTY * 20_000,
    "pings": frame(Opcode.PING, b"x" * 125) * 20_000,
    "pongs": frame(Opcode.PONG) * 20_000,
    "texts of nothing": frame(Opcode.TEXT) * 20_000,
    "bytes of nothing": frame(Opcode.BINARY) * 20_000,
    "tiny messages": frame(Opcode.TEXT, b"{}") * 20_000,
    "events nobody knows": frame(Opcode.TEXT, b'{"event":"x"}') * 20_000,
    "pieces of a message": frame(Opcode.TEXT, b"a", fin=False)
    + frame(Opcode.CONT, b"a" * 100, fin=False) * 20_000,
    "large messages": frame(Opcode.TEXT, b"a" * 65_000) * 100,
}


@pytest.mark.parametrize("flood", FLOODS.values(), ids=FLOODS)
def test_a_flood_of_frames_ends_its_own_connection(server, flood):
    async def scenario():
        async with call(server, "CAgood") as good:
            await good.hear()
            before = _cpu_s(server)
            async with call(server, "CAbad") as bad:
                await bad.hear()
                bad.socket.transport.write(flood)
                with suppress(ConnectionClosed):
                    await bad.socket.wait_closed()
                assert bad.socket.close_code in {1006, 1008, 1009}
            assert _cpu_s(server) - before < 1
            await good.speak(0.1)
            assert await good.hang_up() == (1000, "the caller hung up")
        await _idle(server)

    asyncio.run(scenario())


def _cpu_s(server):
    fields = Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


@pytest.mark.parametrize("flood", ["pings", "tiny messages"])
def test_a_flood_before_the_call_begins_ends_it_too(server, flood):
    async def scenario():
        async with ring(server) as bad:
            bad.socket.transport.write(FLOODS[flood])
            await asyncio.wait_for(bad.socket.wait_closed(), 2)

    asyncio.run(scenario())


def test_whoever_asks_for_pongs_and_reads_none_is_cut(tmp_path, monkeypatch):
    monkeypatch.delenv("TWILIO_AUTH_TOKEN", raising=False)
    patient = Here(tmp_path, messages_per_s=1e9, bytes_per_s=1e9)  # no flood is too much

    async def scenario():
        async with ring(patient) as bad:
            await bad.begin()
            await bad.hear()
            bad.socket.transport.pause_reading()
            try:
                async with asyncio.timeout(10):
                    while "unread" not in await asyncio.to_thread(cuts, patient):
                        bad.socket.transport.write(FLOODS["pings"])
                        await asyncio.sleep(0.05)
            finally:
                bad.socket.transport.abort()

    with closing_server(patient):
        asyncio.run(scenario())


@contextmanager
def closing_server(server):
    try:
        yield
    finally:
        server.stop()


def test_garbage_around_a_close_is_no_error_of_ours(serve):
    server = serve("--max-calls", "1", "--no-record")
    close, not_text = frame(Opcode.CLOSE), frame(Opcode.TEXT, b"\xff")
    sent = [
        UPGRADE + b"\r\n" + not_text,
        (UPGRADE + b"\r\n", b"\xff" * 20),
        (UPGRADE + b"\r\n", frame(Opcode.TEXT, b"}{") + not_text * 2),
        (UPGRADE + b"\r\n", not_text * 3),
        (UPGRADE + b"\r\n", not_text + close),
        (UPGRADE + b"\r\n", close + not_text),
        (UPGRADE.replace(b"/media", b"/nothing") + b"\r\n", not_text),
        (POST + b"Content-Length: 100\r\n\r\n", b"Call"),
    ]

    async def scenario():
        for parts in sent * 3:
            async with connection(server) as (_, writer):
                with suppress(ConnectionError):
                    for part in parts if isinstance(parts, tuple) else (parts,):
                        writer.write(part)
                        await writer.drain()
                        await asyncio.sleep(0.01)

    asyncio.run(scenario())
    assert server.get("/healthz") == (200, "ok")
    server.signal(signal.SIGTERM)
    assert server.wait() == 0
    assert "Fatal error" not in server.log
    assert "Exception in" not in server.log


@pytest.mark.parametrize("goes_on", [b"", frame(Opcode.PING) + frame(Opcode.TEXT)])
def test_whoever_does_not_go_when_told_is_cut(quick, goes_on):
    """uvicorn reads on for ten seconds after its own close."""

    async def scenario():
        async with connection(quick) as (reader, writer):
            writer.write(UPGRADE + b"\r\n")
            await reader.readuntil(b"\r\n\r\n")
            writer.write(frame(Opcode.TEXT, b"}{"))
            head = await reader.readexactly(2)
            assert head[0] == 0x80 | Opcode.CLOSE
            gone, began = asyncio.create_task(until_gone(reader)), time.monotonic()
            while not gone.done():
                writer.write(goes_on)
                await asyncio.sleep(0.02)
        return time.monotonic() - began

    assert 0.3 < asyncio.run(scenario()) < 5
