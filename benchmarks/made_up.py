"""Prints how many words a minute recognisers make up where nobody speaks, for docs/ENGINES.md.

    .venv/bin/python -m benchmarks.made_up SPEECH

SPEECH has a `manifest.jsonl` as `benchmarks/human_calls.py` says; silence, noise, music and
breath are made here. Not gated: every 5 s are an utterance. Gated: only what the voice gate takes
for speech is. A cell: words without the limits on doubtful text / with them / gated as well.
"""

import argparse
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import soundfile
import soxr

from pipelines.engines.protocols import StreamingAsr
from pipelines.engines.registry import Context, build_engine, engine_module
from pipelines.engines.vad import silero
from pipelines.runtime.sound import SoundMeter
from pipelines.runtime.speech_input import scored_frames
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.speech_gate import SpeechConfirmed, SpeechGate, SpeechPaused
from pipelines.turn_taking.time import SECOND
from telephony_sim.file import process_file
from telephony_sim.spec import load_line
from voicecli.models.store import locate

RATE = 8000
PIECE_S = 5
MADE_S = 30
MOST_S = 60
FILES = {
    "coughs and sneezes": ("cough", "sneeze"),
    "rain, engines, dogs, typing": ("rain", "engine", "dog_bark", "keyboard", "helicopter"),
}
NO_LIMITS = {
    "moonshine": {"min_log_probability": -1000.0},
    "faster_whisper": {
        "min_log_probability": -1000.0, "no_speech": 1.0, "max_compression_ratio": 1000.0,
    },
}  # fmt: skip
ENGINES = (
    ("moonshine", "moonshine-tiny-en"),
    ("faster_whisper", "whisper-tiny.en"),
    ("faster_whisper", "whisper-base"),
)
Pcm = npt.NDArray[np.float32]


def main() -> None:
    """Print the table."""
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("speech", type=Path)
    kinds = dict(_kinds(parser.parse_args().speech))
    print(f"| | seconds | {' | '.join(weights for _, weights in ENGINES)} |\n|---|---|", end="")
    print("---|" * len(ENGINES))
    pairs = [
        tuple(_build(name, weights=weights, **more) for more in (NO_LIMITS[name], {}))
        for name, weights in ENGINES
    ]
    for kind, pcm in kinds.items():
        minutes = len(pcm) / RATE / 60
        size = PIECE_S * RATE
        pieces = [pcm[at : at + size] for at in range(0, len(pcm), size)]
        gated = list(_gated(pcm))
        cells = [
            " / ".join(
                f"{sum(_words(asr, piece) for piece in given) / minutes:.0f}"
                for asr, given in ((free, pieces), (asr, pieces), (asr, gated))
            )
            for free, asr in pairs
        ]
        print(f"| {kind} | {60 * minutes:.0f} | {' | '.join(cells)} |", flush=True)


def _build(name: str, **settings: Any) -> StreamingAsr:
    return build_engine(
        "asr", name, engine_module("asr", name).Settings(**settings), Context(locate)
    )


def _words(asr: StreamingAsr, pcm: Pcm) -> int:
    asr.reset()
    asr.feed(soxr.resample(pcm, RATE, asr.sample_rate).astype(np.float32))
    return len(asr.finish().text.split())


def _kinds(speech: Path) -> Iterator[tuple[str, Pcm]]:
    rng = np.random.default_rng(1)
    silence = np.zeros(MADE_S * RATE, np.float32)
    yield "digital silence", silence
    sent = process_file(load_line("mobile"), silence.astype(np.int16), RATE, drain_ms=0)
    yield "silence through `mobile`", (sent.pcm / 32768).astype(np.float32)
    noise = rng.normal(0, 1, len(silence)).astype(np.float32)
    yield "white noise at -45 dBFS", noise * np.float32(10 ** (-45 / 20))
    yield "a tune in chords", _tune()
    yield "breathing", _breaths(rng)
    for kind, names in FILES.items():
        paths = sorted(p for p in (speech / "noise").iterdir() if any(n in p.name for n in names))
        yield kind, np.concatenate([_narrow(path) for path in paths])[: MOST_S * RATE]


def _narrow(path: Path) -> Pcm:
    """At -20 dBFS, with a second of silence after it."""
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    narrow = soxr.resample(pcm[:, 0], rate, RATE).astype(np.float32)
    narrow *= np.float32(0.1 / max(float(np.abs(narrow).max()), 1e-6))
    return np.concatenate((narrow, np.zeros(RATE, np.float32)))


def _tune() -> Pcm:
    """Chords of three harmonics each, half a second long, at -20 dBFS."""
    time = np.arange(RATE // 2) / RATE
    fade = np.minimum(1, np.minimum(time, time[::-1]) / 0.02)
    chords = ((60, 64, 67), (57, 60, 64), (65, 69, 72), (67, 71, 74))
    bars = [
        fade
        * sum(
            np.sin(2 * np.pi * h * 440 * 2 ** ((note - 69) / 12) * time) / h
            for note in (*chords[beat // 4 % 4], 72 + (beat * 5) % 12)
            for h in (1, 2, 3)
        )
        for beat in range(2 * MADE_S)
    ]
    tune = np.concatenate(bars)
    return (0.1 * tune / np.abs(tune).max()).astype(np.float32)


def _breaths(rng: np.random.Generator) -> Pcm:
    """A breath of 0.9 s every three seconds: noise of 300 to 2,500 Hz, at most -35 dBFS."""
    pcm = np.zeros(MADE_S * RATE, np.float32)
    size = RATE * 9 // 10
    taps = np.arange(-100, 101)
    band = 2 * 2500 / RATE * np.sinc(2 * 2500 / RATE * taps) - 600 / RATE * np.sinc(
        600 / RATE * taps
    )
    for start in range(RATE, len(pcm) - size, 3 * RATE):
        breath = np.convolve(rng.normal(0, 1, size), band, "same") * np.hanning(size)
        pcm[start : start + size] = 10 ** (-35 / 20) * breath / np.abs(breath).max()
    return pcm


def _gated(pcm: Pcm) -> Iterator[Pcm]:
    """What the gate takes for speech, with the audio around it that a call adds."""
    vad = silero.build(silero.Settings(sample_rate=RATE), Context(locate))
    policy = GatePolicy()
    gate, onset = SpeechGate(policy), None
    for frame in scored_frames(pcm, vad, SoundMeter(RATE)):
        change = gate.handle(frame)
        if isinstance(change, SpeechConfirmed):
            onset = change.onset
        elif isinstance(change, SpeechPaused) and onset is not None:
            first = max(0, round(onset / SECOND * RATE) - policy.pre_roll_ms * RATE // 1000)
            yield pcm[
                first : round(change.faded / SECOND * RATE) + policy.post_roll_ms * RATE // 1000
            ]
            onset = None
    if onset is not None:
        yield pcm[round(onset / SECOND * RATE) :]


if __name__ == "__main__":
    main()
