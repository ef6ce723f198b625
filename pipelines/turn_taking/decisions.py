"""What the core decided, with the facts that reports and screens count with.

A decision asks for nothing to be done: it stands in the journal beside the commands. What others
read of it are named fields; its reason holds only the numbers of the sentence that explains it.
"""

from dataclasses import dataclass
from typing import ClassVar, Literal, TypeAlias

from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.reasons import Reason
from pipelines.turn_taking.time import Nanos

Verdict: TypeAlias = Literal[
    "turn_held",  # silence, but the caller seems to have more to say
    "turn_resumed",  # the caller went on after a pause
    "turn_dropped",  # speech without words: cough, noise
    "detector_deaf",  # it did not take long sound for speech, which is taken for it all the same
    "caller_unheard",  # the agent hangs up on a caller of whom no word was understood
    "turn_reopened",  # the caller went on before the reply was heard
    "line_echoes",  # the agent has heard itself too often to stop for it
    "speculation_kept",
    "speculation_dropped",
    "speculation_withheld",  # the budget for work in vain is spent
    "result_dropped",  # a result of work that was cancelled
    "engine_failed",
    "engine_remarked",  # it dropped a phrase nobody said, or another engine answered
    "agent_speaks",  # a sentence of its own: greeting, question, apology, goodbye
    "handed_over",  # another agent has the call from now on
    "tool_finished",
    "tool_failed",  # the model is told, and the reply goes on
    "tool_refused",  # the model asked for tools too many times in one reply
    "marks_assumed",  # playout said nothing: taken as heard
]
"""Of a decision that is told by its reason alone."""


@dataclass(frozen=True, slots=True)
class SpokenTurn:
    """How the end of a turn that was spoken came to be found; moments are media time."""

    transcription: JobId
    """The job whose final transcript gave its last words."""
    start: Nanos
    end: Nanos
    """Its last sound, as far as known when it was judged to be over."""
    paused_at: Nanos
    """When the silence counted as a pause."""
    due: Nanos
    """When the silence asked for was reached."""
    silence_ms: float
    """Silence seen when it was judged to be over."""
    p: float | None
    """P(end of turn); None if no detector had answered."""
    wasted_ms: float | None
    """Engines' time on what was made ahead and thrown away; None if none reports its time."""


@dataclass(frozen=True, slots=True)
class TurnEnded:
    """The caller's turn is over; the reply may be heard."""

    verdict: ClassVar = "turn_ended"
    text: str
    reply: JobId
    speech: SpokenTurn | None
    """None: it was typed or keyed."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class OverlapJudged:
    """Speech over the agent, or a key pressed or words typed: a real interruption, or ignored."""

    interrupts: bool
    onset: Nanos
    """Media time at which it began."""
    detected: Nanos
    """When it was known to be speech."""
    text: str
    """Its words so far."""
    reply: JobId
    """The utterance it was said over; 0 if that was over already."""
    reason: Reason

    @property
    def verdict(self) -> Literal["overlap_interrupts", "overlap_ignored"]:
        """What it was, as a word."""
        return "overlap_interrupts" if self.interrupts else "overlap_ignored"


@dataclass(frozen=True, slots=True)
class AgentDone:
    """An utterance of the agent was heard to its end, or as far as it came."""

    verdict: ClassVar = "agent_done"
    reply: JobId
    heard: str
    written: str
    interrupted: bool
    reason: Reason


@dataclass(frozen=True, slots=True)
class PausesLearned:
    """How much likelier than others' this caller's silences are ends, from those so far."""

    verdict: ClassVar = "pauses_learned"
    log_odds: float
    """Added to those of P(end)."""
    reason: Reason


@dataclass(frozen=True, slots=True)
class RecordDecision:
    """A decision of which nothing but its reason is told, such as a hold."""

    verdict: Verdict
    reason: Reason


Decision: TypeAlias = TurnEnded | OverlapJudged | AgentDone | PausesLearned | RecordDecision
