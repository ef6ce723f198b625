"""Measures how true the moments of `voicecli talk` are: what docs/benchmarks/talk.md shows.

    .venv/bin/python -m benchmarks.sound_card [--turns 10]

The loudspeaker and the microphone are one virtual room, so that a single recording holds both
voices on one clock that voicecli knows nothing of. The caller is a person, the agent a tone that
begins at full strength: what is found is the sound card's share, and the speech's.
"""

import argparse
import json
import statistics
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.latency import Turn, fold_turns
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from tests.voicecli.virtual_sound_card import VirtualCard, virtual_card
from voicecli.profile import SHIPPED as PROFILES
from voicecli.profile import load_profile
from voicecli.recording.labels import read_labels
from voicecli.replaying.source import SHIPPED as CALLS
from voicecli.report.acoustic import AcousticEar
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting
from voicecli.transports.base import RATE
from voicecli.transports.echo_cancellation import Processing

_ASKED = "How long will it take?"


def main() -> None:
    """Make one call and print, as JSON, by how much each way of measuring differs."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--turns", type=int, default=10)
    turns = parser.parse_args().turns
    with virtual_card() as card, tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        words, profile = _words(folder), _profile(folder)
        card._run("pactl", "set-default-sink", "mic_feed")  # where the microphone listens
        recorder = card.start(
            "parecord", "--device=mic_feed.monitor", f"--rate={RATE}", "--channels=1",
            "--format=s16le", "--file-format=wav", "--latency-msec=20", str(folder / "room.wav"),
        )  # fmt: skip
        setting = TalkSetting(load_profile(str(profile)), "clean",
                              processing=Processing(half_duplex=True))  # fmt: skip
        call = LiveCall(setting, print)
        call.start()
        _converse(call, card, words, turns)
        call.hang_up()
        call.join(10)
        recorder.terminate()
        recorder.wait()
        room, _ = soundfile.read(folder / "room.wav", dtype="int16")
    print(json.dumps(_report(call, np.asarray(room)), indent=2))


def _words(folder: Path) -> Path:
    """One short question of the shipped caller, cut where it begins and ends."""
    audio, rate = soundfile.read(CALLS / "plain_turns" / "caller.flac")
    labels = read_labels(CALLS / "plain_turns" / "labels.json")
    turn = next(turn for turn in labels.turns if turn.text == _ASKED)
    clip = audio[round((turn.start_s - 0.3) * rate) : round((turn.end_s + 0.5) * rate)]
    soundfile.write(folder / "words.wav", clip, rate)
    return folder / "words.wav"


def _profile(folder: Path) -> Path:
    text = (PROFILES / "scripted.toml").read_text(encoding="utf-8").replace(
        '[vad]\nengine = "scripted"', '[vad]\nengine = "silero"\nsample_rate = 8000'
    )  # fmt: skip
    (folder / "tone.toml").write_text(text, encoding="utf-8")
    return folder / "tone.toml"


def _converse(call: LiveCall, card: VirtualCard, words: Path, turns: int) -> None:
    while call.stage is Stage.LOADING or call.now < 3 * SECOND:
        time.sleep(0.05)
    for _ in range(turns):
        card.speak(words).wait()
        time.sleep(4)  # the answer is heard


def _report(call: LiveCall, room: np.ndarray) -> dict[str, object]:
    found: dict[str, list[float]] = {
        "journal": [], "call.wav": [], "room": [],
        "caller's end, call.wav later than journal": [],
        "agent's onset, call.wav later than journal": [],
    }  # fmt: skip
    stereo = call.stereo()
    shift = _shift(stereo, room)
    ear = AcousticEar(stereo, RATE)
    for turn in fold_turns(call.entries):
        if turn.voice_to_voice is None:
            continue
        end, reply = turn.end, turn.end + turn.voice_to_voice
        last, first = (ours := ear.gap(end, reply)).last, ours.first
        theirs = _in_room(room, shift, turn)
        if last is None or first is None or theirs is None:
            continue
        found["journal"].append(turn.voice_to_voice / MILLISECOND)
        found["call.wav"].append((first - last) / MILLISECOND)
        found["room"].append(theirs / MILLISECOND)
        found["caller's end, call.wav later than journal"].append((last - end) / MILLISECOND)
        found["agent's onset, call.wav later than journal"].append((first - reply) / MILLISECOND)
    medians = {name: round(statistics.median(each)) for name, each in found.items() if each}
    return {
        "turns": len(found["room"]),
        "median_ms": medians,
        "room_minus_call_wav_ms": [
            round(a - b) for a, b in zip(found["room"], found["call.wav"], strict=True)
        ],
        "underruns": call.health.card.underruns,
    }


def _shift(stereo: np.ndarray, room: np.ndarray) -> Nanos:
    """How much later the room's recording has what the call heard, by the likeness of both."""
    both = stereo.astype(np.float64).sum(axis=1)
    ours, theirs = (np.abs(each.astype(np.float64)) for each in (both, room))
    size = 2 ** int(np.ceil(np.log2(len(ours) + len(theirs))))
    likeness = np.fft.irfft(np.conj(np.fft.rfft(ours, size)) * np.fft.rfft(theirs, size))
    best = int(likeness.argmax())
    return (best if best < size // 2 else best - size) * SECOND // RATE


def _in_room(room: np.ndarray, shift: Nanos, turn: Turn) -> Nanos | None:
    """Voice to voice as the room's one recording has it."""
    reply = turn.end + (turn.voice_to_voice or 0)
    middle = shift + (turn.end + reply) // 2
    cut = middle * RATE // SECOND
    caller, agent = room.copy(), room.copy()
    caller[cut:] = 0
    agent[:cut] = 0
    ear = AcousticEar(np.stack((caller, agent), axis=1), RATE)
    return ear.gap(turn.end + shift, reply + shift).duration


if __name__ == "__main__":
    main()
