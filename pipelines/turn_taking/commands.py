"""What the core may ask of the world: its only output.

Commands are imperative, frozen, and each carries the reason for it with the numbers behind it.
They take effect at the moment of the event that caused them. A decision (`decisions.py`) is one of
them that asks for nothing but to be written down.
"""

from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.turn_taking.decisions import Decision
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.reasons import Reason
from pipelines.turn_taking.time import Nanos

Role: TypeAlias = Literal["system", "agent", "caller", "tool_call", "tool_result"]


@dataclass(frozen=True, slots=True)
class Message:
    """One entry of the conversation's history; an agent's text is only what the caller heard.

    A `tool_call` is JSON, `{"name": …, "arguments": {…}}`, and is followed by its `tool_result`.
    """

    role: Role
    text: str


History: TypeAlias = tuple[Message, ...]


@dataclass(frozen=True, slots=True)
class StartTranscription:
    """Transcribe the caller's audio from media time `start` on, as it arrives."""

    job: JobId
    start: Nanos
    reason: Reason


@dataclass(frozen=True, slots=True)
class FinishTranscription:
    """Give the final transcript of the job's audio up to media time `until`."""

    job: JobId
    until: Nanos
    reason: Reason


@dataclass(frozen=True, slots=True)
class CancelTranscription:
    """Forget a transcription; its results no longer matter."""

    job: JobId
    reason: Reason


@dataclass(frozen=True, slots=True)
class ScoreEndOfTurn:
    """Ask detectors whether the caller has finished.

    `history` ends before the caller's present turn; `text` is that turn so far, and its audio lies
    in media time `start` to `until`.
    """

    job: JobId
    detectors: tuple[str, ...]
    start: Nanos
    until: Nanos
    text: str
    history: History
    reason: Reason


@dataclass(frozen=True, slots=True)
class PrepareReply:
    """Let the LLM read the prompt in advance; generate nothing."""

    job: JobId
    history: History
    reason: Reason


@dataclass(frozen=True, slots=True)
class GenerateReply:
    """Stream the agent's reply to `history`."""

    job: JobId
    history: History
    speculative: bool
    """Asked for before the caller's turn was judged to be over."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class ContinueReply:
    """Stream on what `reply` says, now that its tools have answered: `history` ends with that."""

    job: JobId
    reply: JobId
    history: History
    reason: Reason


@dataclass(frozen=True, slots=True)
class CallTool:
    """Run a tool; `arguments` are as the model wrote them."""

    job: JobId
    reply: JobId
    name: str
    arguments: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class CancelTool:
    """Give a tool up: its result no longer matters."""

    job: JobId
    reason: Reason


@dataclass(frozen=True, slots=True)
class HandOver:
    """From now on the LLM, the tools and the hooks are those of another agent."""

    number: int
    """Which HandoverRequested asked for it."""
    agent: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class CancelReply:
    """Stop generating a reply and synthesising its clauses."""

    job: JobId
    reason: Reason


@dataclass(frozen=True, slots=True)
class SynthesizeClause:
    """Make audio of one clause; `reply` is the job whose cancellation takes it along."""

    job: JobId
    reply: JobId
    text: str
    reason: Reason


@dataclass(frozen=True, slots=True)
class PlayClause:
    """Play a clause (named by its synthesis job) after those queued before it."""

    job: JobId
    reason: Reason


@dataclass(frozen=True, slots=True)
class PausePlayout:
    """Fall silent at once, keeping what is queued."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ResumePlayout:
    """Go on from the word at which playout was paused."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class ClearPlayout:
    """Fall silent at once and drop what is queued here and at the far side."""

    reason: Reason


@dataclass(frozen=True, slots=True)
class EndCall:
    """Hang up."""

    reason: Reason


Command: TypeAlias = (
    StartTranscription
    | FinishTranscription
    | CancelTranscription
    | ScoreEndOfTurn
    | PrepareReply
    | GenerateReply
    | ContinueReply
    | CallTool
    | CancelTool
    | HandOver
    | CancelReply
    | SynthesizeClause
    | PlayClause
    | PausePlayout
    | ResumePlayout
    | ClearPlayout
    | EndCall
    | Decision
)
