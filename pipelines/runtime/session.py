"""One call: the core, its audio and its engines, without a clock; both shells drive this."""

from collections import deque
from collections.abc import Callable, Iterator
from functools import partial

import numpy as np
import soxr

from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.runtime.effects import Effects
from pipelines.runtime.engines import Engines
from pipelines.runtime.lanes import Delivery, Lanes, Work
from pipelines.runtime.playout import FRAME, Playout
from pipelines.runtime.timeline import Timeline, to_float
from pipelines.runtime.transcriber import Transcriber
from pipelines.runtime.transport import Transport
from pipelines.turn_taking.commands import (
    CancelTranscription,
    ClearPlayout,
    Command,
    EndCall,
    FinishTranscription,
    PausePlayout,
    PlayClause,
    ResumePlayout,
    StartTranscription,
)
from pipelines.turn_taking.conversation import Conversation
from pipelines.turn_taking.events import (
    CallEnded,
    CallStarted,
    DeadlineReached,
    Event,
    FrameScored,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import Nanos


class Session:
    """Feeds the core with events and carries out its commands.

    The shell calls `start`, then `tick` every 20 ms, `deadline_reached` when `deadline` has come,
    and `handle` with what its lanes deliver, always with the present time, until `over`.
    """

    def __init__(
        self,
        policy: Policy,
        engines: Engines,
        transport: Transport,
        lanes: Lanes,
        record: Callable[[Entry], None],
    ) -> None:
        self._core = Conversation(policy)
        self._transport = transport
        self._record = record
        self._timeline = Timeline(transport.rate)
        self._playout = Playout(transport.rate)
        self._listener = _Listener(engines, self._timeline, lanes)
        self._transcriber = Transcriber(engines.asr, self._timeline, lanes)
        self._effects = Effects(engines, self._timeline, self._playout, lanes)
        self._inbox: deque[Event] = deque()
        self._handling = False
        self._hanging_up = False
        self.over = False

    @property
    def deadline(self) -> Nanos | None:
        """When `deadline_reached` is wanted."""
        return self._core.deadline

    @property
    def underruns(self) -> int:
        """Frames the agent had nothing to say in, in the midst of a clause."""
        return self._playout.underruns

    def start(self, now: Nanos) -> None:
        """The call is connected."""
        self.handle(CallStarted(now))

    def tick(self, now: Nanos) -> None:
        """20 ms more of the call, ending at `now`."""
        received = self._transport.receive(now)
        self._timeline.write(received.pcm)
        self._listener.pump(received.ingress)
        self._transcriber.pump()
        frame, events = self._playout.tick(now, self._transport.egress)
        self._transport.send(frame, now)
        for event in events:
            self.handle(event)
        if self._hanging_up and not self._playout.busy:
            self.end(now, "the agent hung up")
        elif self._transport.finished:
            self.end(now, "the caller hung up")

    def deadline_reached(self, now: Nanos) -> None:
        """The moment named by `deadline` has come."""
        self.handle(DeadlineReached(now))

    def end(self, now: Nanos, cause: str) -> None:
        """The call is over."""
        if not self.over:
            self.handle(CallEnded(now, cause))
            self.over = True

    def handle(self, event: Event) -> None:
        """Tell the core, and do what it says."""
        self._inbox.append(event)
        if self._handling or self.over:
            return
        self._handling = True
        try:
            while self._inbox:
                event = self._inbox.popleft()
                self._record(event)
                for command in self._core.handle(event):
                    self._record(Issued(event.at, command))
                    self._carry_out(command, event.at)
        finally:
            self._handling = False

    def _carry_out(self, command: Command, now: Nanos) -> None:
        match command:
            case StartTranscription():
                self._transcriber.start(command)
            case FinishTranscription():
                self._transcriber.finish(command)
            case CancelTranscription():
                self._transcriber.cancel(command.job)
            case PlayClause():
                self._playout.play(command.job)
            case PausePlayout():
                self._playout.pause()
            case ResumePlayout():
                self._playout.resume()
            case ClearPlayout():
                self._inbox.append(self._playout.clear(now))
            case EndCall():
                self._hanging_up = True
            case _:
                self._effects.carry_out(command)


class _Listener:
    """Gives the VAD its frames, which are not 20 ms long, in order."""

    def __init__(self, engines: Engines, timeline: Timeline, lanes: Lanes) -> None:
        self._vad = engines.vad
        self._vad.reset()
        self._timeline = timeline
        self._lanes = lanes
        self._modelled = getattr(engines.vad, "modelled", False)
        self._frame: Nanos = engines.vad.frame_samples * 1_000_000_000 // engines.vad.sample_rate
        self._resampler = (
            None
            if timeline.rate == engines.vad.sample_rate
            else soxr.ResampleStream(timeline.rate, engines.vad.sample_rate, 1, quality="MQ")
        )
        self._pending: Pcm = np.zeros(0, np.float32)
        self._scored = 0

    def pump(self, ingress: Nanos) -> None:
        """Score the frames that are whole by now."""
        end = self._timeline.end
        pcm = to_float(self._timeline.read(end - FRAME, end))
        if self._resampler is not None:
            pcm = self._resampler.resample_chunk(pcm)
        self._pending = np.concatenate((self._pending, pcm))
        size = self._vad.frame_samples
        while len(self._pending) >= size:
            frame, self._pending = self._pending[:size], self._pending[size:]
            run = partial(self._score, frame, self._scored * self._frame, ingress)
            self._scored += 1
            self._lanes.submit(Work(0, "vad", "vad", run, self._modelled))

    def _score(
        self, frame: Pcm, start: Nanos, ingress: Nanos, _stop: StopSignal
    ) -> Iterator[Delivery]:
        """On the VAD's lane."""
        probability = round(float(self._vad.probability(frame)), 4)
        end = start + self._frame
        yield lambda at: FrameScored(at, start, end, probability, ingress)
