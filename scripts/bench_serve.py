#!/usr/bin/env python3
"""Measures `voicecli serve` from outside, as docs/SERVE.md shows it; changes with what is measured.

    .venv/bin/python scripts/bench_serve.py load 1 10 50    scripted engines, calls at once
    .venv/bin/python scripts/bench_serve.py embedded        one call, embedded engines
    .venv/bin/python scripts/bench_serve.py soak 600        memory, files and threads over time

Server and callers share this machine's cores: what the callers need is part of the load.
"""

import argparse
import asyncio
import dataclasses
import os
import re
import subprocess
import sys
import time
from pathlib import Path
from tempfile import TemporaryDirectory

from voicecli.dial.report import DURATIONS, NUMBERS, in_short
from voicecli.dial.run import Plan, run_plan
from voicecli.dial.script import open_script

PORT = 8765
URL = f"ws://127.0.0.1:{PORT}/media"


class Server:
    """`voicecli serve --insecure` as a child process."""

    def __init__(self, profile: str, calls: int, *options: str) -> None:
        started = time.monotonic()
        command = [sys.executable, "-m", "voicecli.cli", "serve", "--insecure",
                   "--no-record", "-p", profile, "--max-calls", str(calls),
                   "--port", str(PORT), *options]  # fmt: skip
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True
        )
        assert self.process.stdout is not None  # noqa: S101
        for line in self.process.stdout:
            if "ready" in line:
                break
        self.load_s = time.monotonic() - started
        self._drain = subprocess.Popen(
            ["cat"], stdin=self.process.stdout, stdout=subprocess.DEVNULL
        )

    def family(self) -> list[int]:
        """Process ids of the server and everything below it."""
        found, todo = [], [self.process.pid]
        while todo:
            pid = todo.pop()
            found.append(pid)
            for task in Path(f"/proc/{pid}/task").glob("*/children"):
                todo += map(int, task.read_text().split())
        return found

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

    def handles(self) -> tuple[int, int]:
        """Open files and threads, all processes together."""
        family = self.family()
        files = sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in family)
        threads = sum(len(list(Path(f"/proc/{pid}/task").iterdir())) for pid in family)
        return files, threads

    def stop(self) -> None:
        """End it."""
        self.process.terminate()
        self.process.wait(60)
        self._drain.wait(10)


def figures(results, *names: str) -> str:
    """Some metrics in one line."""
    parts = []
    for name in names:
        row = in_short(DURATIONS[name](results))
        text = "-" if row is None else f"{row['p50']:.1f} / {row['p95']:.1f} / {row['p99']:.1f}"
        parts.append(f"{name} {text}")
    return "; ".join(parts)


def load(counts: list[int], seconds: float, ramp: float) -> None:
    """Scripted engines, this many calls at once."""
    script = open_script("plain_turns")
    for count in counts:
        server = Server("scripted", count)
        idle_mb = server.memory_mb()
        before, own, began = server.cpu_s(), server.cpu_s(own=True), time.monotonic()
        plan = Plan(URL, script, "clean", calls=count, ramp_s=ramp, max_s=seconds)
        results = asyncio.run(run_plan(plan, None))
        wall = time.monotonic() - began
        cpu = (server.cpu_s() - before) / wall * 100
        relay = (server.cpu_s(own=True) - own) / wall * 100
        print(
            f"{count:4} calls: {figures(results, 'frame_lateness', 'own_lateness')} ms; "
            f"underruns {NUMBERS['underruns'](results)}; failed {NUMBERS['failed'](results)}; "
            f"{figures(results, 'voice_to_voice', 'greeting')} ms; "
            f"server CPU {cpu / count:.1f} % of a core a call, "
            f"{relay / count:.1f} % of it the relay; "
            f"memory {idle_mb / count:.0f} MB a call idle, {server.memory_mb() / count:.0f} after; "
            f"loaded in {server.load_s:.1f} s", flush=True,
        )  # fmt: skip
        server.stop()


def embedded(call: str, seconds: float) -> None:
    """One call with the embedded engines."""
    server = Server("embedded", 1)
    before, began = server.cpu_s(), time.monotonic()
    plan = Plan(URL, open_script(call), "clean", max_s=seconds)
    results = asyncio.run(run_plan(plan, None))
    wall = time.monotonic() - began
    print(
        f"embedded, {call}: {figures(results, 'voice_to_voice', 'greeting', 'frame_lateness')} ms; "
        f"{', '.join(f'{name} {value(results)}' for name, value in NUMBERS.items())}; "
        f"CPU {(server.cpu_s() - before) / wall * 100:.0f} % of a core; "
        f"memory {server.memory_mb():.0f} MB; loaded in {server.load_s:.1f} s"
    )
    server.stop()


def soak(seconds: float) -> None:
    """Four callers one after the other, again and again: does anything grow?"""
    server = Server("scripted", 4)
    script = open_script("plain_turns")
    plan = Plan(URL, script, "clean", calls=4, ramp_s=2, max_s=10)
    end = time.monotonic() + seconds
    with TemporaryDirectory():
        number = 0
        while time.monotonic() < end:
            results = asyncio.run(run_plan(dataclasses.replace(plan, seed=number), None))
            number += 1
            files, threads = server.handles()
            print(
                f"round {number}: {server.memory_mb():.0f} MB, {files} files, {threads} threads, "
                f"failed {NUMBERS['failed'](results)}, underruns {NUMBERS['underruns'](results)}",
                flush=True,
            )
    server.stop()


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
    commands.add_parser("soak").add_argument("seconds", type=float)
    options = parser.parse_args()
    if options.command == "load":
        load(options.calls, options.seconds, options.ramp)
    elif options.command == "embedded":
        embedded(options.call, options.seconds)
    else:
        soak(options.seconds)


if __name__ == "__main__":
    main()
