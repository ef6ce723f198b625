"""Turns the core's commands to think and to speak into work for engines.

Recogniser, LLM and synthesiser share the machine's cores, and one of them at work makes the others
two to three times slower. So what the caller waits for goes first:

- Detectors are asked before the prompt is read in advance, and that is passed over once the LLM
  has been asked about other words.
- While the first clause of a reply is made, no partial transcript is begun (`making_first_words`),
  for a while.
- While that clause is voiced, until its first sound, the LLM writes no more of the reply.
"""

from collections import defaultdict
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from itertools import count
from typing import Final, Literal, TypeAlias

import numpy as np
import soxr

from pipelines.engines.closing import closing
from pipelines.engines.protocols import StopSignal, TurnDetector
from pipelines.engines.simulated_time import is_simulated, spend
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Answers, Delivery, Lanes, Work, nobody
from pipelines.runtime.playout import Playout
from pipelines.runtime.present_agent import PresentAgent
from pipelines.runtime.resampling import LiveResampler
from pipelines.runtime.results import add_audio, deliver_audio, end_audio, text_received
from pipelines.runtime.timeline import Samples, Timeline, to_float, to_int16
from pipelines.runtime.tool_runner import ToolRunner
from pipelines.turn_taking.commands import (
    CancelReply,
    Command,
    ContinueReply,
    GenerateReply,
    HandOver,
    PrepareReply,
    ScoreEndOfTurn,
    SynthesizeClause,
)
from pipelines.turn_taking.events import (
    ClauseSynthesized,
    EndOfTurnScored,
    JobId,
    ReplyCompleted,
    ReplyPrepared,
)
from pipelines.turn_taking.time import SECOND, Nanos, from_ms

_LOOK: Final = from_ms(10)
"""Between two looks at whether the first clause can be heard."""

Writing: TypeAlias = GenerateReply | ContinueReply


class Effects:
    """Detectors, LLM and synthesiser, each on its lane.

    A detector that works on the reply LLM shares the LLM's lane; the others have one each, lest the
    quick wait for the slow. `answers` is asked before an engine is.
    """

    def __init__(
        self,
        present: PresentAgent,
        timeline: Timeline,
        playout: Playout,
        lanes: Lanes,
        *,
        tools: ToolRunner,
        answers: Answers = nobody,
    ) -> None:
        self._present = present
        self._timeline = timeline
        self._playout = playout
        self._lanes = lanes
        self._tools = tools
        self._answers = answers
        self._parts: defaultdict[JobId, list[JobId]] = defaultdict(list)
        """Of each reply, its clauses and what writes on after tools."""
        self._reading: PrepareReply | None = None
        """A prompt to be read in advance, once all else of the moment has been asked."""
        self._asked: Command | None = None
        """What the LLM was last asked for."""
        self._unheard: set[JobId] = set()
        """Replies being written whose first clause is not; then, that clause until its sound."""
        self._voicing: set[JobId] = set()
        """First clauses that are voiced and have no sound yet."""

    @property
    def making_first_words(self) -> bool:
        """Whether a reply is made of which nothing could be heard yet."""
        return bool(self._unheard)

    @property
    def _engines(self) -> Engines:
        return self._present.engines

    def carry_out(self, command: Command) -> None:
        """Start or stop work; commands that ask for none are passed over."""
        match command:
            case ScoreEndOfTurn():
                for name in command.detectors:
                    answered = self._answers(replace(command, detectors=(name,)))
                    self._lanes.submit(answered or self._score(name, command))
            case PrepareReply():
                self._asked = command
                if not self._answered(command):
                    self._reading = command
            case GenerateReply() | ContinueReply():
                self._write(command)
            case SynthesizeClause():
                self._voice(command)
            case CancelReply():
                for part in (*self._parts.pop(command.job, []), command.job):
                    self._heard(part)
                    self._lanes.cancel(part)
                    self._playout.forget(part)
            case HandOver():
                self._present.hand_over(command)
            case _:
                pass

    def all_asked(self) -> None:
        """All commands of the moment are carried out: read what is to be read in advance."""
        if self._reading is not None:
            command, self._reading = self._reading, None
            run = partial(self._prepare, command, self._engines)
            self._submit(command.job, "llm", run)

    def _write(self, command: Writing) -> None:
        self._asked = command
        if isinstance(command, ContinueReply):
            self._parts[command.reply].append(command.job)
        if not self._answered(command):
            if isinstance(command, GenerateReply):
                self._unheard.add(command.job)
            self._submit(command.job, "llm", partial(self._generate, command, self._engines))

    def _voice(self, command: SynthesizeClause) -> None:
        self._parts[command.reply].append(command.job)
        if not self._answered(command):
            if command.reply in self._unheard:
                self._unheard.discard(command.reply)
                self._unheard.add(command.job)
                self._voicing.add(command.job)
            self._submit(command.job, "tts", partial(self._synthesize, command))

    def _answered(self, question: PrepareReply | Writing | SynthesizeClause) -> bool:
        """Have it answered by somebody else than an engine, if somebody can."""
        work = self._answers(question)
        if work is not None:
            self._lanes.submit(work)
        return work is not None

    def _submit(
        self, job: JobId, kind: Literal["llm", "tts"], run: partial[Iterator[Delivery]]
    ) -> None:
        simulated_time = is_simulated(self._engines.llm if kind == "llm" else self._engines.tts)
        done = partial(self._heard, job)
        self._lanes.submit(Work(job, kind, kind, run, simulated_time, done, counted=True))

    def _heard(self, job: JobId) -> None:
        """Nothing need wait for that any more."""
        self._unheard.discard(job)
        self._voicing.discard(job)

    # -- on the lanes -------------------------------------------------------------------------

    def _score(self, name: str, command: ScoreEndOfTurn) -> Work:
        detector = self._engines.turn_detectors[name]
        pcm, rate = audio_for(detector, self._timeline, command), self._timeline.rate

        def run(_stop: StopSignal) -> Iterator[Delivery]:
            p = probability(detector, command, pcm, rate)
            yield lambda at: EndOfTurnScored(at, command.job, name, p)

        if detector.uses_llm:
            self._asked = command
        lane = "llm" if detector.uses_llm else f"turn_detector {name}"
        return Work(command.job, "turn_detector", lane, run, is_simulated(detector))

    def _prepare(
        self, command: PrepareReply, engines: Engines, _stop: StopSignal
    ) -> Iterator[Delivery]:
        if self._is_up_to_date(command):
            engines.llm.prepare(command.history)
        yield lambda at: ReplyPrepared(at, command.job)

    def _is_up_to_date(self, command: PrepareReply) -> bool:
        """Whether the LLM has been asked for nothing else since but what is thought of it."""
        asked = self._asked
        if isinstance(asked, ScoreEndOfTurn):
            return asked.text == command.history[-1].text
        return asked is command

    def _generate(self, command: Writing, engines: Engines, stop: StopSignal) -> Iterator[Delivery]:
        asked = count()
        said = self._tools.said_as_it_stands(command.history, engines.tools)
        pieces = iter([said]) if said else engines.llm.stream(command.history, stop)
        with closing(pieces) as made:
            for piece in made:
                if isinstance(piece, str):
                    yield partial(text_received, command.job, piece)
                else:
                    self._tools.called_for(command, engines.tools)
                    yield self._tools.request(command.job, next(asked), piece, engines.tools)
                while self._voicing and not stop.is_set():
                    spend(_LOOK)
                    yield lambda _at: None
        if not stop.is_set():
            yield lambda at: ReplyCompleted(at, command.job)

    def _synthesize(self, command: SynthesizeClause, stop: StopSignal) -> Iterator[Delivery]:
        tts = self._engines.tts
        resampler = LiveResampler(tts.sample_rate, self._timeline.rate)
        started = False
        try:
            with closing(tts.synthesize(command.text, stop)) as chunks:
                for chunk in chunks:
                    pcm = to_int16(resampler.process(chunk))
                    if len(pcm) and started:
                        yield partial(add_audio, self._playout, command.job, pcm)
                    elif len(pcm):
                        started = True
                        yield partial(self._first_audio, command.job, pcm)
        except Exception:
            if started:  # playout must not wait for the rest
                yield partial(end_audio, self._playout, command.job)
            raise
        if not stop.is_set():
            rest = to_int16(resampler.finish())
            yield partial(deliver_audio, self._playout, command.job, rest, True)

    def _first_audio(self, job: JobId, pcm: Samples, at: Nanos) -> ClauseSynthesized:
        self._heard(job)
        return deliver_audio(self._playout, job, pcm, False, at)


def audio_for(detector: TurnDetector, timeline: Timeline, command: ScoreEndOfTurn) -> Samples:
    """The end of the turn's audio, int16 at the timeline's rate; empty if the detector reads."""
    seconds = round(detector.audio_seconds * SECOND)
    if not seconds:
        return np.zeros(0, np.int16)
    return timeline.read(max(command.start, command.until - seconds), command.until)


def probability(detector: TurnDetector, command: ScoreEndOfTurn, pcm: Samples, rate: int) -> float:
    """P(end of turn), 0 to 1, to four digits; `pcm` is `audio_for` the command, at `rate` Hz."""
    audio = to_float(pcm)
    if len(audio) and rate != detector.sample_rate:
        audio = soxr.resample(audio, rate, detector.sample_rate, quality="MQ")
    return round(float(detector.end_of_turn(command.history, command.text, audio)), 4)
