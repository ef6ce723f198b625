"""Tells whether anything in `voicecli serve` grows, call after call.

    .venv/bin/python -m benchmarks.soak --profile light --minutes 30 --csv out/soak.csv

Callers ring again and again and say what the bundled recordings hold. Each 10 s the memory,
descriptors and threads of every process are noted, and how many processes and temporary files
there are. At the end each figure has its median and slope in each third of the time, the slope a
median of those between any two samples (Theil and Sen): what warms up slows down, a leak goes on.
"""

import argparse
import asyncio
import csv
import itertools
import os
import re
import threading
import time
from collections import Counter, defaultdict
from collections.abc import Iterator
from contextlib import suppress
from pathlib import Path
from statistics import median
from tempfile import TemporaryDirectory

from benchmarks.serve import URL, Server
from voicecli.dial.report import NUMBERS, CallResult
from voicecli.dial.run import Plan, run_plan
from voicecli.dial.script import open_script
from voicecli.errors import VoicecliError

_EVERY_S = 10.0
_BETWEEN_S = 2.0
"""From one call of a caller to its next: the process finishes with the last."""
_SAYS = ("plain_turns", "pauses", "barge_in", "digits")
_LONGEST_S = 120.0
_FLAT_SHARE = 0.02
_FLAT_LEAST = 1.0
"""What a figure may gain from the second third to the last: this share, or so many MB, files."""
_SAMPLES_LEAST = 2
"""Of a third."""

Series = dict[str, list[tuple[float, float]]]
"""Of each figure, the seconds and values."""


class Callers:
    """Threads that call, each again as soon as its call is over."""

    def __init__(self, number: int) -> None:
        self.results: list[CallResult] = []
        self.problems: Counter[str] = Counter()
        self._over = threading.Event()
        self._threads = [
            threading.Thread(target=self._call, args=(first, number)) for first in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def stop(self) -> None:
        """Let the last calls come to their ends."""
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _call(self, first: int, step: int) -> None:
        for seed in itertools.count(first, step):
            script = open_script(_SAYS[seed % len(_SAYS)])
            plan = Plan(URL, script, "clean", seed, max_s=_LONGEST_S)
            try:
                self.results += asyncio.run(run_plan(plan, None))
            except VoicecliError as error:
                self.problems[str(error)] += 1
            if self._over.wait(_BETWEEN_S):
                return


def _roles(server: Server) -> Iterator[tuple[str, int]]:
    """Each process of the server and what it is there for."""
    calls = set(server.call_processes())
    for pid in sorted(server.family()):
        if pid == server.process.pid:
            yield "server", pid
        elif pid in calls:
            yield f"call {pid}", pid
        else:
            yield f"helper {pid}", pid


def _sample(server: Server, temporary: Path) -> dict[str, float]:
    found: dict[str, float] = {}
    for role, pid in _roles(server):
        with suppress(OSError):  # it has just ended
            rollup = Path(f"/proc/{pid}/smaps_rollup").read_text()
            for name, key in (("PSS MB", "Pss"), ("own MB", "Private_Dirty")):
                kb = re.search(rf"^{key}:\s+(\d+)", rollup, re.MULTILINE)
                found[f"{role}, {name}"] = int(kb[1]) / 1024 if kb else 0
            found[f"{role}, descriptors"] = len(os.listdir(f"/proc/{pid}/fd"))  # noqa: PTH208
            found[f"{role}, threads"] = len(os.listdir(f"/proc/{pid}/task"))  # noqa: PTH208
    found["processes"] = len(server.family())
    found["temporary files"] = sum(1 for _ in temporary.rglob("*"))
    return found


def _slope(points: list[tuple[float, float]]) -> float:
    """Of a figure, per hour: the median between any two samples."""
    pairs = itertools.combinations(points, 2)
    return 3600 * median([(b[1] - a[1]) / (b[0] - a[0]) for a, b in pairs])


def _verdicts(series: Series) -> Iterator[str]:
    yield "| figure | median of thirds 1, 2, 3 | slope per hour in them | |"
    yield "|---|---|---|---|"
    for name, points in series.items():
        third = len(points) // 3
        if third < _SAMPLES_LEAST:  # it did not live long enough to tell
            continue
        parts = points[:third], points[third:-third], points[-third:]
        levels = [median(value for _, value in part) for part in parts]
        gain = levels[2] - levels[1]
        flat = abs(gain) <= max(_FLAT_LEAST, _FLAT_SHARE * levels[1])
        yield (
            f"| {name} | {', '.join(f'{level:.1f}' for level in levels)} "
            f"| {', '.join(f'{_slope(part):+.1f}' for part in parts)} "
            f"| {'flat' if flat else 'grows' if gain > 0 else 'falls'} |"
        )


def main() -> None:
    """Call, watch, judge."""
    parser = argparse.ArgumentParser(
        description="Does anything in `voicecli serve` grow, call after call?"
    )
    parser.add_argument("--profile", default="light", help="a name or a path")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--calls", type=int, default=2, help="at a time")
    parser.add_argument("--record", action="store_true", help="the calls, too")
    parser.add_argument("--csv", type=Path, default=Path("soak.csv"))
    options = parser.parse_args()
    with TemporaryDirectory() as folder:
        temporary = Path(folder) / "temporary"
        temporary.mkdir()
        os.environ["TMPDIR"] = str(temporary)
        kept = ("--record", "--out", f"{folder}/calls") if options.record else ()
        server = Server(options.profile, options.calls, *kept)
        callers = Callers(options.calls)
        try:
            series = _watch(server, callers, options, temporary)
        finally:
            callers.stop()
            log = server.log.read_text()
            server.stop()
    print("\n".join(_verdicts(series)))
    print(f"{len(callers.results)} calls, failed {NUMBERS['failed'](callers.results)}, "
          f"underruns {NUMBERS['underruns'](callers.results)}")  # fmt: skip
    for line in log.splitlines():
        if "warning: " in line or "error: " in line:
            print(f"     {line}")
    problems = callers.problems + Counter(r.problem for r in callers.results if r.problem)
    for problem, often in problems.most_common():
        print(f"     {often}: {problem}")


def _watch(
    server: Server, callers: Callers, options: argparse.Namespace, temporary: Path
) -> Series:
    series: Series = defaultdict(list)
    began = time.monotonic()
    with options.csv.open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(("seconds", "calls", "figure", "value"))
        while (now := time.monotonic() - began) < 60 * options.minutes:
            found: dict[str, float] = {}
            with suppress(OSError):  # a process has just ended
                found = _sample(server, temporary)
            for name, value in found.items():
                series[name].append((now, value))
                rows.writerow((f"{now:.0f}", len(callers.results), name, f"{value:.2f}"))
            file.flush()
            time.sleep(_EVERY_S)
    return series


if __name__ == "__main__":
    main()
