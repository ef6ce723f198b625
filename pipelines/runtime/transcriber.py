"""Feeds the recogniser with the audio of one transcription at a time, as fast as it can take it."""

from collections.abc import Callable, Iterator
from functools import partial

from pipelines.engines.loops import first_round
from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.engines.remarks import remark
from pipelines.engines.simulated_time import is_simulated
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery, Lanes, Work
from pipelines.runtime.resampling import LiveResampler
from pipelines.runtime.timeline import Timeline, to_float
from pipelines.turn_taking.commands import FinishTranscription, StartTranscription
from pipelines.turn_taking.events import FinalTranscript, JobId, PartialTranscript
from pipelines.turn_taking.time import Nanos, from_ms

STEP = from_ms(100)
"""Audio handed over at a time, at least; while the recogniser is busy it grows."""
PUT_OFF = from_ms(600)
"""The same while others need the cores more, if the recogniser needs them at all."""
_SHOWN = 40
"""Characters of a loop that the journal shows."""


class Transcriber:
    """Keeps one piece of work on the recogniser's lane: the next takes all the audio since.

    So a slow recogniser falls behind by one decode at most, and its queue never grows.
    """

    def __init__(
        self,
        engines: Engines,
        timeline: Timeline,
        lanes: Lanes,
        cores_wanted: Callable[[], bool] = lambda: False,
    ) -> None:
        """`cores_wanted` says whether partial transcripts had better wait a little."""
        self._cores_wanted = cores_wanted
        self._engines = engines
        self._timeline = timeline
        self._lanes = lanes
        self._resampler: LiveResampler | None = None
        self._job: JobId | None = None
        self._start: Nanos = -1
        self._fed: Nanos = 0
        self._fresh = True
        """Whether the recogniser must forget before it is fed."""
        self._until: Nanos | None = None
        self._busy = False

    def start(self, command: StartTranscription, _now: Nanos) -> None:
        """Listen from media time `start`; goes on if that is where it began before."""
        self._job, self._until = command.job, None
        if command.start != self._start:
            self._start = self._fed = command.start
            self._fresh = True
        self.pump()

    def finish(self, command: FinishTranscription, _now: Nanos) -> None:
        """Give the final transcript of what there is up to media time `until`."""
        if command.job == self._job:
            self._until = command.until
            self.pump()

    def cancel(self, job: JobId) -> None:
        """Stop listening."""
        if job == self._job:
            self._job = None

    def pump(self) -> None:
        """Hand over what has come in, if the recogniser is free."""
        if self._job is None or self._busy:
            return
        end = self._timeline.end
        if self._until is not None and end >= self._until:
            self._submit(max(self._until, self._fed), last=True)
        elif self._until is None and end - self._fed >= self._step():
            self._submit(end, last=False)

    def _step(self) -> Nanos:
        local = getattr(self._engines.asr, "local", False)
        return PUT_OFF if local and self._cores_wanted() else STEP

    def _submit(self, end: Nanos, *, last: bool) -> None:
        if self._job is None:
            return
        pcm = to_float(self._timeline.read(self._fed, end))
        job, fresh, until = self._job, self._fresh, self._until
        self._fed, self._fresh, self._busy = end, False, True
        if last:
            self._job = None
        run = partial(self._transcribe, job, pcm, fresh, end if until is None else until, last)
        simulated_time = is_simulated(self._engines.asr)
        self._lanes.submit(Work(job, "asr", "asr", run, simulated_time, self._free, counted=last))

    def _free(self) -> None:
        self._busy = False
        self.pump()

    def _transcribe(
        self, job: JobId, pcm: Pcm, fresh: bool, until: Nanos, last: bool, _stop: StopSignal
    ) -> Iterator[Delivery]:
        """On the recogniser's lane."""
        asr = self._engines.asr
        if fresh:
            asr.reset()
            self._resampler = None
        hypothesis = asr.feed(self._resample(pcm, asr.sample_rate)) if len(pcm) else None
        if last:
            written = " ".join(asr.finish().text.split())
            text = first_round(written)
            looped = text != written
            if looped:
                remark(f"a loop: {written[: len(text) + _SHOWN]!r} is cut to {text!r}")
            yield lambda at: FinalTranscript(at, job, until, text, looped)
        elif hypothesis is not None:
            stable, unstable = first_round(hypothesis.stable), first_round(hypothesis.unstable)
            yield lambda at: PartialTranscript(at, job, until, stable, unstable)

    def _resample(self, pcm: Pcm, wanted: int) -> Pcm:
        if self._resampler is None:
            self._resampler = LiveResampler(self._timeline.rate, wanted)
        return self._resampler.process(pcm)
