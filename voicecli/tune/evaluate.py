"""What a policy would have done in recorded calls, from their events alone."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType
from typing import Never

import numpy as np

from pipelines.latency import distribution
from pipelines.runtime.engines import Engines
from pipelines.runtime.timeline import Samples
from pipelines.runtime.transport import Received
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import Nanos
from voicecli.compare.truth import Outcome, judge
from voicecli.recording.bundle import Bundle
from voicecli.recording.labels import Labels
from voicecli.report.call_report import build_call_report
from voicecli.tune.estimate import estimated_answers

_SILENCE: Samples = np.zeros(160, np.int16)


@dataclass(frozen=True, slots=True)
class Score:
    """Both sides of the trade-off, over all calls."""

    cut_ins: int
    judged: int
    """Labelled turns in which the agent could have cut in."""
    missed: int
    median: float
    """Time to answer in nanoseconds; infinite if nothing was answered."""
    p95: float

    @property
    def cut_in_rate(self) -> float:
        """Cut-ins per turn."""
        return self.cut_ins / self.judged if self.judged else 0.0


class RecordedCall:
    """A labelled call, ready to be run under any policy."""

    def __init__(self, bundle: Bundle, labels: Labels) -> None:
        # Not the bundle itself: its audio is not needed, and other processes are sent this.
        self.folder = bundle.path
        self._name = bundle.path.name
        self._header = bundle.header
        self._entries = bundle.entries
        self._labels = labels

    def as_recorded(self) -> list[Outcome]:
        """What became of each labelled turn when the call was made."""
        return self._judged(self._entries)

    def outcomes(self, policy: Policy) -> list[Outcome]:
        """What would have become of each labelled turn."""
        entries: list[Entry] = []
        recorded_answers = estimated_answers(self._entries, self._header.rate)
        ends = self._entries[-1].at if self._entries else 0
        caller = _Absent(self._header.rate, ends)
        run_virtual(policy, _NoEngines(), caller, entries.append, recorded_answers=recorded_answers)
        return self._judged(entries)

    def _judged(self, entries: Sequence[Entry]) -> list[Outcome]:
        return judge(build_call_report(self._name, self._header, entries), self._labels)


def score(outcomes: Sequence[Outcome]) -> Score:
    """The outcomes in short."""
    waits = [o.latency for o in outcomes if o.kind == "answered" and o.latency is not None]
    kinds = [outcome.kind for outcome in outcomes]
    judged = sum(kind in {"answered", "missed", "cut in", "held"} for kind in kinds)
    spread = distribution(waits)
    never = float("inf")
    return Score(
        cut_ins=kinds.count("cut in"),
        judged=judged,
        missed=kinds.count("missed"),
        median=never if spread is None else spread.p50,
        p95=never if spread is None else spread.p95,
    )


@dataclass(slots=True)
class _Absent:
    """A caller whose voice is in the recorded answers already: nothing is heard or said."""

    rate: int
    ends: Nanos
    egress: Nanos = 0
    finished: bool = False

    def receive(self, now: Nanos) -> Received:
        self.finished = now >= self.ends
        return Received(_SILENCE, 0)

    def send(self, frame: Samples | None, now: Nanos) -> None:
        """Nobody listens."""


class _NoEngines:
    """Estimated answers are there for everything."""

    vad: Never
    asr: Never
    llm: Never
    tools: Never
    hooks: Never
    tts: Never
    turn_detectors: Never
    agents: Mapping[str, Engines] = MappingProxyType({})

    def __getattr__(self, name: str) -> Never:
        raise AssertionError(f"the {name} engine was asked in a search without engines")
