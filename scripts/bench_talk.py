"""Measures a live call on a virtual sound card: what docs/TALK.md shows.

    .venv/bin/python scripts/bench_talk.py --for 60 [--loop -20] [--profile embedded]

Human speech is played into the microphone again and again, the loudspeaker is recorded, and with
--loop the loudspeaker is also heard by the microphone at that level in dB, as in a room.
"""

import argparse
import json
import resource
import subprocess
import sys
import tempfile
import threading
import time
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.latency import Distribution, distribution
from pipelines.turn_taking.time import MILLISECOND
from tests.voicecli.virtual_sound_card import VirtualCard, virtual_card
from voicecli.profile import load_profile
from voicecli.recording.journal import JournalHeader
from voicecli.replay.source import SHIPPED
from voicecli.replay.verify import verify
from voicecli.report.call_report import build_call_report
from voicecli.talk.keep import keep_call
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting
from voicecli.transports.base import RATE


def main() -> None:
    """Run one call and print what was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=60)
    parser.add_argument("--loop", type=float, help="level of the echo path in dB")
    parser.add_argument("--call", default="plain_turns", help="shipped recording of the caller")
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--line", default="clean")
    parser.add_argument("--silent", action="store_true", help="the caller says nothing")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the call's folder here")
    given = parser.parse_args()
    with virtual_card() as card, tempfile.TemporaryDirectory() as folder:
        if given.loop is not None:
            _echo_path(card, given.loop)
        setting = TalkSetting(
            load_profile(given.profile), given.line, seconds=given.seconds, record=given.keep
        )
        call = LiveCall(setting, print)
        heard = Path(folder) / "heard.wav"
        recorder = card.record(heard)
        began = time.monotonic()
        call.start()
        while call.stage is Stage.LOADING:
            time.sleep(0.005)
        ready = time.monotonic() - began
        cpu = _cpu()
        if not given.silent:
            stop = threading.Event()
            threading.Thread(target=_speak, args=(card, given.call, stop), daemon=True).start()
        call.join()
        used = _cpu() - cpu
        if not given.silent:
            stop.set()
        recorder.terminate()
        recorder.wait()
        keep_call(call)
        print(json.dumps(_report(call, ready, used, heard), indent=2))


def _echo_path(card: VirtualCard, level_db: float) -> None:
    card.load("module-loopback", "source=speaker.monitor", "sink=mic_feed", "latency_msec=30")
    inputs = subprocess.run(
        ["pactl", "list", "short", "sink-inputs"], check=True, capture_output=True, text=True
    ).stdout.splitlines()
    loop = inputs[-1].split()[0]
    subprocess.run(["pactl", "set-sink-input-volume", loop, f"{level_db}dB"], check=True)


def _speak(card: VirtualCard, name: str, stop: threading.Event) -> None:
    """Play the recorded caller again and again."""
    audio, rate = soundfile.read(next((SHIPPED / name).glob("caller.*")))
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "caller.wav"
        soundfile.write(path, audio, rate)
        time.sleep(3)
        while not stop.is_set():
            card.speak(path).wait()
            stop.wait(3)


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _report(call: LiveCall, ready: float, cpu: float, heard: Path) -> dict[str, object]:
    header = JournalHeader(call.setting.profile.name, RATE, {"line": call.line})
    report = build_call_report("bench", header, call.entries, call.stereo())
    journal = [t.turn.voice_to_voice for t in report.turns if t.turn.voice_to_voice is not None]
    waveform = [
        t.acoustic_voice_to_voice for t in report.turns if t.acoustic_voice_to_voice is not None
    ]
    stops = [b.silent_at_ear - b.onset for b in report.barge_ins if b.silent_at_ear is not None]
    health, difference = call.health, verify(call.entries, call.setting.profile.policy).difference
    return {
        "error": str(call.error) if call.error else None,
        "ready_s": round(ready, 2),
        "seconds": round(report.duration_s, 1),
        "turns": len(report.turns),
        "voice_to_voice_journal_ms": _ms(distribution(journal)),
        "voice_to_voice_waveform_ms": _ms(distribution(waveform)),
        "barge_in_onset_to_silence_ms": _ms(distribution(stops)),
        "interruptions": len(stops),
        "underruns": health.card.underruns,
        "overruns": health.card.overruns,
        "loop_lag_ms": {"typical": round(health.lag_ms, 1), "worst": round(health.worst_lag_ms, 1)},
        "cpu_percent_of_a_core": round(100 * cpu / max(report.duration_s, 1), 1),
        "recorded_vs_loudspeaker_ms": _agreement(call, heard),
        "replays_bit_for_bit": difference is None,
    }


def _agreement(call: LiveCall, heard: Path) -> float | None:
    """How much later the agent's first two sounds are apart on the loudspeaker than in the journal.

    The recorder's own start is unknown, so intervals are compared, not moments.
    """
    loudspeaker = soundfile.read(heard, dtype="int16")[0].astype(np.int32)
    ours = call.stereo()[:, 1].astype(np.int32)
    spans = [np.flatnonzero(np.abs(track) > 600) for track in (loudspeaker, ours)]
    if any(len(span) == 0 for span in spans):
        return None
    lengths = [(span[-1] - span[0]) / RATE * 1000 for span in spans]
    return round(lengths[0] - lengths[1], 1)


def _ms(found: Distribution | None) -> dict[str, float] | None:
    if found is None:
        return None
    values = {"p50": found.p50, "p95": found.p95, "max": found.max}
    return {"n": found.count} | {k: round(v / MILLISECOND) for k, v in values.items()}


if __name__ == "__main__":
    main()
