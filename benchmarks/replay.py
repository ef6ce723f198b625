"""`make bench`: how fast, how large and how reproducible replay is, as ratios from one run."""

import os
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.table import Table

from pipelines.runtime.engines import Engines
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.time import SECOND
from voicecli.engines import build_engines
from voicecli.profile import load_profile
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.journal import journal_hash
from voicecli.replaying.run import Setting, run_call
from voicecli.replaying.source import CallSource, open_call, shipped_calls
from voicecli.replaying.verify import verify
from voicecli.transports.file_caller import FileCaller

TEN_MINUTES = 600.0


def main() -> None:
    """Measure everything and print one table."""
    if sys.argv[1:] == ["hash"]:
        print(journal_hash(scripted_call(open_call("plain_turns").audio)))
        return
    table = Table("what", "measured", "aim", box=None, header_style="bold")
    for row in (core_speed, recompute_speed, both_clocks, peak_memory, determinism):
        table.add_row(*row())
    Console(highlight=False).print(table)


def scripted_call(audio: CallAudio) -> list[Entry]:
    """A call with scripted engines: no model's time is in it."""
    profile = load_profile("scripted")
    entries: list[Entry] = []
    run_virtual(profile.policy, build_engines(profile), FileCaller(audio), entries.append)
    return entries


def core_speed() -> tuple[str, str, str]:
    """The core alone over the events of a ten-minute call, on one core."""
    source = open_call("plain_turns").audio
    times = int(TEN_MINUTES / source.duration_s)
    longer = replace(
        source,
        caller=np.tile(source.caller, times),
        duration_s=source.duration_s * times,
    )
    entries = scripted_call(longer)
    seconds = max(entry.at for entry in entries) / SECOND
    policy = load_profile("scripted").policy
    best = min(_timed(lambda: verify(entries, policy)) for _ in range(3))
    events = sum(not isinstance(entry, Issued) for entry in entries)
    what = f"core alone, {seconds / 60:.0f} min call, {events:,} events"
    return what, f"{seconds / best:,.0f}x real time", "2000x"


def recompute_speed() -> tuple[str, str, str]:
    """All bundled calls through the embedded engines on the virtual clock."""
    profile = load_profile("embedded")
    engines = build_engines(profile)
    audio = wall = 0.0
    for name in shipped_calls():
        call = run_call(open_call(name), Setting(profile, "clean"), engines)
        audio += call.entries[-1].at / SECOND
        wall += call.wall_s
    what = f"--recompute, {len(shipped_calls())} bundled calls, {audio:.0f} s"
    return what, f"{audio / wall:.1f}x real time", "5x"


def both_clocks() -> tuple[str, str, str]:
    """Median voice-to-voice of one call on the virtual clock and on the wall clock."""
    profile = load_profile("embedded")
    engines = build_engines(profile)
    source = open_call("plain_turns")
    virtual = _median(source, Setting(profile, "clean"), engines)
    real = _median(source, Setting(profile, "clean", clock="real"), engines)
    measured = f"{virtual:.0f} / {real:.0f} ms, ratio {virtual / real:.2f}"
    return "voice-to-voice p50, virtual / --realtime", measured, "0.85 to 1.15"


def _median(source: CallSource, setting: Setting, engines: Engines) -> float:
    report = run_call(source, setting, engines).report()
    latencies = [t.turn.voice_to_voice for t in report.turns if t.turn.voice_to_voice is not None]
    return statistics.median(latencies) / 1_000_000


def peak_memory() -> tuple[str, str, str]:
    """Of a whole `voicecli replay` with the embedded set."""
    with tempfile.TemporaryDirectory() as folder:
        program = Path(sys.executable).with_name("voicecli")
        command = [program, "replay", "plain_turns", "-q", "--recompute", "--out", folder]
        subprocess.run(command, check=True, stdout=subprocess.DEVNULL)
    kilobytes = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss
    if sys.platform == "darwin":
        kilobytes //= 1024  # macOS counts bytes
    return "peak memory, embedded set", f"{kilobytes / 1e6:.2f} GB", "≤ 1.2 GB"


def determinism() -> tuple[str, str, str]:
    """The journal's hash under two hash seeds, scripted engines."""
    hashes = {
        subprocess.run(
            [sys.executable, __file__, "hash"],
            env={**os.environ, "PYTHONHASHSEED": seed},
            check=True,
            capture_output=True,
            text=True,
        ).stdout.strip()
        for seed in ("1", "2")
    }
    same = "the same" if len(hashes) == 1 else "DIFFERENT"
    return "journal hash under two PYTHONHASHSEEDs", f"{same}: {sorted(hashes)[0][:12]}", "the same"


def _timed(work: Callable[[], object]) -> float:
    start = time.perf_counter()
    work()
    return time.perf_counter() - start


if __name__ == "__main__":
    main()
