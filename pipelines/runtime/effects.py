"""Turns the core's commands to think and to speak into work for engines."""

from collections import defaultdict
from collections.abc import Iterator
from functools import partial
from itertools import count

from pipelines.engines.closing import closing
from pipelines.engines.protocols import Llm, StopSignal
from pipelines.runtime.asking import audio_for, probability
from pipelines.runtime.deliveries import (
    Question,
    Writing,
    add_audio,
    deliver_audio,
    end_audio,
    remembered,
    text_received,
)
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery, Lanes, Work
from pipelines.runtime.playout import Playout
from pipelines.runtime.present_agent import PresentAgent
from pipelines.runtime.recall import Recall, in_time
from pipelines.runtime.resampling import LiveResampler
from pipelines.runtime.timeline import Timeline, to_int16
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
    EndOfTurnScored,
    EngineKind,
    JobId,
    ReplyCompleted,
    ReplyPrepared,
)


class Effects:
    """Detectors, LLM and synthesiser, each on its lane.

    A detector that works on the reply LLM shares the LLM's lane; the others have one each, lest the
    quick wait for the slow. With a `recall`, what it knows is told from there.
    """

    def __init__(
        self,
        present: PresentAgent,
        timeline: Timeline,
        playout: Playout,
        lanes: Lanes,
        *,
        tools: ToolRunner,
        recall: Recall | None = None,
    ) -> None:
        self._present = present
        self._timeline = timeline
        self._playout = playout
        self._lanes = lanes
        self._tools = tools
        self._recall = recall
        self._parts: defaultdict[JobId, list[JobId]] = defaultdict(list)
        """Of each reply, its clauses and what writes on after tools."""

    @property
    def _engines(self) -> Engines:
        return self._present.engines

    def carry_out(self, command: Command) -> None:
        """Start or stop work; commands that ask for none are passed over."""
        match command:
            case ScoreEndOfTurn():
                for name in command.detectors:
                    if not self._remembered(command, name):
                        self._score(name, command)
            case PrepareReply():
                if not self._remembered(command):
                    run = partial(self._prepare, command, self._engines.llm)
                    self._submit(command.job, "llm", run)
            case GenerateReply() | ContinueReply():
                self._write(command)
            case SynthesizeClause():
                self._parts[command.reply].append(command.job)
                if not self._remembered(command):
                    self._submit(command.job, "tts", partial(self._synthesize, command))
            case CancelReply():
                for part in self._parts.pop(command.job, []):
                    self._lanes.cancel(part)
                    self._playout.forget(part)
                self._lanes.cancel(command.job)
            case HandOver():
                self._present.hand_over(command)
            case _:
                pass

    def _write(self, command: Writing) -> None:
        if isinstance(command, ContinueReply):
            self._parts[command.reply].append(command.job)
        if not self._remembered(command):
            self._submit(command.job, "llm", partial(self._generate, command, self._engines))

    def _remembered(self, command: Question, detector: str = "") -> bool:
        """Tell what was recorded for this, if anything was."""
        if self._recall is None:
            return False
        kind, steps = remembered(self._recall, command, detector, self._playout)
        if steps is None:
            return False
        lane = f"{kind} {detector}" if detector else kind
        run = partial(in_time, steps)
        counted = not detector
        self._lanes.submit(Work(command.job, kind, lane, run, modelled=True, counted=counted))
        return True

    def _submit(self, job: JobId, kind: EngineKind, run: partial[Iterator[Delivery]]) -> None:
        engine = self._engines.llm if kind == "llm" else self._engines.tts
        modelled = getattr(engine, "modelled", False)
        self._lanes.submit(Work(job, kind, kind, run, modelled, counted=True))

    # -- on the lanes -------------------------------------------------------------------------

    def _score(self, name: str, command: ScoreEndOfTurn) -> None:
        detector = self._engines.turn_detectors[name]
        pcm, rate = audio_for(detector, self._timeline, command), self._timeline.rate

        def run(_stop: StopSignal) -> Iterator[Delivery]:
            p = probability(detector, command, pcm, rate)
            yield lambda at: EndOfTurnScored(at, command.job, name, p)

        lane = "llm" if detector.uses_llm else f"turn_detector {name}"
        modelled = getattr(detector, "modelled", False)
        self._lanes.submit(Work(command.job, "turn_detector", lane, run, modelled))

    def _prepare(self, command: PrepareReply, llm: Llm, _stop: StopSignal) -> Iterator[Delivery]:
        llm.prepare(command.history)
        yield lambda at: ReplyPrepared(at, command.job)

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
                        yield partial(deliver_audio, self._playout, command.job, pcm, False)
        except Exception:
            if started:  # playout must not wait for the rest
                yield partial(end_audio, self._playout, command.job)
            raise
        if not stop.is_set():
            rest = to_int16(resampler.finish())
            yield partial(deliver_audio, self._playout, command.job, rest, True)
