"""Prints what good calls notice while somebody attacks the port.

    .venv/bin/python -m benchmarks.attack                        every attack in turn
    .venv/bin/python -m benchmarks.attack idle 'pings unread'    some of them

Each attack has a fresh server with scripted engines, room for four calls more than the good ones
(attackers make calls, too), and a process of its own that uses what the others leave of the cores.
"""

import argparse
import asyncio
import os
import re
import resource
import subprocess
import sys
import time
from collections.abc import Awaitable, Callable
from contextlib import suppress
from pathlib import Path
from urllib.request import urlopen

from websockets.frames import Frame, Opcode

from benchmarks.serve import HTTP, PORT, URL, Server
from pipelines.latency import percentile
from pipelines.turn_taking.time import to_ms
from voicecli.carriers.leg import LegStarted
from voicecli.carriers.twilio.codec import CallerEnd
from voicecli.dial.report import DURATIONS, NUMBERS
from voicecli.dial.run import Plan, run_plan
from voicecli.dial.script import open_script

_BEFORE_S = 4.0
"""From the first good call to the attack."""

_USUAL = 1024
"""Descriptors that a shell lets its programs open, on most systems."""

Attack = Callable[[], Awaitable[None]]


_TARGET = ["127.0.0.1", PORT]
_HEAD = b"POST /voice HTTP/1.1\r\nHost: localhost\r\n"
_UPGRADE = (
    b"GET /media HTTP/1.1\r\nHost: localhost\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n"
    b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n"
)


def _frame(opcode: Opcode, data: bytes = b"", *, fin: bool = True) -> bytes:
    return Frame(opcode, data, fin).serialize(mask=True)


async def _until_gone(reader: asyncio.StreamReader) -> None:
    with suppress(OSError):
        while await reader.read(65_536):
            pass


def _drops(first: bytes, wait_s: float = 1.0) -> Attack:
    """Say this, then a byte in a while, until cut."""

    async def attack() -> None:
        reader, writer = await asyncio.open_connection(*_TARGET)
        writer.write(first)
        gone = asyncio.create_task(_until_gone(reader))
        while not gone.done():
            await asyncio.wait([gone], timeout=wait_s)
            if first:
                writer.write(b"a")
        writer.transport.abort()

    return attack


def _says(first: bytes, again: bytes = b"") -> Attack:
    """Say this and, if there is more, that again and again, until cut."""

    async def attack() -> None:
        reader, writer = await asyncio.open_connection(*_TARGET)
        gone = asyncio.create_task(_until_gone(reader))
        writer.write(first)
        while again and not gone.done():
            writer.write(again)
            await writer.drain()
            await asyncio.sleep(0)
        await gone
        writer.transport.abort()

    return attack


async def _comes_and_goes() -> None:
    _, writer = await asyncio.open_connection(*_TARGET)
    writer.transport.abort()


def _floods(first: bytes, again: bytes, *, reads: bool = True) -> Attack:
    """Begin a call and send these frames until cut."""

    async def attack() -> None:
        reader, writer = await asyncio.open_connection(*_TARGET)
        try:
            writer.write(_UPGRADE)
            await reader.readuntil(b"\r\n\r\n")
            for message in CallerEnd("MZ" + "1" * 32, "AC1").send(LegStarted("CAbad")):
                writer.write(_frame(Opcode.TEXT, message.encode()))
            gone = asyncio.create_task(_until_gone(reader)) if reads else None
            writer.write(first)
            while gone is None or not gone.done():
                writer.write(again)
                await writer.drain()
                await asyncio.sleep(0)
        finally:
            writer.transport.abort()

    return attack


ATTACKS: dict[str, tuple[int, Attack]] = {
    "idle": (1500, _drops(b"")),
    "slow heads": (500, _drops(_HEAD + b"X: ")),
    "slow bodies": (500, _drops(_HEAD + b"Content-Length: 1000\r\n\r\n")),
    "huge lengths": (20, _says(_HEAD + b"Content-Length: 1000000000\r\n\r\n", b"a" * 65_536)),
    "endless chunks": (20, _says(_HEAD + b"Transfer-Encoding: chunked\r\n\r\n",
                                 b"1\r\na\r\n" * 9999)),
    "long heads": (20, _says(_HEAD + b"a:b\r\n" * 40_000)),
    "pipelined": (20, _says(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n" * 1000)),
    "requests": (20, _says(_HEAD + b"Connection: close\r\nContent-Length: 11\r\n\r\nCallSid=CA1")),
    "many fields": (20, _says(_HEAD + b"Connection: close\r\nContent-Length: 60000\r\n\r\n"
                              + b"a&" * 30_000)),
    "TLS hellos": (20, _says(b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + bytes(500))),
    "come and go": (20, _comes_and_goes),
    "empty continuations": (4, _floods(_frame(Opcode.TEXT, fin=False),
                                       _frame(Opcode.CONT, fin=False) * 10_000)),
    "pings unread": (4, _floods(b"", _frame(Opcode.PING, b"x" * 125) * 500, reads=False)),
    "texts of nothing": (4, _floods(b"", _frame(Opcode.TEXT) * 10_000)),
    "tiny messages": (4, _floods(b"", _frame(Opcode.TEXT, b"{}") * 10_000)),
    "large messages": (4, _floods(b"", _frame(Opcode.TEXT, b"a" * 65_000) * 4)),
    "one endless message": (4, _floods(_frame(Opcode.TEXT, b"a", fin=False),
                                       _frame(Opcode.CONT, b"a", fin=False) * 9000)),
    "after our close": (4, _floods(_frame(Opcode.TEXT, b"}{"), _frame(Opcode.PING) * 10_000)),
}  # fmt: skip
"""How many at once, and what each of them does again and again."""


async def _attack(name: str, seconds: float) -> None:
    number, once = ATTACKS[name]

    async def again() -> None:
        while True:
            with suppress(OSError, EOFError, asyncio.IncompleteReadError):
                await once()
            await asyncio.sleep(0.01)

    tasks = [asyncio.create_task(again()) for _ in range(number)]
    await asyncio.wait(tasks, timeout=seconds)
    os._exit(0)  # whatever is still connected is gone with us


async def _reach(seconds: float) -> tuple[int, float]:
    """How often nobody answered /healthz within 2 s, and the longest that one answer took."""
    missed, longest, end = 0, 0.0, time.monotonic() + seconds
    while time.monotonic() < end:
        began = time.monotonic()
        try:
            await asyncio.to_thread(lambda: urlopen(f"{HTTP}/healthz", timeout=2).read())  # noqa: S310
            longest = max(longest, time.monotonic() - began)
        except OSError:
            missed += 1
        await asyncio.sleep(0.25)
    return missed, longest


async def _calls(name: str, calls: int, seconds: float):
    plan = Plan(URL, open_script("plain_turns"), "clean", calls=calls, ramp_s=2, max_s=seconds)
    good = asyncio.create_task(run_plan(plan, None))
    await asyncio.sleep(_BEFORE_S)
    lasts = seconds - _BEFORE_S - 1
    attacker = None
    if name in ATTACKS:
        command = [sys.executable, "-m", "benchmarks.attack", "--attack", name,
                   "--port", str(PORT), "--seconds", str(lasts)]  # fmt: skip
        attacker = subprocess.Popen(command)
    missed, longest = await _reach(lasts)
    results = await good
    if attacker is not None:
        attacker.wait()
    return results, missed, longest


def _row(name: str, calls: int, seconds: float) -> str:
    server = Server("scripted", calls + 4)
    pid = server.process.pid
    before, cpu = _rss_mb(pid, "VmRSS"), server.cpu_s(own=True)
    results, missed, longest = asyncio.run(_calls(name, calls, seconds))
    peak, cpu = _rss_mb(pid, "VmHWM"), server.cpu_s(own=True) - cpu
    written = server.log.stat().st_size / 1e6
    server.stop()
    keys = ("voice_to_voice", "frame_lateness", "own_lateness")
    voice, late, own = (DURATIONS[key](results) for key in keys)
    shares = (50, 95) if voice else ()
    latency = " / ".join(f"{to_ms(percentile(voice, share)):.0f}" for share in shares)
    reached = f"{missed} missed" if missed else f"{longest * 1000:.0f} ms"
    return (
        f"| {name} | {NUMBERS['failed'](results)} | {NUMBERS['underruns'](results)} "
        f"| {latency or '-'} | {_p99(late)} | {_p99(own)} "
        f"| {before:.0f} → {peak:.0f} | {100 * cpu / seconds:.0f} % | {written:.2f} | {reached} |"
    )


def _p99(durations) -> str:
    return f"{to_ms(percentile(durations, 99)):.0f}" if durations else "-"


def _rss_mb(pid: int, what: str) -> float:
    status = Path(f"/proc/{pid}/status").read_text()
    return int(re.search(rf"^{what}:\s+(\d+)", status, re.MULTILINE)[1]) / 1024  # type: ignore[index]


def main() -> None:
    """Attack, or measure."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("names", nargs="*", metavar="attack", help=", ".join(ATTACKS))
    parser.add_argument("--calls", type=int, default=20)
    parser.add_argument("--seconds", type=float, default=20)
    parser.add_argument("--attack", choices=ATTACKS, help=argparse.SUPPRESS)
    parser.add_argument("--port", type=int, help=argparse.SUPPRESS)
    options = parser.parse_args()
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if options.attack:
        _TARGET[1] = options.port
        resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
        os.sched_setscheduler(0, os.SCHED_IDLE, os.sched_param(0))
        asyncio.run(_attack(options.attack, options.seconds))
        return
    resource.setrlimit(resource.RLIMIT_NOFILE, (_USUAL, hard))
    print(f"{options.calls} good calls of {options.seconds:g} s; ms, MB, percent of a core")
    print("| attack | failed | underruns | voice to voice p50 / p95 | lateness p99 | dial's own "
          "| memory of the server | its CPU | log | /healthz at worst |")  # fmt: skip
    print("|---|---|---|---|---|---|---|---|---|---|")
    for name in options.names or ("none", *ATTACKS):
        print(_row(name, options.calls, options.seconds), flush=True)


if __name__ == "__main__":
    main()
