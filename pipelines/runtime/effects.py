"""Turns the core's commands to think and to speak into work for engines."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial

import numpy as np
import soxr

from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery, Lanes, Work
from pipelines.runtime.playout import Playout
from pipelines.runtime.timeline import Samples, Timeline, to_float, to_int16
from pipelines.turn_taking.commands import (
    CancelReply,
    Command,
    GenerateReply,
    PrepareReply,
    ScoreEndOfTurn,
    SynthesizeClause,
)
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    EndOfTurnScored,
    EngineKind,
    JobId,
    ReplyCompleted,
    ReplyPrepared,
    ReplyTextReceived,
)
from pipelines.turn_taking.time import SECOND, Nanos


class Effects:
    """Detectors, LLM and synthesiser, each on its lane.

    A detector that works on the reply LLM shares the LLM's lane.
    """

    def __init__(
        self, engines: Engines, timeline: Timeline, playout: Playout, lanes: Lanes
    ) -> None:
        self._engines = engines
        self._timeline = timeline
        self._playout = playout
        self._lanes = lanes
        self._clauses: defaultdict[JobId, list[JobId]] = defaultdict(list)

    def carry_out(self, command: Command) -> None:
        """Start or stop work; commands that ask for none are passed over."""
        match command:
            case ScoreEndOfTurn():
                for name in command.detectors:
                    self._score(name, command)
            case PrepareReply():
                self._submit(command.job, "llm", partial(self._prepare, command))
            case GenerateReply():
                self._submit(command.job, "llm", partial(self._generate, command))
            case SynthesizeClause():
                self._clauses[command.reply].append(command.job)
                self._submit(command.job, "tts", partial(self._synthesize, command))
            case CancelReply():
                for clause in self._clauses.pop(command.job, []):
                    self._lanes.cancel(clause)
                    self._playout.forget(clause)
                self._lanes.cancel(command.job)
            case _:
                pass

    def _submit(self, job: JobId, kind: EngineKind, run: partial[Iterator[Delivery]]) -> None:
        engine = self._engines.llm if kind == "llm" else self._engines.tts
        modelled = getattr(engine, "modelled", False)
        self._lanes.submit(Work(job, kind, kind, run, modelled))

    # -- on the lanes -------------------------------------------------------------------------

    def _score(self, name: str, command: ScoreEndOfTurn) -> None:
        detector = self._engines.turn_detectors[name]
        seconds = round(detector.audio_seconds * SECOND)
        start = max(command.start, command.until - seconds)
        pcm = self._timeline.read(start, command.until) if seconds else np.zeros(0, np.int16)
        rate = self._timeline.rate

        def run(_stop: StopSignal) -> Iterator[Delivery]:
            audio = to_float(pcm)
            if len(audio) and rate != detector.sample_rate:
                audio = soxr.resample(audio, rate, detector.sample_rate, quality="MQ")
            p = round(float(detector.end_of_turn(command.history, command.text, audio)), 4)
            yield lambda at: EndOfTurnScored(at, command.job, name, p)

        lane = "llm" if detector.uses_llm else "turn_detector"
        modelled = getattr(detector, "modelled", False)
        self._lanes.submit(Work(command.job, "turn_detector", lane, run, modelled))

    def _prepare(self, command: PrepareReply, _stop: StopSignal) -> Iterator[Delivery]:
        self._engines.llm.prepare(command.history)
        yield lambda at: ReplyPrepared(at, command.job)

    def _generate(self, command: GenerateReply, stop: StopSignal) -> Iterator[Delivery]:
        for piece in self._engines.llm.stream(command.history, stop):
            yield partial(_text_received, command.job, piece)
        if not stop.is_set():
            yield lambda at: ReplyCompleted(at, command.job)

    def _synthesize(self, command: SynthesizeClause, stop: StopSignal) -> Iterator[Delivery]:
        tts, rate = self._engines.tts, self._timeline.rate
        resampler = None
        if tts.sample_rate != rate:
            resampler = soxr.ResampleStream(tts.sample_rate, rate, 1, quality="HQ")
        started = False
        for chunk in tts.synthesize(command.text, stop):
            pcm = chunk if resampler is None else resampler.resample_chunk(chunk)
            if len(pcm) and started:
                yield partial(self._add_audio, command.job, to_int16(pcm))
            elif len(pcm):
                started = True
                yield partial(self._deliver_audio, command.job, to_int16(pcm), False)
        if not stop.is_set():
            rest: Pcm = np.zeros(0, np.float32)
            if resampler is not None:
                rest = resampler.resample_chunk(rest, last=True)
            yield partial(self._deliver_audio, command.job, to_int16(rest), True)

    def _add_audio(self, job: JobId, pcm: Samples, _at: Nanos) -> None:
        """More of what is playing already is nothing the core need know."""
        self._playout.add(job, pcm, complete=False)

    def _deliver_audio(
        self, job: JobId, pcm: Samples, complete: bool, at: Nanos
    ) -> ClauseSynthesized:
        audio = self._playout.add(job, pcm, complete=complete)
        return ClauseSynthesized(at, job, audio, complete)


def _text_received(job: JobId, text: str, at: Nanos) -> ReplyTextReceived:
    return ReplyTextReceived(at, job, text)
