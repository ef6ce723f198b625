"""Measures the engines and prints the tables of docs/benchmarks/engines.md: `make bench-engines`.

    .venv/bin/python -m benchmarks.engines                           their parts
    .venv/bin/python -m benchmarks.engines --calls out/human/dev_*   whole labelled calls

Only engines whose weights are here are measured. Ratios between rows of one table come from one
run. What recognisers do is measured on human speech, a folder with a `manifest.jsonl` given with
--speech; labelled calls of people are made by benchmarks.human_calls.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import ExitStack
from pathlib import Path
from statistics import median
from typing import Any, TypeVar

import numpy as np
import soundfile
import soxr

from benchmarks.people import outcome_cells
from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context, build_engine, engine_module
from pipelines.engines.text_normalization.normalizer import normalizer
from pipelines.turn_taking.commands import Message
from telephony_sim.file import process_file
from telephony_sim.line import load_line
from tests.pipelines.engines.socket_stand_in import cartesia, elevenlabs, socket_stand_in
from voicecli.errors import VoicecliError
from voicecli.models.store import locate
from voicecli.recording.bundle import read_bundle
from voicecli.report.wer import word_error_rate
from voicecli.tune.search import recorded_calls

T = TypeVar("T")

STOP = threading.Event()
REPEATS = 5
LLMS = ("smollm2-135m-instruct", "qwen2.5-coder-0.5b-instruct", "qwen2.5-1.5b-instruct")
WHISPERS = ("whisper-tiny.en", "whisper-base", "whisper-small.en")
CHOICES = {
    "the default": "",
    "whisper-tiny.en hears": '[asr]\nengine = "faster_whisper"\nweights = "whisper-tiny.en"',
    "whisper-base hears": '[asr]\nengine = "faster_whisper"\nweights = "whisper-base"',
    "SmolLM2 writes": '[llm]\nengine = "llama_cpp"\nweights = "smollm2-135m-instruct"',
    "espeak-ng speaks": '[tts]\nengine = "espeak"',
}
"""What a profile says for one part of the default's to be another."""
LINES = ("clean", "pstn", "mobile")
TURNS = (
    Message("system", "You are Robin, a kind receptionist. Keep answers short and plain."),
    Message("agent", "Hello, this is Robin. How can I help you?"),
    Message("caller", "I'd like to book an appointment for my daughter please."),
    Message("agent", "Of course. Which day would suit you?"),
)
PARTIAL = Message("caller", "Thursday afternoon would be good if that is")
FINAL = Message("caller", "Thursday afternoon would be good, if that is possible.")
SENTENCE = "Of course, I can book that for you on Thursday at three."
NUMBERS = "That is $12.50 on 2026-11-20 at 3:30 pm; call 555-0199 or write to bob@example.com."


def build(kind: Any, name: str, **settings: Any) -> Any | None:
    """The engine, warm; None if its weights are not here."""
    module = engine_module(kind, name)
    try:
        return build_engine(kind, name, module.Settings(**settings), Context(locate))
    except VoicecliError:
        return None


def row(*cells: object) -> None:
    """Print a line of a table."""
    print("| " + " | ".join(str(cell) for cell in cells) + " |", flush=True)


def header(title: str, *columns: str) -> None:
    """Print the head of a table."""
    print(f"\n{title}\n")
    row(*columns)
    row(*("---" for _ in columns))


def timed(work: Callable[..., T], *args: Any) -> tuple[float, T]:
    """How long `work` takes, in ms, and what it gives."""
    started = time.perf_counter()
    result = work(*args)
    return (time.perf_counter() - started) * 1000, result


def first_token_after(llm: Any, *prepared: tuple[Message, ...]) -> float:
    """Median time to first token, ms, when the model has last read `prepared`."""
    times: list[float] = []
    for _ in range(REPEATS):
        for history in ((Message("caller", "Something else altogether."),), *prepared):
            llm.prepare(history)
        pieces = llm.stream((*TURNS, FINAL), STOP)
        times.append(timed(next, pieces)[0])
        pieces.close()
    return median(times)


def first_token() -> None:
    """Time to first token: cold, with the conversation cached, and with the prompt prepared."""
    header(
        "Time to first token after the caller's last word, ms (median of 5)",
        "model", "cold", "history cached", "partial prepared", "prepared whole", "tokens/s",
    )  # fmt: skip
    for name in LLMS:
        if (llm := build("llm", "llama_cpp", weights=name)) is None:
            row(name, *["not here"] * 5)
            continue
        cold = first_token_after(llm)
        cells = [
            first_token_after(llm, history)
            for history in (TURNS, (*TURNS, PARTIAL), (*TURNS, FINAL))
        ]
        took, pieces = timed(lambda llm=llm: list(llm.stream((*TURNS, FINAL), STOP)))
        shares = [f"{each:.0f} ({each / cold:.0%})" for each in cells]
        row(name, f"{cold:.0f}", *shares, f"{len(pieces) / took * 1000:.0f}")


def first_sound() -> None:
    """Time to first byte of each voice."""
    header(
        f'Time to the first audio of "{SENTENCE}", ms (median of 5)',
        "engine", "first audio", "all of it", "real-time factor",
    )  # fmt: skip
    with ExitStack() as servers:
        for name, tts in voices(servers):
            measure_voice(name, tts)
    read = normalizer("en-us")
    took = median(timed(read, NUMBERS)[0] for _ in range(20))
    plain = median(timed(read, SENTENCE)[0] for _ in range(20))
    print(
        f"\nPutting numbers into words: {took:.1f} ms for {NUMBERS!r}, {plain:.2f} ms without any"
    )


def voices(servers: ExitStack) -> Iterator[tuple[str, Any]]:
    """Each voice that is here; of services, what their client costs."""
    yield "espeak", build("tts", "espeak")
    yield "piper (joe)", build("tts", "piper")
    os.environ["BENCH_KEY"] = "none"
    for name, answer in {"elevenlabs": elevenlabs, "cartesia": cartesia}.items():
        server = servers.enter_context(socket_stand_in(answer))
        tts = build("tts", name, url=server.url, api_key_env="BENCH_KEY")
        yield f"{name}'s client (a server on this machine that answers at once)", tts


def measure_voice(name: str, tts: Any | None) -> None:
    """One row of that table."""
    if tts is None:
        row(name, *["not here"] * 3)
        return
    firsts, wholes, seconds = [], [], 1.0
    for _ in range(REPEATS):
        started = time.perf_counter()
        chunks = tts.synthesize(SENTENCE, STOP)
        audio = [next(chunks)]
        firsts.append((time.perf_counter() - started) * 1000)
        audio += chunks
        wholes.append((time.perf_counter() - started) * 1000)
        seconds = sum(map(len, audio)) / tts.sample_rate
    factor = median(wholes) / 1000 / seconds
    row(name, f"{median(firsts):.1f}", f"{median(wholes):.0f}", f"{factor:.4f}")


def recognisers() -> Iterator[tuple[str, Any]]:
    """Each recogniser whose weights are here; Whisper also on its full input."""
    yield "moonshine tiny", build("asr", "moonshine")
    for weights in WHISPERS:
        for chunk, said in (("auto", "as long as the speech"), (30.0, "30 s")):
            engine = build("asr", "faster_whisper", weights=weights, chunk_length_s=chunk)
            yield f"{weights}; input {said}", engine


def clips(folder: Path) -> list[tuple[Pcm, int, str]]:
    """Commands and read sentences with transcripts that somebody checked."""
    found: list[tuple[Pcm, int, str]] = []
    for line in (folder / "manifest.jsonl").read_text("utf-8").splitlines():
        entry = json.loads(line)
        short = entry["duration_s"] <= 20 and entry["channels"] == 1
        checked = entry["file"].startswith(("commands/", "read/"))
        if checked and entry["transcript"] and short:
            pcm, rate = soundfile.read(folder / entry["file"], dtype="float32")
            found.append((pcm, rate, entry["transcript"]))
    return found


def decode(asr: Any, pcm: Pcm) -> str:
    """The transcript of a whole utterance at once."""
    asr.reset()
    asr.feed(pcm)
    return asr.finish().text


def stream(asr: Any, pcm: Pcm) -> tuple[int, float, float]:
    """Feed an utterance at the pace of speech, without waiting for it.

    Returns:
        Partials, seconds of work, and milliseconds from its end to the final transcript.
    """
    asr.reset()
    partials, busy, free_at, start = 0, 0.0, 0.0, 0
    while start < len(pcm):
        # What came in while a decode was under way is handed over at once, as in a call.
        now = max(free_at, (start + 1600) / 16000)
        stop = min(len(pcm), int(now * 16000))
        took, hypothesis = timed(asr.feed, pcm[start:stop])
        partials += hypothesis is not None
        busy += took / 1000
        free_at, start = now + took / 1000, stop
    took, _ = timed(asr.finish)
    return partials, busy, (free_at - len(pcm) / 16000) * 1000 + took


def streaming(speech: list[tuple[Pcm, int, str]]) -> None:
    """Cadence of partials and latency of the final, fed as a phone does."""
    header(
        "Streaming against decoding the whole utterance at its end (real-time pace, 20 clips)",
        "engine", "partials per s", "decode per s of speech, ms", "final after the end, ms",
        "whole at the end, ms", "ratio",
    )  # fmt: skip
    long = [
        (soxr.resample(p, r, 16000).astype(np.float32), t) for p, r, t in speech if len(p) / r > 2
    ][:20]
    for name, asr in recognisers():
        if asr is None:
            row(name, *["not here"] * 5)
            continue
        runs = [stream(asr, pcm) for pcm, _ in long]
        partials, busy, finals = (list(each) for each in zip(*runs, strict=True))
        wholes = [timed(decode, asr, pcm)[0] for pcm, _ in long]
        seconds = sum(len(pcm) for pcm, _ in long) / 16000
        final, whole = median(finals), median(wholes)
        row(
            name, f"{sum(partials) / seconds:.1f}", f"{sum(busy) / seconds * 1000:.0f}",
            f"{final:.0f}", f"{whole:.0f}", f"{final / whole:.2f}",
        )  # fmt: skip


def errors(speech: list[tuple[Pcm, int, str]]) -> None:
    """Word error rate at 16 kHz and over two phone lines."""
    words = sum(len(text.split()) for *_, text in speech)
    header(
        f"Words wrong, {len(speech)} clips, {words} words",
        "engine", "16 kHz", "µ-law 8 kHz", "pstn line",
    )  # fmt: skip
    wide = [soxr.resample(pcm, rate, 16000).astype(np.float32) for pcm, rate, _ in speech]
    heard = {"16 kHz": wide}
    for line in ("clean", "pstn"):
        heard[line] = list(over_line(line, speech))
    said = " ".join(text for *_, text in speech)
    for name, asr in recognisers():
        if asr is None:
            row(name, *["not here"] * 3)
            continue
        rates: list[str] = []
        for audio in heard.values():
            texts = [decode(asr, pcm) for pcm in audio]
            rates.append(f"{word_error_rate(said, ' '.join(texts)) or 0:.1%}")
        row(name, *rates)


def over_line(name: str, speech: Iterable[tuple[Pcm, int, str]]) -> Iterator[Pcm]:
    """The clips as heard at the other end of a phone line, at 16 kHz."""
    spec = load_line(name)
    for pcm, rate, _ in speech:
        heard = process_file(spec, pcm, rate, seed=1, drain_ms=200).pcm
        yield soxr.resample(heard.astype(np.float32) / 32768.0, 8000, 16000).astype(np.float32)


def whole_calls(calls: list[str], lines: Iterable[str]) -> None:
    """Labelled calls with the default's engines, and with another in place of each."""
    header(
        f"{len(calls)} calls, `voicecli replay`",
        "engines", "line", "turns cut into (95 %)", "ends not answered", "hung up on",
        "answer p50 / p95, ms", "WER", "CPU, s per s of call", "memory at most, MB",
    )  # fmt: skip
    with tempfile.TemporaryDirectory(prefix="voicecli-bench-") as folder:
        for name, tables in CHOICES.items():
            profile = Path(folder) / "profile.toml"
            profile.write_text(tables + "\n", "utf-8")
            for line in lines:
                out = Path(folder) / name / line
                command = [sys.executable, "-m", "voicecli.cli", "replay", *calls, "-q",
                           "-p", str(profile), "--line", line, "-o", str(out)]  # fmt: skip
                replay = subprocess.Popen(command, stdout=subprocess.DEVNULL)
                _, status, used = os.wait4(replay.pid, 0)
                if status:
                    sys.exit(f"`{' '.join(command)}` failed")
                bundles = [read_bundle(path) for path in recorded_calls([out])]
                seconds = sum(len(bundle.stereo) / bundle.header.rate for bundle in bundles)
                spent = used.ru_utime + used.ru_stime
                row(name, line, *outcome_cells(bundles)[:5], f"{spent / seconds:.2f}",
                    f"{used.ru_maxrss / 1024:.0f}")  # fmt: skip


def main() -> int:
    """Measure what is asked for."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("tables", nargs="*", help="llm, tts, streaming, errors; default: all")
    parser.add_argument("--speech", type=Path, help="folder of human speech, for the last two")
    parser.add_argument("--calls", nargs="+", help="labelled calls, whole")
    parser.add_argument("--line", action="append", help=f"of the calls; default: {LINES}")
    options = parser.parse_args()
    print(f"{os.cpu_count()} cores, load average {os.getloadavg()[0]:.1f}")
    if options.calls:
        whole_calls(options.calls, options.line or LINES)
        return 0
    chosen = set(options.tables) or {"llm", "tts", "streaming", "errors"}
    if "llm" in chosen:
        first_token()
    if "tts" in chosen:
        first_sound()
    if chosen & {"streaming", "errors"}:
        if options.speech is None:
            print("\nNo human speech to recognise: give a folder of it with --speech.")
            return 1 if options.tables else 0
        speech = clips(options.speech)
        if "streaming" in chosen:
            streaming(speech)
        if "errors" in chosen:
            errors(speech)
    return 0


if __name__ == "__main__":
    sys.exit(main())
