"""One call: the core, its audio and its engines, without a clock; both shells drive this."""

from collections import deque
from collections.abc import Callable
from datetime import date

from pipelines.engines.tools import ThisCall
from pipelines.runtime.clock import day_in_words, local_day
from pipelines.runtime.effects import Effects
from pipelines.runtime.engines import Engines
from pipelines.runtime.from_recording import AnswersFromRecording
from pipelines.runtime.hooks import HookRunner
from pipelines.runtime.lanes import Answers, Lanes, nobody
from pipelines.runtime.playout import Playout
from pipelines.runtime.present_agent import PresentAgent
from pipelines.runtime.recorded_answers import RecordedAnswers
from pipelines.runtime.speech_input import (
    Listener,
    RecordedListener,
    RecordedTranscriber,
    Transcription,
    VadListener,
)
from pipelines.runtime.timeline import Timeline
from pipelines.runtime.tool_runner import ToolRunner
from pipelines.runtime.transcriber import Transcriber
from pipelines.runtime.transport import EchoingTransport, Transport
from pipelines.turn_taking.commands import (
    CallTool,
    CancelTool,
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
    MarkReached,
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
        *,
        recorded_answers: RecordedAnswers | None = None,
        today: str = "",
    ) -> None:
        """`today` is the day on which the call begins, as 2026-11-24; in a replay, began."""
        self._today = today or (recorded_answers.today if recorded_answers else "") or local_day()
        self._core = Conversation(policy)
        self._transport = transport
        self._record = record
        self._timeline = Timeline(transport.rate)
        self._far = transport if isinstance(transport, EchoingTransport) else None
        self._playout = Playout(transport.rate, echoes=self._far is not None)
        recogniser = Transcriber(
            engines, self._timeline, lanes, lambda: self._effects.making_first_words
        )
        self._listener: Listener
        self._transcriber: Transcription
        answers: Answers = nobody
        if recorded_answers is None:
            self._listener = VadListener(engines.vad, self._timeline, lanes)
            self._transcriber = recogniser
        else:
            self._listener = RecordedListener(recorded_answers, lanes)
            self._transcriber = RecordedTranscriber(recorded_answers, recogniser, lanes)
            answers = AnswersFromRecording(recorded_answers, self._playout)
        call = ThisCall(date.fromisoformat(self._today))
        self._present = PresentAgent(engines, call)
        self._tools = ToolRunner(
            self._present, transport, self._playout, lanes, call=call, answers=answers
        )
        if recorded_answers is None and any(
            each.hooks for each in (engines, *engines.agents.values())
        ):
            hooks = HookRunner(self._present, lanes, call)
            self._record = _both(record, hooks.take)
        self._effects = Effects(
            self._present, self._timeline, self._playout, lanes, tools=self._tools, answers=answers
        )
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

    @property
    def unsaid(self) -> Nanos:
        """Audio that is made and has not left for the caller."""
        return self._playout.unsaid

    def start(self, now: Nanos) -> None:
        """The call is connected."""
        self.handle(CallStarted(now, day_in_words(self._today)))

    def tick(self, now: Nanos) -> None:
        """20 ms more of the call, ending at `now`."""
        received = self._transport.receive(now)
        for frame in received.pcm.reshape(-1, self._timeline.rate // 50):
            self._timeline.write(frame)
            self._listener.pump(received.ingress)
        self._transcriber.pump()
        for event in received.events:
            if isinstance(event, MarkReached):
                self._playout.echoed(event.job)
            self.handle(event)
        far = self._far
        # As long as the far side has something to play, late audio need not become a gap.
        if far is None or not far.unheard or not self._playout.starved:
            self._play_frame(now)
        while far is not None and far.hungry and self._playout.has_frame:
            self._play_frame(now)
        if self._hanging_up and not self._playout.busy:
            self.end(now, "the agent hung up")
        elif self._transport.finished:
            self.end(now, self._far.hangup_cause if self._far else "the caller hung up")

    def _play_frame(self, now: Nanos) -> None:
        frame, events = self._playout.tick(now, self._transport.egress)
        self._transport.send(frame, now)
        for job in self._playout.take_ended():
            if self._far is not None:
                self._far.mark(job)
        for event in events:
            self.handle(event)

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
        told = self._tools.of_the_core(event)
        if told is not None:
            self._inbox.append(told)
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
                self._effects.all_asked()
        finally:
            self._handling = False

    def _carry_out(self, command: Command, now: Nanos) -> None:
        match command:
            case StartTranscription():
                self._transcriber.start(command, now)
            case FinishTranscription():
                self._transcriber.finish(command, now)
            case CancelTranscription():
                self._transcriber.cancel(command.job)
            case PlayClause():
                self._playout.play(command.job)
            case PausePlayout():
                self._playout.pause()
            case ResumePlayout():
                self._playout.resume()
            case ClearPlayout():
                unheard = self._far.unheard if self._far is not None else 0
                self._inbox.append(self._playout.clear(now, unheard))
                if self._far is not None:
                    self._far.clear()
            case CallTool():
                self._tools.call(command)
            case CancelTool():
                self._tools.cancel(command.job)
            case EndCall():
                self._hanging_up = True
            case _:
                self._effects.carry_out(command)


def _both(first: Callable[[Entry], None], then: Callable[[Entry], None]) -> Callable[[Entry], None]:
    def record(entry: Entry) -> None:
        first(entry)
        then(entry)

    return record
