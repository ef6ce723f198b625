"""The default voice detector through every phone line: it hears whoever speaks after a quiet.

The voice is a person's (the recording that the moonshine-voice package ships); where the speech
data of `VOICECLI_SPEECH_DATA` is present, forty others speak as well.
"""

import importlib.util
import json
import os
from functools import cache
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest
import soundfile
import soxr

from pipelines.engines.registry import Context
from pipelines.engines.vad import silero
from pipelines.runtime.sound import SoundMeter
from pipelines.runtime.speech_input import scored_frames
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.speech_gate import SpeechGate
from pipelines.turn_taking.time import SECOND
from telephony_sim.file import process_file
from telephony_sim.spec import line_names, load_line
from voicecli.errors import VoicecliError
from voicecli.models import store
from voicecli.report.acoustic import sounds

pytestmark = pytest.mark.weights

RATE = 8000
DATA = Path(
    os.environ.get("VOICECLI_SPEECH_DATA", Path(__file__).parents[3] / "shared/data/speech")
)
SPOKEN_S = ((0.3, 1.2), (1.8, 2.8), (3.4, 4.2), (4.8, 5.6), (6.6, 7.4), (8.1, 8.9))
ALIGNED = {
    "librivox_austen_0880": "librivox_austen_0880.words.json",
    "librivox_austen_0890": "librivox_austen_0890.words.json",
    "librivox_austen_0930": "librivox_austen_0930.words.json",
    "ls_1272-128104-0000": "ls_1272-128104-0000.json",
}
"""Read sentences with word times, and the files that have these."""
BACKGROUNDS = ("silence", "line noise", "comfort noise", "hold music", "the agent's echo")


@cache
def detector():
    try:
        return silero.build(silero.Settings(sample_rate=RATE), Context(locate=store.locate))
    except VoicecliError as error:
        if os.environ.get("VOICECLI_REQUIRE_WEIGHTS") == "1":
            pytest.fail(str(error))
        pytest.skip(str(error))


def narrow(path, start_s=0.0, end_s=None):
    pcm, rate = soundfile.read(path, dtype="float32", always_2d=True)
    last = None if end_s is None else round(end_s * rate)
    return soxr.resample(pcm[round(start_s * rate) : last, 0], rate, RATE).astype(np.float32)


@cache
def utterances():
    """What one person says without a pause, from Beckett's "Worstward Ho"; begins with a sound."""
    assets = importlib.util.find_spec("moonshine_voice").submodule_search_locations[0]
    pieces = [narrow(Path(assets) / "assets" / "beckett.wav", *span) for span in SPOKEN_S]
    pieces = [piece / np.abs(piece).max() for piece in pieces]
    return [piece[np.argmax(np.abs(piece) > 0.1) :] for piece in pieces]


def background(kind, samples, rng):
    """Sound that is no caller's speech, at a level of its own."""
    time = np.arange(samples) / RATE
    if kind == "line noise":
        return rng.normal(0, 10 ** (-65 / 20), samples)
    if kind == "comfort noise":
        return np.convolve(rng.normal(0, 10 ** (-50 / 20), samples), np.ones(8) / 8, "same")
    if kind == "hold music":  # three voices of a tune, each note struck anew
        notes = 220 * 2 ** (rng.integers(0, 24, (3, samples // 2000 + 1)) / 12)
        decay = np.exp(-(np.arange(samples) % 2000) / 1200)
        tones = np.sin(2 * np.pi * np.cumsum(np.repeat(notes, 2000, 1)[:, :samples], 1) / RATE)
        return tones.sum(0) * decay * 0.02
    if kind == "the agent's echo":  # 35 dB below the caller
        spoken = np.concatenate(utterances())
        return np.resize(spoken, samples) * 0.3 * 10 ** (-35 / 20)
    assert kind == "silence"
    return 0 * time


def conversation(kinds, gaps_s, peaks_dbfs, spoken):
    """Utterances after gaps, as sent; and where each begins and ends, in seconds."""
    rng = np.random.default_rng(11)
    parts, spans, at = [], [], 0
    for index, utterance in enumerate(spoken):
        gap = round(gaps_s[index % len(gaps_s)] * RATE)
        parts.append(background(kinds[index % len(kinds)], gap, rng))
        parts.append(utterance * 10 ** (peaks_dbfs[index % len(peaks_dbfs)] / 20))
        spans.append(((at + gap) / RATE, (at + gap + len(utterance)) / RATE))
        at += gap + len(utterance)
    return np.concatenate([*parts, np.zeros(RATE)]), spans


def hear(line, sent, note=lambda at, gate: None):
    """The gate when it has heard it all, and the line's delay in seconds; told chunk by chunk."""
    through = process_file(load_line(line), (sent * 32767).astype(np.int16), RATE, drain_ms=600)
    pcm = through.pcm.astype(np.float32) / 32768
    gate = SpeechGate(GatePolicy())
    for frame in scored_frames(pcm, detector(), SoundMeter(RATE)):
        gate.handle(frame)
        note(frame.end, gate)
    return gate, float(np.median(through.trace.ingress_ms)) / 1000


def listen(line, sent):
    """Each chunk's end in seconds of the caller's time, and whether the gate knew of speech then.

    That time is that of the middle of the line's delay, so a jittery line adds to it.
    """
    at, speaking = [], []

    def note(last, gate):
        at.append(last / SECOND)
        speaking.append(gate.speaking)

    _, late = hear(line, sent, note)
    return np.array(at) - late, np.array(speaking)


def delays(heard, spans):
    """From each utterance's beginning until the gate knew of it; those that it missed are left out.

    At once, if the gate took what came before for speech already.
    """
    at, speaking = heard
    known = [at[speaking & (at >= start) & (at < end + 0.4)] for start, end in spans]
    return [times[0] - start for times, (start, _) in zip(known, spans, strict=True) if len(times)]


@pytest.mark.parametrize("line", line_names())
@pytest.mark.parametrize("kind", BACKGROUNDS)
def test_speech_after_a_gap_is_found_at_once(line, kind):
    spoken = utterances()
    sent, spans = conversation([kind], (0.5, 2, 10), (-10, -22, -16, -22, -10, -16), spoken)
    found = delays(listen(line, sent), spans)
    assert len(found) == len(spoken)
    assert np.median(found) <= 0.25  # of which up to 50 are jitter and the codec's own delay


@pytest.mark.parametrize("line", ["clean", "pstn"])
def test_a_minute_of_quiet_makes_nobody_unheard(line):
    sent, spans = conversation(["silence", "line noise"], (60,), (-10, -22), utterances()[:4])
    assert len(delays(listen(line, sent), spans)) == 4


@pytest.mark.parametrize("line", ["clean", "pstn", "mobile"])
def test_people_are_found_after_gaps(line):
    if not (DATA / "manifest.jsonl").is_file():
        pytest.skip("no speech data here")
    rows = [json.loads(row) for row in (DATA / "manifest.jsonl").open(encoding="utf-8")]
    clips = [
        narrow(DATA / row["file"])
        for row in rows
        if row["file"].startswith(("commands/", "read/", "turns/"))
        and 0.5 <= row["duration_s"] <= 6
    ][:40]
    spoken = [clip / np.abs(clip).max() for clip in clips]
    gaps = np.random.default_rng(1).uniform(3, 9, 40)
    sent, spans = conversation(BACKGROUNDS[:3], list(gaps), (-10,), spoken)
    at, speaking = heard = listen(line, sent)
    assert len(delays(heard, spans)) >= 38  # two whisper
    begun = at[1:][speaking[1:] & ~speaking[:-1]]
    quiet = [(a[1] + 0.5, b[0] - 0.2) for a, b in pairwise(spans)]
    assert sum(int(((begun > a) & (begun < b)).sum()) for a, b in quiet) <= 1


def words(name):
    """When the first word of a read sentence begins and the last one ends, by forced alignment."""
    told = json.loads((DATA / "read" / "labels" / name).read_text(encoding="utf-8"))
    if "w" in told:
        spoken = [word for word in told["w"] if not word["t"].startswith("<")]
        return spoken[0]["b"], spoken[-1]["b"] + spoken[-1]["d"]
    return told["words"][0]["start_sec"], told["words"][-1]["end_sec"]


def test_both_clocks_agree_with_each_other_and_with_known_word_times():
    """The ear's on the recording, the gate's behind a phone line; alignments are good to 60 ms."""
    if not (DATA / "manifest.jsonl").is_file():
        pytest.skip("no speech data here")
    apart = []
    for clip, labels in ALIGNED.items():
        spoken = narrow(DATA / "read" / f"{clip}.flac")
        pcm = np.concatenate((np.zeros(RATE), spoken, np.zeros(RATE)))
        pcm *= 0.3 / np.abs(pcm).max()
        ear = sounds((pcm * 32767).astype(np.int16), RATE)[-1][1] / SECOND
        assert ear - 1 == pytest.approx(words(labels)[1], abs=0.07)
        gate, late = hear("pstn", pcm)
        apart.append(abs(gate.last_sound / SECOND - late - ear))
    assert np.median(apart) <= 0.02
    assert max(apart) <= 0.2  # the f of "himself", which the line does not carry
