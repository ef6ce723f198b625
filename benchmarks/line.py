"""Measures the phone line and prints docs/benchmarks/phone-line.md: `make bench-line`.

Speeds are of one core; ratios between rows of one table come from one run. Perceptual scores need
the extra `quality` and human speech: a folder with `read/*.flac`, given with --speech.
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from math import isnan
from pathlib import Path
from statistics import mean
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile

from telephony_sim import g711
from telephony_sim.file import process_file
from telephony_sim.line import Line, load_line
from telephony_sim.quality import pesq, stoi
from telephony_sim.report import report
from telephony_sim.resample import resample
from telephony_sim.spec import LineSpec, line_names, parse_line

Pcm = npt.NDArray[np.int16]

LOSSES = (0.0, 0.01, 0.03, 0.05, 0.10, 0.20)
CONCEALMENTS: dict[str, dict[str, Any]] = {
    "zero fill": {"use": "zero_fill"},
    "repetition": {"use": "repetition"},
    "Appendix I": {"use": "appendix_i"},
    "Appendix I, fade 0.05": {"use": "appendix_i", "fade_per_10_ms": 0.05},
}
NETWORKS: dict[str, dict[str, Any]] = {
    "random": {"use": "random_loss"},
    "bursts of 1.5 (30 ms)": {"use": "burst_loss", "mean_burst_packets": 1.5},
    "bursts of 3 (60 ms)": {"use": "burst_loss", "mean_burst_packets": 3},
}


def line_of(*chain: dict[str, Any], **ends: dict[str, Any]) -> LineSpec:
    """A line with this uplink."""
    return parse_line({"uplink": {"chain": list(chain), **ends}}, Path("bench.toml"))


def best(action: Callable[[], object], rounds: int = 3) -> float:
    """Seconds of the fastest of several runs: what the code costs, not its neighbours."""
    taken: list[float] = []
    for _ in range(rounds):
        start = time.perf_counter()
        action()
        taken.append(time.perf_counter() - start)
    return min(taken)


def clips(folder: Path, count: int, shortest: float = 4, longest: float = 12) -> list[Pcm]:
    """Read sentences of human speech at 8 kHz, spread over the speakers that there are."""
    found: list[Pcm] = []
    for path in sorted(folder.glob("read/*.flac")):
        pcm, rate = soundfile.read(path, dtype="int16", always_2d=True)
        if shortest * rate <= len(pcm) <= longest * rate:
            found.append(resample(np.ascontiguousarray(pcm[:, 0]), rate, 8000))
    return found[:: max(len(found) // count, 1)][:count]


def sound(folder: Path | None) -> Pcm:
    """Five minutes of human speech, or of noise: speed does not depend on it much."""
    pieces = clips(folder, 20) if folder is not None else []
    noise = (np.random.default_rng(0).standard_normal(80000) * 3000).astype(np.int16)
    return np.resize(np.concatenate(pieces or [noise]), 300 * 8000)


def bench_lines(pcm: Pcm) -> None:
    """Real-time factor of each line, with the other direction's sound for its echo."""
    print("\n| line | streaming, × real time | whole file, × real time |\n|---|---|---|")
    pcm = pcm[: 60 * 8000]
    far = np.roll(pcm, 12345)
    frames, far_frames = pcm.reshape(-1, 160), far.reshape(-1, 160)
    for name in line_names():
        spec = load_line(name)

        def stream(spec: LineSpec = spec) -> None:
            line = Line(spec)
            for frame, heard in zip(frames, far_frames, strict=True):
                line.process(frame, heard)

        def whole(spec: LineSpec = spec) -> None:
            Line(spec).process_frames(pcm, far)

        print(f"| {name} | {60 / best(stream):,.0f} | {60 / best(whole):,.0f} |")


def bench_g711(pcm: Pcm) -> None:
    """Samples a second of each law against sox and ffmpeg, which also start up and pipe."""
    print("\n| G.711, million samples/s | encode µ | decode µ | encode A | decode A |")
    print("|---|---|---|---|---|")
    count = 8000 * 1200
    pcm = np.resize(pcm, count)
    codes = {"ulaw": g711.ulaw_encode(pcm), "alaw": g711.alaw_encode(pcm)}
    ours = [
        lambda: g711.ulaw_encode(pcm),
        lambda: g711.ulaw_decode(codes["ulaw"]),
        lambda: g711.alaw_encode(pcm),
        lambda: g711.alaw_decode(codes["alaw"]),
    ]
    rows = {"voicecli": [count / best(action) / 1e6 for action in ours]}
    linear = pcm.tobytes()
    for tool in filter(shutil.which, ("sox", "ffmpeg")):
        rows[f"{tool}, as a process"] = [
            count / best(lambda c=c, d=d: pipe(c, d)) / 1e6
            for law in ("ulaw", "alaw")
            for c, d in (
                (command(tool, law, decode=False), linear),
                (command(tool, law, decode=True), codes[law].tobytes()),
            )
        ]
    for name, values in rows.items():
        print(f"| {name} | " + " | ".join(f"{value:,.0f}" for value in values) + " |")


def pipe(program: list[str], data: bytes) -> None:
    """Run a filter to its end."""
    subprocess.run(program, input=data, capture_output=True, check=True)


def command(tool: str, law: str, *, decode: bool) -> list[str]:
    """How to ask another program for the same."""
    if tool == "sox":
        linear = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16", "-"]
        encoding = {"ulaw": "mu-law", "alaw": "a-law"}[law]
        coded = ["-t", "raw", "-r", "8000", "-c", "1", "-e", encoding, "-b", "8", "-"]
        return ["sox", "-D", *(coded + linear if decode else linear + coded)]
    source, target = {"ulaw": "mulaw", "alaw": "alaw"}[law], "s16le"
    if not decode:
        source, target = target, source
    rate = ["-ar", "8000", "-ac", "1"]
    return ["ffmpeg", "-v", "error", "-f", source, *rate, "-i", "-", "-f", target, "-"]


def bench_concealment(sentences: list[Pcm], seeds: int) -> None:
    """PESQ of each concealment over loss, the same packets lost for each."""
    for network, table in NETWORKS.items():
        print(f"\n| {network}, loss | " + " | ".join(CONCEALMENTS) + " |\n|---|---|---|---|---|")
        for loss in LOSSES:
            scores = {
                name: concealed(method, {**table, "probability": loss}, sentences, seeds)
                for name, method in CONCEALMENTS.items()
            }
            best_of = max(scores.values())
            cells = (f"**{s:.2f}**" if s == best_of and loss else f"{s:.2f}"
                     for s in scores.values())  # fmt: skip
            print(f"| {loss:.0%} | " + " | ".join(cells) + " |")


def concealed(
    method: dict[str, Any], loss: dict[str, Any], sentences: list[Pcm], seeds: int
) -> float:
    """Mean PESQ of one concealment."""
    spec = line_of(loss, concealment=method, jitter_buffer={"use": "fixed", "delay_ms": 0})
    return mean(
        pesq(pcm, process_file(spec, pcm, 8000, seed=100 * seed + number).pcm)
        for seed in range(seeds)
        for number, pcm in enumerate(sentences)
    )


def bench_gaps(sentences: list[Pcm]) -> None:
    """PESQ where every gap has the same length, 5 % of packets missing."""
    print("\n| every gap, 5 % missing | " + " | ".join(CONCEALMENTS) + " |\n|---|---|---|---|---|")
    for packets in (1, 2, 3, 4, 6):
        rng = np.random.default_rng(packets)
        delays = np.zeros(5000)
        at = 20
        while at < len(delays):
            delays[at : at + packets] = np.nan
            at += packets + int(rng.geometric(0.05 / packets))
        scores: dict[str, float] = {}
        with recorded(delays) as network:
            for name, method in CONCEALMENTS.items():
                buffer = {"use": "fixed", "delay_ms": 0}
                spec = line_of(network, concealment=method, jitter_buffer=buffer)
                scores[name] = mean(
                    pesq(pcm, process_file(spec, pcm, 8000).pcm) for pcm in sentences
                )
        best_of = max(scores.values())
        cells = (f"**{s:.2f}**" if s == best_of else f"{s:.2f}" for s in scores.values())
        print(f"| {packets * 20} ms | " + " | ".join(cells) + " |")


@contextmanager
def recorded(delay_ms: npt.NDArray[np.float64]) -> Iterator[dict[str, Any]]:
    """A degradation with these packet delays, NaN for lost, for as long as the block lasts."""
    with tempfile.TemporaryDirectory() as folder:
        rows = [f"{n},{n * 20 + d:.3f}" for n, d in enumerate(delay_ms.tolist()) if not isnan(d)]
        trace = Path(folder) / "trace.csv"
        trace.write_text("sequence,arrival_ms\n" + "\n".join(rows) + "\n", "utf-8")
        yield {"use": "recorded_delay", "file": str(trace)}


def bench_fec(sentences: list[Pcm]) -> None:
    """Opus with and without redundancy against raw G.711."""
    legs: dict[str, dict[str, dict[str, Any]]] = {
        "G.711, Appendix I": {},
        "Opus 24 kbit/s": {"codec": {"use": "opus", "fec": False}},
        "Opus 24 kbit/s, FEC": {"codec": {"use": "opus", "expected_loss_percent": 20}},
    }
    print("\n| loss, independent | " + " | ".join(legs) + " |\n|---|---|---|---|")
    for loss in LOSSES:
        cells: list[str] = []
        for ends in legs.values():
            spec = line_of(
                {"use": "random_loss", "probability": loss},
                **{"jitter_buffer": {"use": "fixed", "delay_ms": 40}, **ends},
            )
            results = [(pcm, process_file(spec, pcm, 8000, seed=n, drain_ms=100).pcm)
                       for n, pcm in enumerate(sentences)]  # fmt: skip
            scores = mean(pesq(*pair) for pair in results), mean(stoi(*pair) for pair in results)
            cells.append("{:.2f} / {:.3f}".format(*scores))
        print(f"| {loss:.0%} | " + " | ".join(cells) + " |")


def bench_buffers(pcm: Pcm) -> None:
    """Late loss and invented sound against delay, fixed and adaptive, on the same networks."""
    steady = {"use": "gamma_jitter", "mean_ms": 12, "shape": 1}
    stalls = {"use": "jitter_spikes", "per_minute": 6, "height_ms": 120}
    print_buffers(pcm, "steady jitter of 12 ms, six stalls a minute", steady, stalls)
    packets = np.arange(15_000)
    mean_ms = np.where(packets // 1000 % 2, 2.0, 30.0)
    waits = np.random.default_rng(5).exponential(mean_ms)
    exits = np.maximum.accumulate(20.0 * packets + waits)  # one queue: nobody overtakes
    with recorded(exits - 20.0 * packets) as changing:
        print_buffers(pcm, "jitter of 30 ms and of 2 ms, 20 s each by turns", changing)


def print_buffers(pcm: Pcm, network: str, *chain: dict[str, Any]) -> None:
    """One table: buffers on one network, with 40 ms of constant delay before it."""
    buffers: list[tuple[str, dict[str, Any]]] = [
        *((f"fixed {d} ms", {"use": "fixed", "delay_ms": d}) for d in (20, 40, 60, 80, 120)),
        *((f"adaptive, {p} %", {"use": "adaptive", "percentile": p}) for p in (90, 95, 99)),
        ("adaptive, 95 %, no stretching", {"use": "adaptive", "stretch": False}),
    ]
    print(f"\n| {network} | ingress mean / p95, ms | late loss | invented | stretched, ms/min |")
    print("|---|---|---|---|---|")
    for name, buffer in buffers:
        spec = line_of({"use": "delay", "delay_ms": 40}, *chain, jitter_buffer=buffer)
        result = process_file(spec, pcm, 8000, seed=1)
        figures = report(spec, result)
        stretched = sum(figures.stretched_ms) / (figures.duration_s / 60)
        print(
            f"| {name} | {result.trace.ingress_ms.mean():.0f} / {figures.ingress_ms[1]:.0f} "
            f"| {figures.late:.2%} | {figures.concealed:.2%} | {stretched:.0f} |"
        )


def main() -> None:
    """Print every table, or the quick ones."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--quick", action="store_true", help="speeds and buffers only")
    parser.add_argument("--clips", type=int, default=12, help="sentences to score")
    parser.add_argument("--seeds", type=int, default=2, help="losses drawn for each")
    parser.add_argument("--speech", type=Path, help="folder of human speech, for the scores")
    options = parser.parse_args()
    pcm = sound(options.speech)
    bench_lines(pcm)
    bench_g711(pcm)
    bench_buffers(pcm)
    if options.quick:
        return
    if options.speech is None:
        print("\nNo human speech to score: give a folder of it with --speech.")
        return
    sentences = clips(options.speech, options.clips)
    if not sentences:
        raise SystemExit(f"{options.speech} has no read/*.flac to score; give another folder.")
    print(f"\n{len(sentences)} sentences, {sum(map(len, sentences)) / 8000:.0f} s, PESQ MOS-LQO:")
    bench_concealment(sentences, options.seeds)
    bench_gaps(sentences)
    bench_fec(sentences)


if __name__ == "__main__":
    main()
