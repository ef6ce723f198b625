"""Measures each engine against real time, and all of them in a call."""

import threading
from collections.abc import Callable, Iterator

import numpy as np
import numpy.typing as npt
import soxr

from pipelines.engines.protocols import Llm, StreamingAsr, Tts, TurnDetector, Vad
from pipelines.latency import summarise
from pipelines.runtime.clock import Stopwatch
from pipelines.runtime.engines import Engines
from pipelines.turn_taking.commands import Message
from pipelines.turn_taking.time import MILLISECOND
from voicecli.doctor.finding import Finding, Verdict
from voicecli.profile import Profile
from voicecli.recording.audio_file import read_call_audio
from voicecli.replaying.run import Setting, run_call
from voicecli.replaying.source import SHIPPED, open_call
from voicecli.report.bars import VOICE_TO_VOICE

_SENTENCE = "Of course, I can help you with that."
_HISTORY = (Message("system", "You are a receptionist."), Message("caller", "Are you open today?"))
_ROUNDS = 3


def engine_speeds(engines: Engines) -> Iterator[Finding]:
    """One finding an engine: how long it takes, and how that compares with the sound's length."""
    speech = _speech(engines.asr.sample_rate)
    yield _vad(engines.vad)
    yield _asr(engines.asr, speech)
    for name, detector in engines.turn_detectors.items():
        yield _detector(name, detector, speech)
    yield _llm(engines.llm)
    yield _tts(engines.tts)


def call_speed(profile: Profile, engines: Engines) -> Finding:
    """Voice-to-voice of a shipped call run through the whole agent."""
    call = run_call(open_call("plain_turns"), Setting(profile, profile.line), engines)
    found = summarise(report.turn for report in call.report().turns).voice_to_voice
    if found is None:
        return Finding("voice to voice", "failed", "the agent answered no turn of a shipped call.")
    p50, p95 = (round(value / MILLISECOND) for value in (found.p50, found.p95))
    band = VOICE_TO_VOICE.name(round(found.p50))
    verdict: Verdict = "ok" if band in {"natural", "acceptable"} else "warning"
    sentence = f"p50 {p50} ms ({band}), p95 {p95} ms, without the sound card's own delay"
    return Finding("voice to voice", verdict, sentence, {"p50_ms": p50, "p95_ms": p95})


def _speech(rate: int) -> npt.NDArray[np.float32]:
    """Three seconds of the shipped caller, shape (3 * rate,)."""
    pcm = read_call_audio(SHIPPED / "plain_turns" / "caller.flac").caller
    start = int(np.argmax(np.abs(pcm) > 1000))
    floats = pcm[start : start + 24_000] / np.float32(32768)
    return soxr.resample(floats, 8000, rate).astype(np.float32)


def _timed(work: Callable[[], object]) -> float:
    """The fastest of a few rounds, in ms: what the engine can do, not what disturbed it."""
    took: list[float] = []
    for _ in range(_ROUNDS):
        watch = Stopwatch()
        work()
        took.append(watch.elapsed() / MILLISECOND)
    return min(took)


def _finding(name: str, ms: float, audio_ms: float, what: str) -> Finding:
    factor = ms / audio_ms
    verdict: Verdict = "ok" if factor < 0.5 else "warning" if factor < 1 else "failed"
    sentence = f"{what} in {ms:.1f} ms: {1 / factor:,.0f} times real time"
    if verdict != "ok":
        sentence += "; choose a smaller model, or close other programs."
    return Finding(name, verdict, sentence, {"ms": round(ms, 2), "factor": round(factor, 4)})


def _vad(vad: Vad) -> Finding:
    frame = np.zeros(vad.frame_samples, np.float32)
    ms = _timed(lambda: vad.probability(frame))
    vad.reset()
    length = vad.frame_samples / vad.sample_rate * 1000
    return _finding("vad", ms, length, f"{length:.0f} ms of sound judged")


def _asr(asr: StreamingAsr, speech: npt.NDArray[np.float32]) -> Finding:
    def transcribe() -> None:
        asr.reset()
        asr.feed(speech)
        asr.finish()

    ms = _timed(transcribe)
    asr.reset()
    return _finding("asr", ms, 3000, "3 s of speech transcribed")


def _detector(name: str, detector: TurnDetector, speech: npt.NDArray[np.float32]) -> Finding:
    audio = speech if detector.audio_seconds else np.zeros(0, np.float32)
    asked = iter("123456789")  # each time other words: some remember what they have read
    ms = _timed(lambda: detector.end_of_turn(_HISTORY[:1], f"Are you open at {next(asked)}", audio))
    # A judgement must be there before the shortest silence that ends a turn: 200 ms.
    verdict: Verdict = "ok" if ms < 150 else "warning"
    return Finding(f"turn detector {name}", verdict, f"judges in {ms:.0f} ms", {"ms": round(ms, 1)})


def _llm(llm: Llm) -> Finding:
    stop = threading.Event()
    watch = Stopwatch()
    pieces = llm.stream(_HISTORY, stop)
    next(pieces, None)
    first = watch.elapsed() / MILLISECOND
    count = sum(1 for _ in pieces)
    rest_s = (watch.elapsed() / MILLISECOND - first) / 1000
    speed = count / rest_s if rest_s > 0 and count else 0.0
    # People speak about three words a second; the reply must be written faster.
    verdict: Verdict = "ok" if first < 500 and (speed > 8 or not count) else "warning"
    sentence = f"first words after {first:.0f} ms, then {speed:.0f} pieces a second"
    numbers = {"first_ms": round(first, 1), "pieces_per_s": round(speed, 1)}
    return Finding("llm", verdict, sentence, numbers)


def _tts(tts: Tts) -> Finding:
    stop = threading.Event()
    samples = sum(len(chunk) for chunk in tts.synthesize(_SENTENCE, stop))
    ms = _timed(lambda: list(tts.synthesize(_SENTENCE, stop)))
    audio_ms = max(1.0, samples / tts.sample_rate * 1000)
    return _finding("tts", ms, audio_ms, f"{audio_ms / 1000:.1f} s of speech made")
