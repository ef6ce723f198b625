"""What may happen in a call: the only input of the core.

Every event is frozen and carries `at`, the moment it became known, in nanoseconds since the call
began. Ranges of audio (`start`, `end`, `until`) are in *media time*: the moment at which the sample
left the line towards the agent. The caller uttered it `ingress` earlier.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.turn_taking.time import Nanos

JobId: TypeAlias = int
"""Names one piece of work asked of an engine; never used twice in a call."""

EngineKind: TypeAlias = Literal["vad", "asr", "turn_detector", "llm", "tts"]

ToolEffect: TypeAlias = Literal[
    "reads",  # changes nothing: may run early, and be given up at any time
    "acts",  # changes something outside: runs once its turn is over, and then to its end
    "sends_keys",  # plays tones of the keypad to the far end, after the words before it
    "transfers",  # puts the caller through to somebody else, after the words before it
    "ends_call",  # hangs up, after the words before it
]


@dataclass(frozen=True, slots=True)
class CallStarted:
    """The call is connected in both directions."""

    at: Nanos
    today: str = ""
    """The day on which that is, as "Tuesday, 2026-11-24"; empty if nobody knows."""


@dataclass(frozen=True, slots=True)
class FrameScored:
    """The VAD judged one chunk of the caller's audio."""

    at: Nanos
    start: Nanos
    end: Nanos
    speech: float
    """Probability of speech, 0 to 1."""
    ingress: Nanos = 0
    """Delay of the line before this chunk: network and jitter buffer."""
    sound_until: Nanos | None = None
    """Media time at which the last sound above the line's noise, speech or not, was over so far;
    None: none has been since the chunk before."""
    masked: bool = False
    """The noise is so loud that a voice seems to be over too soon by `sound_until`."""


@dataclass(frozen=True, slots=True)
class PartialTranscript:
    """The recogniser's view of a transcription still under way."""

    at: Nanos
    job: JobId
    until: Nanos
    """Media time up to which audio was heard."""
    stable: str
    """Words on which two consecutive hypotheses agree (LocalAgreement-2)."""
    unstable: str
    """The words after them, which may still change."""


@dataclass(frozen=True, slots=True)
class FinalTranscript:
    """The answer to FinishTranscription: everything from the job's start to `until`."""

    at: Nanos
    job: JobId
    until: Nanos
    text: str
    looped: bool = False
    """The recogniser had fallen into a loop: the text is what came before, and tells nothing of
    whether the turn is over."""


@dataclass(frozen=True, slots=True)
class EndOfTurnScored:
    """One detector's answer to ScoreEndOfTurn."""

    at: Nanos
    job: JobId
    detector: str
    probability: float
    """Probability that the caller has finished, 0 to 1."""


@dataclass(frozen=True, slots=True)
class ReplyPrepared:
    """The answer to PrepareReply: the prompt has been read, nothing was generated."""

    at: Nanos
    job: JobId


@dataclass(frozen=True, slots=True)
class ReplyTextReceived:
    """A piece of the reply's text, to be appended to what came before."""

    at: Nanos
    job: JobId
    text: str


@dataclass(frozen=True, slots=True)
class ToolRequested:
    """The model asks for a tool in the midst of its reply; whoever knows the tool says the rest."""

    at: Nanos
    job: JobId
    """What the model is writing: a GenerateReply or a ContinueReply."""
    index: int
    """Which request of that job this is, from 0: one that is told twice counts once."""
    name: str
    arguments: str
    """As the model wrote them: JSON, if all is well."""
    effect: ToolEffect
    timeout_ms: int
    """0: as long as any tool may take."""


@dataclass(frozen=True, slots=True)
class ToolFinished:
    """The answer to CallTool."""

    at: Nanos
    job: JobId
    result: str
    """As the model is to read it."""


@dataclass(frozen=True, slots=True)
class ToolFailed:
    """A tool could not do what CallTool asked; the model is told why."""

    at: Nanos
    job: JobId
    message: str


@dataclass(frozen=True, slots=True)
class HandoverRequested:
    """The agent's own code hands the call over to another agent."""

    at: Nanos
    job: JobId | None
    """The tool that does so, whose answer this is; None: a hook does."""
    number: int
    """Which of the call's it is, from 1."""
    agent: str
    """The other's name."""
    prompt: str
    """Takes the place of the system prompt; empty: that stays."""
    greeting: str
    """What the other says first; empty: whatever its LLM writes."""
    summary: str | None
    """What the other's LLM is told instead of what was said so far; None: all that was said."""


@dataclass(frozen=True, slots=True)
class SayRequested:
    """The agent's own code wants a sentence to be said."""

    at: Nanos
    text: str


@dataclass(frozen=True, slots=True)
class TransferRequested:
    """The agent's own code wants the caller to be put through to somebody."""

    at: Nanos
    to: str
    """Who it is, as transfer_call knows them."""


@dataclass(frozen=True, slots=True)
class EndRequested:
    """The agent's own code wants the call to be over."""

    at: Nanos
    goodbye: str
    """Said before; empty: the policy's goodbye is."""


AgentRequest: TypeAlias = SayRequested | TransferRequested | EndRequested
"""What is done as soon as nobody speaks."""


@dataclass(frozen=True, slots=True)
class ReplyCompleted:
    """The reply's text is whole, or whole but for what follows the tools it asked for."""

    at: Nanos
    job: JobId


@dataclass(frozen=True, slots=True)
class ClauseSynthesized:
    """More of a clause's audio exists."""

    at: Nanos
    job: JobId
    audio: Nanos
    """Duration of the clause's audio so far."""
    complete: bool
    """Whether that is all of it."""


@dataclass(frozen=True, slots=True)
class PlayoutStarted:
    """The first frame of a clause left for the caller."""

    at: Nanos
    job: JobId
    egress: Nanos = 0
    """Delay from here to the caller's ear."""


@dataclass(frozen=True, slots=True)
class MarkReached:
    """The caller has heard a clause to its end."""

    at: Nanos
    job: JobId


@dataclass(frozen=True, slots=True)
class PlayoutCleared:
    """Playout stopped at once and what was queued, here and at the far side, is gone."""

    at: Nanos
    job: JobId | None
    """The clause that was being heard; None if none was."""
    position: Nanos
    """How much of that clause the caller heard."""


@dataclass(frozen=True, slots=True)
class DtmfReceived:
    """The caller pressed a key: one of 0-9 A-D * #."""

    at: Nanos
    digit: str


@dataclass(frozen=True, slots=True)
class CallerTyped:
    """The caller wrote instead of speaking: a turn of its own, complete as it stands."""

    at: Nanos
    text: str


@dataclass(frozen=True, slots=True)
class CallerTyping:
    """The caller is writing; nothing is sent yet, but somebody is there."""

    at: Nanos


@dataclass(frozen=True, slots=True)
class InterruptRequested:
    """Somebody asked for the agent to stop speaking at once."""

    at: Nanos


@dataclass(frozen=True, slots=True)
class EngineFailed:
    """An engine could not do a job; the job is over."""

    at: Nanos
    job: JobId
    kind: EngineKind
    message: str


@dataclass(frozen=True, slots=True)
class EngineRemarked:
    """An engine did something beyond its result, such as dropping a phrase nobody said."""

    at: Nanos
    job: JobId
    kind: EngineKind
    text: str
    failed: bool = False
    """Whether it is that an engine failed for which another steps in, with this job or the next."""


@dataclass(frozen=True, slots=True)
class WorkDone:
    """An engine no longer works on a job, be it finished, cancelled or failed.

    Told of final transcripts, of what the LLM reads and writes, and of synthesis.
    """

    at: Nanos
    job: JobId
    kind: EngineKind
    cost: Nanos
    """Time the engine worked on it, time in its queue not included."""


@dataclass(frozen=True, slots=True)
class DeadlineReached:
    """The moment that `Conversation.deadline` named has come."""

    at: Nanos


@dataclass(frozen=True, slots=True)
class CallEnded:
    """The call is over; nothing follows."""

    at: Nanos
    cause: str


Event: TypeAlias = (
    CallStarted
    | FrameScored
    | PartialTranscript
    | FinalTranscript
    | EndOfTurnScored
    | ReplyPrepared
    | ReplyTextReceived
    | ToolRequested
    | ToolFinished
    | ToolFailed
    | HandoverRequested
    | AgentRequest
    | ReplyCompleted
    | ClauseSynthesized
    | PlayoutStarted
    | MarkReached
    | PlayoutCleared
    | DtmfReceived
    | CallerTyped
    | CallerTyping
    | InterruptRequested
    | EngineFailed
    | EngineRemarked
    | WorkDone
    | DeadlineReached
    | CallEnded
)
