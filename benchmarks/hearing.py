"""Prints how well the voice detector hears people after gaps, and what else it takes for speech.

    .venv/bin/python -m benchmarks.hearing SPEECH [--split dev|test]

Utterances of people shorter than 6 s after gaps of 3 to 9 s, at two levels, through phone lines;
and every recording of noise and music in the folder, one after the other. SPEECH has a
`manifest.jsonl` as `benchmarks/human_calls.py` says. A cell: utterances found; from their first
sound until the gate knows, median / p95 in ms; noises taken for speech, per minute.
"""

import argparse
import json
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from benchmarks.human_calls import split_of
from pipelines.engines.registry import Context
from pipelines.engines.vad import silero
from pipelines.runtime.sound import SoundMeter
from pipelines.runtime.speech_input import scored_frames
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.speech_gate import SpeechConfirmed, SpeechGate
from pipelines.turn_taking.time import SECOND
from telephony_sim.file import process_file
from telephony_sim.spec import load_line
from voicecli.models.store import locate
from voicecli.report.acoustic import sounds

RATE = 8000
LINES = ("clean", "pstn", "mobile", "cellular_edge")
PEAKS_DBFS = (-10, -28)
FOLDERS = ("commands/", "read/", "turns/", "digits/")
_LONGEST_S = 6.0
_NEAR_S = 0.3
Pcm = npt.NDArray[np.float32]


@dataclass(frozen=True)
class Ears:
    """What is compared."""

    rate: int = RATE
    clear_after_ms: int = 2000
    gate: GatePolicy = field(default_factory=GatePolicy)


NO_DOUBTS = GatePolicy(doubt_ms=0)
ROWS: dict[str, Ears] = {
    "never cleared, P from 0.5": Ears(clear_after_ms=0, gate=NO_DOUBTS),
    "never cleared, P from 0.3": Ears(
        clear_after_ms=0, gate=replace(NO_DOUBTS, start_threshold=0.3, stop_threshold=0.3)
    ),
    "cleared after 0.25 s": Ears(clear_after_ms=250, gate=NO_DOUBTS),
    "cleared after 1 s": Ears(clear_after_ms=1000, gate=NO_DOUBTS),
    "cleared after 2 s": Ears(gate=NO_DOUBTS),
    "cleared after 2 s, P from 0.3": Ears(
        gate=replace(NO_DOUBTS, start_threshold=0.3, stop_threshold=0.3)
    ),
    "cleared after 2 s, 16 kHz": Ears(rate=16_000, gate=NO_DOUBTS),
    "cleared after 2 s, doubts added up (default)": Ears(),
}


def main() -> None:
    """Print a table for each level."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("speech", type=Path)
    parser.add_argument("--split", choices=("dev", "test"), default="test")
    options = parser.parse_args()
    rows = [json.loads(row) for row in (options.speech / "manifest.jsonl").open(encoding="utf-8")]
    clips = [r for r in rows if _is_utterance(r) and split_of(r) == options.split]
    said, spans = _utterances(options.speech, clips)
    noise = _noises(options.speech, [r for r in rows if r["file"].startswith("noise/")])
    minutes = len(noise) / RATE / 60
    for peak in PEAKS_DBFS:
        print(f"\n**{len(clips)} utterances ({options.split}), peaks at {peak} dBFS; ", end="")
        print(f"{minutes:.0f} minutes of noise and music**\n")
        print(f"| | {' | '.join(LINES)} |\n|{'---|' * (len(LINES) + 1)}")
        heard = {line: _through(line, said * 10 ** (peak / 20)) for line in LINES}
        noises = {line: _through(line, noise)[0] for line in LINES}
        for name, ears in ROWS.items():
            cells = []
            for line in LINES:
                found = _found(_onsets(heard[line][0], ears), spans, heard[line][1])
                false = len(_onsets(noises[line], ears)) / minutes
                late = f"{np.median(found):.0f} / {np.percentile(found, 95):.0f}" if found else "–"
                cells.append(f"{len(found)} of {len(spans)}; {late}; {false:.1f}")
            print(f"| {name} | {' | '.join(cells)} |", flush=True)


def _is_utterance(row: dict[str, Any]) -> bool:
    return row["file"].startswith(FOLDERS) and 0.3 <= row["duration_s"] <= _LONGEST_S


def _narrow(path: Path) -> Pcm:
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    narrow = soxr.resample(pcm[:, 0], rate, RATE).astype(np.float32)
    return narrow / max(float(np.abs(narrow).max()), 1e-6)


def _utterances(speech: Path, clips: list[dict[str, Any]]) -> tuple[Pcm, list[tuple[float, float]]]:
    """All of them at full scale, and from when to when each is heard, in seconds."""
    rng = np.random.default_rng(1)
    pieces: list[Pcm] = []
    spans: list[tuple[float, float]] = []
    at = 0
    for clip in clips:
        pcm = _narrow(speech / clip["file"])
        gap = round(RATE * rng.uniform(3, 9))
        heard = sounds(pcm, RATE)
        start = at + gap
        spans.append((start / RATE + heard[0][0] / SECOND, start / RATE + heard[-1][1] / SECOND))
        pieces += [np.zeros(gap, np.float32), pcm]
        at = start + len(pcm)
    return np.concatenate(pieces), spans


def _noises(speech: Path, rows: list[dict[str, Any]]) -> Pcm:
    """All of them at -20 dBFS, a second between them."""
    gap = np.zeros(RATE, np.float32)
    return np.concatenate([p for r in rows for p in (0.1 * _narrow(speech / r["file"]), gap)])


def _through(line: str, pcm: Pcm) -> tuple[Pcm, float]:
    """What arrives, and the line's usual delay in seconds."""
    sent = (np.clip(pcm, -1, 1) * 32767).astype(np.int16)
    result = process_file(load_line(line), sent, RATE, drain_ms=500)
    return result.pcm.astype(np.float32) / 32768, float(np.median(result.trace.ingress_ms)) / 1000


def _onsets(pcm: Pcm, ears: Ears) -> list[float]:
    """When the gate knew of speech, in seconds."""
    settings = silero.Settings(sample_rate=ears.rate, clear_after_ms=ears.clear_after_ms)
    vad = silero.build(settings, Context(locate))
    gate, meter = SpeechGate(ears.gate), SoundMeter(ears.rate)
    if ears.rate != RATE:
        pcm = soxr.resample(pcm, RATE, ears.rate).astype(np.float32)
    return [
        frame.end / SECOND
        for frame in scored_frames(pcm, vad, meter)
        if isinstance(gate.handle(frame), SpeechConfirmed)
    ]


def _found(known: list[float], spans: list[tuple[float, float]], late: float) -> list[float]:
    """From each utterance's first sound until the gate knew, in ms; the missed ones left out."""
    delays: list[float] = []
    for start, end in spans:
        first = next(
            (at - late for at in known if start < at - late + _NEAR_S < end + 2 * _NEAR_S), None
        )
        if first is not None:
            delays.append(1000 * (first - start))
    return delays


if __name__ == "__main__":
    main()
