"""A caller for the shells' tests: bursts of noise at set times, and ears."""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from pipelines.engines.protocols import StopSignal
from pipelines.engines.registry import Context, build_engine, engine_module
from pipelines.runtime.timeline import Samples
from pipelines.runtime.transport import Received
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.events import EngineKind
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import AgentPolicy, EndpointingPolicy, Policy
from pipelines.turn_taking.time import MILLISECOND, Nanos, from_ms

RATE = 8000
POLICY = Policy(
    agent=AgentPolicy(greeting="Hello there."),
    endpointing=EndpointingPolicy(
        weights=(("scripted", 1.0),),
        delays_ms=((0.0, 2200), (0.2, 1600), (0.5, 900), (0.8, 300), (0.95, 200)),
    ),
)
"""With a curve of its own, so that the default may be tuned."""


@dataclass
class Caller:
    """Speaks (loud noise) in each of `bursts_ms` and hangs up at `until_ms`."""

    bursts_ms: Sequence[tuple[int, int]]
    until_ms: int
    ingress: Nanos = 0
    egress: Nanos = 0
    rate: int = RATE
    heard: list[tuple[Nanos, bool]] = field(default_factory=list, init=False)
    _now: Nanos = field(default=0, init=False)

    def __post_init__(self) -> None:
        self._noise = np.random.default_rng(1)

    @property
    def finished(self) -> bool:
        return self._now >= from_ms(self.until_ms)

    def receive(self, now: Nanos) -> Received:
        self._now = now
        at = (now - self.ingress) / MILLISECOND
        loud = any(start < at <= end for start, end in self.bursts_ms)
        level = 6000 if loud else 0
        pcm = self._noise.normal(0, 1, 160) * level
        return Received(pcm.astype(np.int16), self.ingress)

    def send(self, frame: Samples | None, now: Nanos) -> None:
        self.heard.append((now, frame is not None))


class ScriptedEngines:
    """The scripted engine of every kind; any of them may be replaced."""

    def __init__(self, **replaced: Any) -> None:
        context = Context(locate=lambda name: (_ for _ in ()).throw(LookupError(name)))

        def build(kind: EngineKind, **settings: Any) -> Any:
            chosen = engine_module(kind, "scripted").Settings(**settings)
            return build_engine(kind, "scripted", chosen, context)

        self.vad = replaced.get("vad") or build("vad")
        self.asr = replaced.get("asr") or build("asr")
        self.llm = replaced.get("llm") or build("llm")
        self.tts = replaced.get("tts") or build("tts")
        detector = replaced.get("turn_detector") or build("turn_detector")
        self.tools = replaced.get("tools") or {}
        self.hooks = replaced.get("hooks") or {}
        self.agents = replaced.get("agents") or {}
        self.turn_detectors = {"scripted": detector}


@dataclass
class Llm:
    """Streams what it is told to, calling `each` before every piece."""

    pieces: Sequence[str]
    each: Callable[[], None] = lambda: None
    simulated_time: bool = True

    def prepare(self, history: History) -> None:
        del history

    def stream(self, history: History, stop: StopSignal) -> Iterator[str]:
        del history
        for piece in self.pieces:
            self.each()
            if stop.is_set():
                return
            yield piece


def verdicts(entries: list[Entry], verdict: str) -> list[Any]:
    """Decisions with this verdict."""
    return [
        entry
        for entry in entries
        if isinstance(entry, Issued) and getattr(entry.command, "verdict", "") == verdict
    ]
