"""Where the core's view of the caller comes from: VAD and recogniser at work, or a recording."""

from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from typing import Protocol

import numpy as np

from pipelines.engines.protocols import Pcm, StopSignal, Vad
from pipelines.engines.simulated_time import is_simulated
from pipelines.runtime.lanes import Delivery, Lanes, Work
from pipelines.runtime.playout import FRAME
from pipelines.runtime.recorded_answers import RecordedAnswers, in_time
from pipelines.runtime.resampling import LiveResampler
from pipelines.runtime.sound import SoundMeter
from pipelines.runtime.timeline import Timeline, to_float
from pipelines.runtime.transcriber import Transcriber
from pipelines.turn_taking.commands import FinishTranscription, StartTranscription
from pipelines.turn_taking.events import (
    FinalTranscript,
    FrameScored,
    JobId,
    PartialTranscript,
)
from pipelines.turn_taking.time import SECOND, Nanos


class Listener(Protocol):
    """Scores the caller's audio as it comes in."""

    def pump(self, ingress: Nanos) -> None:
        """20 ms more are on the timeline; the line delayed them by `ingress`."""
        ...


class Transcription(Protocol):
    """Makes words of the caller's audio."""

    def start(self, command: StartTranscription, now: Nanos, /) -> None:
        """Listen from media time `start`."""
        ...

    def finish(self, command: FinishTranscription, now: Nanos, /) -> None:
        """Give the final transcript up to media time `until`."""
        ...

    def cancel(self, job: JobId) -> None:
        """Stop listening."""
        ...

    def pump(self) -> None:
        """20 ms more are on the timeline."""
        ...


class VadListener:
    """Gives the VAD its frames, which are not 20 ms long, in order; energy is measured beside."""

    def __init__(self, vad: Vad, timeline: Timeline, lanes: Lanes) -> None:
        self._vad = vad
        self._timeline = timeline
        self._lanes = lanes
        self._simulated_time = is_simulated(vad)
        self._frame: Nanos = vad.frame_samples * SECOND // vad.sample_rate
        self._resampler = LiveResampler(timeline.rate, vad.sample_rate)
        self._pending: Pcm = np.zeros(0, np.float32)
        self._scored = 0
        self._meter = SoundMeter(timeline.rate)
        self._sound = False
        """Whether there was sound since the last frame."""
        vad.reset()

    def pump(self, ingress: Nanos) -> None:
        """Score the frames that are whole by now."""
        end = self._timeline.end
        pcm = to_float(self._timeline.read(end - FRAME, end))
        self._sound = self._meter.process(pcm) or self._sound
        self._pending = np.concatenate((self._pending, self._resampler.process(pcm)))
        size = self._vad.frame_samples
        while len(self._pending) >= size:
            frame, self._pending = self._pending[:size], self._pending[size:]
            start = self._scored * self._frame
            until = self._timeline.time_of(self._meter.ended) if self._sound else None
            masked = self._sound and self._meter.masked
            scored = FrameScored(0, start, start + self._frame, 0.0, ingress, until, masked)
            self._scored += 1
            self._sound = False
            run = partial(self._score, frame, scored)
            self._lanes.submit(Work(0, "vad", "vad", run, self._simulated_time))

    def _score(self, frame: Pcm, scored: FrameScored, _stop: StopSignal) -> Iterator[Delivery]:
        """On the VAD's lane."""
        speech = round(float(self._vad.probability(frame)), 4)
        yield lambda at: replace(scored, at=at, speech=speech)


class RecordedListener:
    """Tells what the VAD said in the recorded call, when it said it."""

    def __init__(self, recorded_answers: RecordedAnswers, lanes: Lanes) -> None:
        before = [0, *(frame.at for frame in recorded_answers.frames)]
        steps = [
            (frame.at - earlier, _as_recorded(frame))
            for frame, earlier in zip(recorded_answers.frames, before, strict=False)
        ]
        lanes.submit(Work(0, "vad", "vad", partial(in_time, steps), simulated_time=True))

    def pump(self, ingress: Nanos) -> None:
        """Nothing to do: the frames come by themselves."""


class RecordedTranscriber:
    """Gives the recorded transcripts; the recogniser is asked for ranges never transcribed."""

    def __init__(
        self, recorded_answers: RecordedAnswers, recogniser: Transcriber, lanes: Lanes
    ) -> None:
        self._recorded_answers = recorded_answers
        self._recogniser = recogniser
        self._lanes = lanes
        self._command: StartTranscription | None = None

    def start(self, command: StartTranscription, now: Nanos) -> None:
        """Tell the recorded hypotheses of a transcription that began there."""
        self._command = command
        steps: list[tuple[Nanos, Delivery]] = []
        for heard in self._recorded_answers.partials.get(command.start, []):
            if heard.at >= now:
                steps.append((heard.at - now, _as_recorded(replace(heard, job=command.job))))
                now = heard.at
        if steps:
            lane = f"asr {command.job}"
            run = partial(in_time, steps)
            self._lanes.submit(Work(command.job, "asr", lane, run, simulated_time=True))

    def finish(self, command: FinishTranscription, now: Nanos) -> None:
        """Give the recorded transcript of this range, or have it made."""
        started = self._command
        if started is None or started.job != command.job:
            return
        self._lanes.cancel(command.job)
        job, until = command.job, command.until
        answer = self._recorded_answers.final(started.start, until)
        if answer is None:
            self._recogniser.start(started, now)
            self._recogniser.finish(command, now)
            return
        text, looped = answer.text, answer.looped
        steps = [(answer.after, lambda at: FinalTranscript(at, job, until, text, looped))]
        run = partial(in_time, steps)
        self._lanes.submit(Work(job, "asr", "asr", run, simulated_time=True, counted=True))

    def cancel(self, job: JobId) -> None:
        """Stop telling."""
        self._lanes.cancel(job)
        self._recogniser.cancel(job)

    def pump(self) -> None:
        """More audio is there."""
        self._recogniser.pump()


def _as_recorded(event: FrameScored | PartialTranscript) -> Delivery:
    return lambda at: replace(event, at=at)


def scored_frames(pcm: Pcm, vad: Vad, meter: SoundMeter | None = None) -> Iterator[FrameScored]:
    """Each whole chunk of the recording as a call would hear it, as soon as it is over.

    Args:
        pcm: shape (n,), float32, at the detector's rate, which is the meter's as well.
        vad: is reset first.
        meter: a new one; without it nothing is known of sound.
    """
    vad.reset()
    size, rate = vad.frame_samples, vad.sample_rate
    length: Nanos = size * SECOND // rate
    for index in range(len(pcm) // size):
        chunk = pcm[index * size : (index + 1) * size]
        sound = meter is not None and meter.process(chunk)
        until = meter.ended * SECOND // rate if meter is not None and sound else None
        masked = meter is not None and sound and meter.masked
        start, end = index * length, (index + 1) * length
        yield FrameScored(end, start, end, vad.probability(chunk), 0, until, masked)
