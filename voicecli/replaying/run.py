"""Runs a recorded caller against the agent, on either clock, and keeps what came of it."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

import numpy as np
import numpy.typing as npt
import soxr

from pipelines.engines.protocols import Vad
from pipelines.runtime.clock import Stopwatch
from pipelines.runtime.engines import Engines
from pipelines.runtime.realtime import run_realtime
from pipelines.runtime.speech_input import scored_frames
from pipelines.runtime.timeline import to_float
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.speech_gate import SpeechConfirmed, SpeechGate
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.lines import open_line
from voicecli.profile import Profile
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.bundle import write_bundle
from voicecli.recording.journal import JournalHeader
from voicecli.recording.labels import Labels, Turn
from voicecli.replaying.source import CallSource
from voicecli.report.call_report import CallReport, build_call_report
from voicecli.transports.caller_timing import Pace, PlayedSegment
from voicecli.transports.file_caller import FileCaller

Clock = Literal["virtual", "real"]

OPENING_S = 1.0
"""Before a responsive caller's first word, so that an agent may greet."""


@dataclass(frozen=True, slots=True)
class Setting:
    """Under what a call is run."""

    profile: Profile
    line: str
    seed: int = 0
    pace: Pace = "responsive"
    clock: Clock = "virtual"


@dataclass(frozen=True, slots=True)
class FinishedCall:
    """A call that was run, whole or broken off."""

    name: str
    header: JournalHeader
    entries: list[Entry]
    stereo: npt.NDArray[np.int16]
    """Shape (samples, 2) at the line's rate: caller as uttered, agent as heard by the caller."""
    labels: Labels | None
    """The caller's turns where they were played, in seconds of this call."""
    cut_ins: list[tuple[Nanos, Nanos]]
    wall_s: float

    policy: str | None = None
    """TOML laid over the profile's thresholds in this run; None if there was none."""

    @classmethod
    def of(
        cls,
        name: str,
        header: JournalHeader,
        entries: list[Entry],
        caller: FileCaller,
        *,
        labels: Labels | None,
        watch: Stopwatch,
        policy: str | None = None,
    ) -> Self:
        """What the caller and the journal hold when the run is over."""
        cut_ins = [(segment.start, segment.end) for segment in caller.played if segment.cut_in]
        wall_s = watch.elapsed() / SECOND
        return cls(name, header, entries, caller.stereo(), labels, cut_ins, wall_s, policy)

    def report(self) -> CallReport:
        """What there is to say of it."""
        return build_call_report(
            self.name, self.header, self.entries, self.stereo, self.labels,
            wall_s=self.wall_s, cut_ins=self.cut_ins,
        )  # fmt: skip

    def write(self, folder: Path, profile: str) -> None:
        """Leave the recording in a folder, with the TOML text of the profile it was run under."""
        write_bundle(
            folder, self.header, self.entries, self.stereo,
            profile=profile, policy=self.policy, labels=self.labels,
        )  # fmt: skip


def run_call(
    source: CallSource,
    setting: Setting,
    engines: Engines,
    progress: Callable[[Nanos], None] | None = None,
) -> FinishedCall:
    """Run one call; Ctrl-C ends it early and what there is comes back marked as partial.

    Raises:
        ProfileError: the line does not exist or is wrong.
    """
    uplink, downlink = open_line(setting.line, setting.seed)
    known = source.labels
    turns = known.turns if known is not None else find_speech(source.audio, engines.vad)
    caller = FileCaller(
        source.audio, turns, setting.pace, uplink=uplink, downlink=downlink,
        opening_s=OPENING_S if setting.pace == "responsive" else 0.0,
    )  # fmt: skip
    entries: list[Entry] = []
    run = (setting.profile.policy, engines, caller, entries.append, progress)
    watch, partial = Stopwatch(), False
    try:
        if setting.clock == "virtual":
            run_virtual(*run, today=source.today)
        else:
            asyncio.run(run_realtime(*run, today=source.today))
    except KeyboardInterrupt:
        partial = True
    metadata = {"line": setting.line, "seed": setting.seed, "pace": setting.pace,
                "clock": setting.clock, "source": source.name}  # fmt: skip
    header = JournalHeader(setting.profile.name, caller.rate, metadata, partial)
    labels = _where_played(source.labels, caller.played)
    return FinishedCall.of(source.name, header, entries, caller, labels=labels, watch=watch)


def _where_played(labels: Labels | None, played: list[PlayedSegment]) -> Labels | None:
    if labels is None:
        return None
    turns = (
        Turn(segment.start / SECOND, segment.end / SECOND, turn.text, turn.intent)
        for segment in played
        for turn in [labels.turns[segment.index]]
    )
    return Labels(tuple(turns), labels.source)


GATE = GatePolicy(pause_ms=200)
"""Shorter silences belong to the words around them."""


def find_speech(audio: CallAudio, vad: Vad) -> tuple[Turn, ...]:
    """Stretches of the caller's speech, in order, with neither text nor intent.

    Unlike a threshold on energy (`recording.segments`), a VAD tells speech from background.
    """
    pcm = to_float(audio.caller)
    if audio.rate != vad.sample_rate:
        pcm = soxr.resample(pcm, audio.rate, vad.sample_rate)
    gate, turns = SpeechGate(GATE), list[Turn]()
    onset: Nanos = 0
    for frame in scored_frames(pcm, vad):
        change = gate.handle(frame)
        if isinstance(change, SpeechConfirmed):
            onset = change.onset
        elif change is not None:
            turns.append(Turn(onset / SECOND, change.end / SECOND))
    if gate.speaking:
        turns.append(Turn(onset / SECOND, gate.silent_since / SECOND))
    return tuple(turns)
