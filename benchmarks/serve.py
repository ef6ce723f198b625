#!/usr/bin/env python3
"""Measures `voicecli serve` from outside, as docs/benchmarks/server.md shows it.

    .venv/bin/python -m benchmarks.serve load 1 10 50         scripted engines, calls at once
    .venv/bin/python -m benchmarks.serve embedded --calls 3   embedded engines
    .venv/bin/python -m benchmarks.serve outcomes             a killed process, a SIGTERM

Server and callers share this machine's cores: what the callers need is part of the load, and is
told apart. Other work disturbs lateness; on Linux this, as root, keeps it away:

    setsid -w sh -c 'echo -20 >/proc/self/autogroup; exec .venv/bin/python -m benchmarks.serve …'
"""

import argparse
import asyncio
import dataclasses
import os
import re
import signal
import socket
import subprocess
import sys
import time
from collections import Counter
from contextlib import suppress
from pathlib import Path
from tempfile import TemporaryDirectory
from urllib.error import URLError
from urllib.request import urlopen

from pipelines.latency import percentile
from pipelines.turn_taking.time import to_ms
from voicecli.dial.report import DURATIONS, NUMBERS
from voicecli.dial.run import Plan, run_plan
from voicecli.dial.script import open_script

with socket.socket() as unused:
    unused.bind(("127.0.0.1", 0))
    PORT = unused.getsockname()[1]
HTTP = f"http://127.0.0.1:{PORT}"
URL = f"ws://127.0.0.1:{PORT}/media"
SCRIPTED = """
name = "scripted, 8 kHz"
[agent]
greeting = "Hello, how can I help?"
[vad]
engine = "scripted"
sample_rate = 8000 # as in the embedded profile: what a phone line delivers
latency_ms = 0
[asr]
engine = "scripted"
[llm]
engine = "scripted"
[tts]
engine = "scripted"
[turn_detectors.scripted]
probabilities = [0.9]
"""


class Server:
    """`voicecli serve --insecure` as a child process."""

    def __init__(self, profile: str, calls: int, *options: str) -> None:
        started = time.monotonic()
        self._folder = TemporaryDirectory()
        if profile == "scripted":
            profile = f"{self._folder.name}/scripted.toml"
            Path(profile).write_text(SCRIPTED)
        command = [sys.executable, "-m", "voicecli.cli", "serve", "--insecure",
                   "--no-record", "-p", profile, "--max-calls", str(calls),
                   "--port", str(PORT), *options]  # fmt: skip
        self.log = Path(self._folder.name) / "log"
        with self.log.open("w") as out:
            self.process = subprocess.Popen(command, stdout=out, stderr=subprocess.STDOUT)
        while " ready " not in self.log.read_text():
            if self.process.poll() is not None:
                sys.exit(f"the server does not start:\n{self.log.read_text()}")
            time.sleep(0.02)
        self.load_s = time.monotonic() - started

    def family(self) -> list[int]:
        """Process ids of the server and everything below it."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += map(int, task.read_text().split())
        return found

    def call_processes(self) -> list[int]:
        """Process ids of those that carry calls: children of the fork server."""
        forkserver = next(pid for pid in self.family()[1:] if "forkserver" in _command(pid))
        return [pid for pid in self.family() if _parent(pid) == forkserver]

    def memory_mb(self) -> float:
        """Without pages of files, which any process may share; forked pages count once."""
        total = 0
        for pid in self.family():
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            total += int(re.search(r"^Pss_Anon:\s+(\d+)", rollup, re.MULTILINE)[1])  # type: ignore[index]
        return total / 1024

    def cpu_s(self, *, own: bool = False) -> float:
        """Processor time so far: of all, or only of the process that holds the WebSockets."""
        ticks = 0
        for pid in [self.process.pid] if own else self.family():
            fields = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
            ticks += int(fields[11]) + int(fields[12])
        return ticks / os.sysconf("SC_CLK_TCK")

    def on_time(self) -> float:
        """Percent of the frames that left their call's process within 5 ms of being due."""
        with urlopen(f"{HTTP}/metrics", timeout=5) as page:  # noqa: S310 - our own server
            text = page.read().decode()
        name = "voicecli_frame_lateness_seconds"
        within = re.search(rf'^{name}_bucket{{le="0.005"}} (\S+)$', text, re.MULTILINE)
        count = re.search(rf"^{name}_count (\S+)$", text, re.MULTILINE)
        return 100 * float(within[1]) / float(count[1])  # type: ignore[index]

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(60)
        self._folder.cleanup()


def _command(pid: int) -> str:
    return Path(f"/proc/{pid}/cmdline").read_text()


def _parent(pid: int) -> int:
    """0 if the process has ended meanwhile."""
    try:
        return int(Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[1])
    except FileNotFoundError:
        return 0


def figures(results, *names: str) -> str:
    """Some metrics in one line."""
    parts = []
    for name in names:
        values = DURATIONS[name](results)
        shares = (f"{to_ms(percentile(values, share)):.1f}" for share in (50, 90, 99))
        parts.append(f"{name} {' / '.join(shares) if values else '-'}")
    return "; ".join(parts)


def _go_first() -> None:
    """Real phones do not wait for the server's cores; only root may put ours before it."""
    with suppress(PermissionError):
        os.setpriority(os.PRIO_PROCESS, 0, -10)


def load(counts: list[int], seconds: float, ramp: float) -> None:
    """Scripted engines, this many calls at once."""
    print("p50 / p90 / p99 in ms; CPU and memory a call, in percent of a core and MB")
    script = open_script("plain_turns")
    for count in counts:
        server = Server("scripted", count)
        _go_first()
        idle_mb = server.memory_mb()
        before, own, phones = server.cpu_s(), server.cpu_s(own=True), time.process_time()
        began = time.monotonic()
        plan = Plan(URL, script, "clean", calls=count, ramp_s=ramp, max_s=seconds)
        results = asyncio.run(run_plan(plan, None))
        share = 100 / count / (time.monotonic() - began)
        cpu, relay = server.cpu_s() - before, server.cpu_s(own=True) - own
        times = figures(results, "frame_lateness", "frame_jitter", "own_lateness", "greeting")
        print(
            f"{count:4} calls: {times}; "
            f"{server.on_time():.1f} % of frames within 5 ms; "
            f"underruns {NUMBERS['underruns'](results)}; failed {NUMBERS['failed'](results)}; "
            f"{figures(results, 'voice_to_voice')}; "
            f"CPU call process {(cpu - relay) * share:.2f}, relay {relay * share:.2f}, "
            f"phone {(time.process_time() - phones) * share:.2f}; "
            f"memory {idle_mb / count:.0f} idle, {server.memory_mb() / count:.0f} after; "
            f"loaded in {server.load_s:.1f} s", flush=True,
        )  # fmt: skip
        _show_problems(results)
        server.stop()


def _show_problems(results) -> None:
    for problem, often in Counter(result.problem for result in results).most_common():
        if problem:
            print(f"     {often} failed: {problem}", flush=True)


def embedded(call: str, seconds: float, calls: int, profile: str) -> None:
    """Calls with real engines, five seconds apart."""
    server = Server(profile, calls)
    before, began = server.cpu_s(), time.monotonic()
    ramp_s = 5.0 * calls
    plan = Plan(URL, open_script(call), "clean", calls=calls, ramp_s=ramp_s, max_s=seconds)
    results = asyncio.run(run_plan(plan, None))
    wall = time.monotonic() - began
    measured = figures(results, "voice_to_voice", "greeting", "frame_lateness")
    print(
        f"{profile}, {calls} of {call}: {measured} ms; "
        f"{', '.join(f'{name} {value(results)}' for name, value in NUMBERS.items())}; "
        f"CPU {(server.cpu_s() - before) / wall * 100:.0f} % of a core in all; "
        f"memory {server.memory_mb():.0f} MB; loaded in {server.load_s:.1f} s"
    )
    server.stop()


def outcomes(count: int) -> None:
    """What becomes of calls when a process is killed, and when the server is told to end."""
    asyncio.run(_killed(Server("scripted", count), count))
    asyncio.run(_drained(Server("scripted", count), count))


async def _killed(server: Server, count: int) -> None:
    plan = Plan(URL, open_script("plain_turns"), "clean", calls=count, max_s=10)
    calls = asyncio.create_task(run_plan(plan, None))
    await asyncio.sleep(5)
    before = set(server.call_processes())
    os.kill(next(iter(before)), signal.SIGKILL)
    killed = time.monotonic()
    while len(set(server.call_processes()) - before) == 0:
        await asyncio.sleep(0.02)
    replaced = time.monotonic() - killed
    results = await calls
    hit = [result for result in results if result.problem]
    rest = [result for result in results if not result.problem]
    seconds = (f"{result.dialled.duration / 1e9:.1f}" for result in hit if result.dialled)
    print(
        f"kill -9 of one of {count} processes after 5 s: {len(hit)} call(s) ended after "
        f"{', '.join(seconds)} s ({'; '.join(result.problem for result in hit)}); "
        f"a new process after {replaced:.2f} s; the others: failed {NUMBERS['failed'](rest)}, "
        f"underruns {NUMBERS['underruns'](rest)}", flush=True,
    )  # fmt: skip
    server.stop()


async def _drained(server: Server, count: int) -> None:
    plan = Plan(URL, open_script("plain_turns"), "clean", calls=count - 1, max_s=10)
    calls = asyncio.create_task(run_plan(plan, None))
    await asyncio.sleep(4)
    server.process.terminate()
    await asyncio.sleep(0.3)
    try:
        ready = await asyncio.to_thread(lambda: urlopen(f"{HTTP}/readyz", timeout=5).status)  # noqa: S310
    except URLError as error:
        ready = getattr(error, "code", error)
    (late,) = await run_plan(dataclasses.replace(plan, calls=1, max_s=3), None)
    results = await calls
    ended = time.monotonic()
    code = await asyncio.to_thread(server.process.wait, 60)
    print(
        f"SIGTERM during {count - 1} calls: readyz {ready}; a new call: {late.problem}; "
        f"those under way: failed {NUMBERS['failed'](results)}, "
        f"underruns {NUMBERS['underruns'](results)}; "
        f"exit code {code}, {time.monotonic() - ended:.1f} s after the last call", flush=True,
    )  # fmt: skip


def main() -> None:
    """Run one of the measurements."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    commands = parser.add_subparsers(dest="command", required=True)
    of_load = commands.add_parser("load")
    of_load.add_argument("calls", nargs="+", type=int)
    of_load.add_argument("--seconds", type=float, default=20)
    of_load.add_argument("--ramp", type=float, default=0, help="0: all at once")
    of_embedded = commands.add_parser("embedded")
    of_embedded.add_argument("--call", default="plain_turns")
    of_embedded.add_argument("--seconds", type=float, default=120)
    of_embedded.add_argument("--calls", type=int, default=1)
    of_embedded.add_argument("--profile", default="embedded", help="a name or a path")
    commands.add_parser("outcomes").add_argument("--calls", type=int, default=10)
    options = parser.parse_args()
    if options.command == "load":
        load(options.calls, options.seconds, options.ramp)
    elif options.command == "embedded":
        embedded(options.call, options.seconds, options.calls, options.profile)
    else:
        outcomes(options.calls)


if __name__ == "__main__":
    main()
