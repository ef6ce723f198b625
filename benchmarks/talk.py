"""Measures live calls in a room with an echo: what docs/benchmarks/talk.md shows.

    .venv/bin/python -m benchmarks.talk              # on a virtual sound card, in real time
    .venv/bin/python -m benchmarks.talk --simulated  # sample by sample, faster than that
    .venv/bin/python -m benchmarks.talk --loop -15 --call none --for 120

For each level of the echo path, a human with a shipped recording talks with the agent: answers when
it has finished, interrupts it and says "uh-huh" on cue. The loudspeaker is heard by the microphone
at that level in dB, as in a room; "off" is a room without echo. On the virtual card the human's
voice and the echo go through PulseAudio, in the simulation through `tests.voicecli.simulated_room`.
"""

import argparse
import json
import resource
import sys
import tempfile
import threading
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import soundfile

sys.path.insert(0, str(Path(__file__).resolve().parents[1]))

from pipelines.latency import Distribution, distribution
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from tests.voicecli.responsive_human import ResponsiveHuman, overlaps
from tests.voicecli.simulated_room import Room, talk_in_room
from tests.voicecli.virtual_sound_card import VirtualCard, virtual_card
from voicecli.engines import build_engines
from voicecli.profile import load_profile
from voicecli.recording.journal import JournalHeader
from voicecli.replaying.verify import verify
from voicecli.report.call_report import CallReport, build_call_report
from voicecli.talk import live_call
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting
from voicecli.transports.base import FRAME, RATE
from voicecli.transports.echo_cancellation import (
    EchoGuard,
    Played,
    Processing,
    ResidueGate,
    echo_guard,
)
from voicecli.transports.ring import Mono

_AUDIBLE = 0.003
_QUIET_DB = -200.0  # a room without echo


def main() -> None:
    """Run one call a level and print a table, then everything that was measured as JSON."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--for", dest="seconds", type=float, default=120)
    parser.add_argument("--loop", nargs="+", default=["-10", "-15", "-20", "-30"], metavar="DB")
    parser.add_argument("--call", default="barge_in", help='the human; "none" says nothing')
    parser.add_argument("--profile", default="embedded")
    parser.add_argument("--line", default="clean")
    parser.add_argument("--simulated", action="store_true", help="no sound card at all")
    parser.add_argument("--keep", type=Path, metavar="DIR", help="keep the calls' folders here")
    given = parser.parse_args()
    measured: dict[str, dict[str, object]] = {}
    print(_HEAD)
    for level in given.loop:
        loop_db = None if level == "off" else float(level)
        human = ResponsiveHuman(None if given.call == "none" else given.call)
        take = _simulated if given.simulated else _on_virtual_card
        measured[level] = take(given, loop_db, human)
        print(_row(level, measured[level]), flush=True)
    print(json.dumps(measured, indent=2))


_HEAD = """\
| echo path | self-interruptions | human interruptions obeyed | onset to silence, p50 / p95 ms | \
echo loss by the canceller, median dB | voice to voice, p50 ms |
|---|---|---|---|---|---|"""


def _row(level: str, result: dict[str, object]) -> str:
    stop, v2v = _pair(result["onset_to_silence_ms"]), _pair(result["voice_to_voice_journal_ms"])
    return (
        f"| {level} dB | {result['self_interruptions']} | {result['obeyed']} of {result['asked']} "
        f"| {stop} | {result['erle_db']} | {v2v.split(' /')[0]} |"
    )


def _pair(found: object) -> str:
    return f"{found['p50']} / {found['p95']}" if isinstance(found, dict) else "–"


@dataclass
class Meter:
    """A canceller and a note of what it took off, 20 ms at a time."""

    guard: EchoGuard
    losses_db: list[tuple[int, float]] = field(default_factory=list[tuple[int, float]])
    frames: int = 0

    def process(self, near: Mono, played: Played) -> Mono:
        """See `EchoGuard`."""
        cleaned = self.guard.process(near, played)
        self.frames += 1
        if played.audible:
            powers = [float(np.mean(np.square(x))) + 1e-12 for x in (near, cleaned)]
            self.losses_db.append((self.frames * FRAME, 10 * np.log10(powers[0] / powers[1])))
        return cleaned

    def median_db(self, human: ResponsiveHuman) -> float | None:
        """Over the frames in which the agent was heard and the human silent."""
        said = human.spoken()
        losses = [
            loss
            for at, loss in self.losses_db
            if not any(start - 10 * FRAME <= at <= end + 40 * FRAME for start, end in said)
        ]
        return round(float(np.median(losses)), 1) if losses else None


def _metered(processing: Processing) -> tuple[EchoGuard, Meter]:
    """The guard of a call, with a meter around the canceller inside."""
    guard, _ = echo_guard(processing)
    meter = Meter(guard.inner if isinstance(guard, ResidueGate) else guard)
    return ResidueGate(meter), meter


def _simulated(
    given: argparse.Namespace, loop_db: float | None, human: ResponsiveHuman
) -> dict[str, object]:
    profile = load_profile(given.profile)
    guard, meter = _metered(Processing())
    room = Room(loop_db=_QUIET_DB if loop_db is None else loop_db)
    entries, caller = talk_in_room(
        room, human, profile, build_engines(profile), guard, given.seconds
    )
    report = build_call_report(
        "bench", JournalHeader(profile.name, RATE, {}), entries, caller.stereo()
    )
    return _of_any_call(report, human, meter)


def _on_virtual_card(
    given: argparse.Namespace, loop_db: float | None, human: ResponsiveHuman
) -> dict[str, object]:
    setting = TalkSetting(
        load_profile(given.profile), given.line, seconds=given.seconds, record=given.keep
    )
    guard, meter = _metered(setting.processing)
    live_call.echo_guard = lambda _processing: (guard, "")
    with virtual_card() as card:
        if loop_db is not None:
            card.hear_speaker(loop_db)
        call = LiveCall(setting, print)
        began = time.monotonic()
        call.start()
        while call.stage is Stage.LOADING:
            time.sleep(0.005)
        ready = time.monotonic() - began
        cpu = _cpu()
        mouth = threading.Thread(target=_converse, args=(card, call, human), daemon=True)
        mouth.start()
        call.join()
        used = _cpu() - cpu
        mouth.join()
    header = JournalHeader(call.setting.profile.name, RATE, {"line": call.line})
    report = build_call_report("bench", header, call.entries, call.stereo())
    health, difference = call.health, verify(call.entries, call.setting.profile.policy).difference
    return _of_any_call(report, human, meter) | {
        "error": str(call.error) if call.error else None,
        "ready_s": round(ready, 2),
        "underruns": health.card.underruns,
        "overruns": health.card.overruns,
        "loop_lag_ms": {"typical": round(health.lag_ms, 1), "worst": round(health.worst_lag_ms, 1)},
        "cpu_percent_of_a_core": round(100 * used / max(report.duration_s, 1), 1),
        "replays_bit_for_bit": difference is None,
    }


def _of_any_call(report: CallReport, human: ResponsiveHuman, meter: Meter) -> dict[str, object]:
    journal = [t.turn.voice_to_voice for t in report.turns if t.turn.voice_to_voice is not None]
    waveform = [
        t.acoustic_voice_to_voice for t in report.turns if t.acoustic_voice_to_voice is not None
    ]
    found = overlaps(report.barge_ins, human)
    return {
        "seconds": round(report.duration_s, 1),
        "turns": len(report.turns),
        "self_interruptions": found.self_interruptions,
        "asked": found.asked,
        "obeyed": found.obeyed,
        "human_spoke_s": [[_s(start), _s(end)] for start, end in human.spoken()],
        "stops": [[_s(b.onset), b.text] for b in report.barge_ins if b.verdict == "interrupts"],
        "onset_to_silence_ms": _ms(distribution(found.stopped_in)),
        "erle_db": meter.median_db(human),
        "voice_to_voice_journal_ms": _ms(distribution(journal)),
        "voice_to_voice_waveform_ms": _ms(distribution(waveform)),
    }


def _converse(card: VirtualCard, call: LiveCall, human: ResponsiveHuman) -> None:
    """Speak into the microphone in real time, hearing how loud the loudspeaker is."""
    beep = np.full(160, 8000, np.int16)
    with tempfile.TemporaryDirectory() as folder:
        paths = [Path(folder) / f"{number}.wav" for number, _ in enumerate(human.turns)]
        for path, audio in zip(paths, human.turns, strict=True):
            soundfile.write(path, audio, RATE)
        began, frames, first, spoken = time.monotonic(), 0, call.now, 0
        while call.stage is Stage.TALKING and call.caller is not None:
            at = first + frames * FRAME
            human.hear(beep if call.caller.levels.agent > _AUDIBLE else None, at)
            human.say(at)
            if len(human.spoken()) > spoken:
                card.speak(paths[spoken])
                spoken += 1
            frames += 1
            time.sleep(max(0.0, began + frames * 0.02 - time.monotonic()))


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime


def _s(moment: Nanos) -> float:
    return round(moment / SECOND, 2)


def _ms(found: Distribution | None) -> dict[str, int] | None:
    if found is None:
        return None
    values = {"p50": found.p50, "p95": found.p95, "max": found.max}
    return {"n": found.count} | {k: round(v / MILLISECOND) for k, v in values.items()}


if __name__ == "__main__":
    main()
