"""The words of the latency report.

All moments and durations are integer nanoseconds since the call began. The caller's speech is told
by when they uttered it, the agent's by when they heard it, everything else by when it happened.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias, get_args

from pipelines.turn_taking.decisions import Decision as Decided
from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.time import Nanos

SpanName: TypeAlias = Literal[
    "ingress",  # network and jitter buffer, caller to us
    "vad_hangover",  # until the silence counts as a pause
    "endpoint_wait",  # until the turn is judged to be over
    "asr_final",  # until the transcript is final
    "tools",  # until the tools that the first words wait for were asked for and have answered
    "llm_ttft",  # until the first piece of the reply's text
    "first_clause",  # until that is a clause that can be spoken
    "tts_ttfb",  # until the first audio of it
    "pacing",  # until it leaves for the caller
    "egress",  # network and buffers, us to the caller's ear
]
SPANS: Final[tuple[SpanName, ...]] = get_args(SpanName)
"""The parts of voice-to-voice, in order; they add up to it exactly."""


def spans_worth_showing(spans: Mapping[SpanName, Nanos]) -> dict[SpanName, Nanos]:
    """The spans without that of tools where no tool was waited for."""
    return {name: span for name, span in spans.items() if span or name != "tools"}


BargeInSpan: TypeAlias = Literal[
    "detected",  # from the onset of the caller's speech until it was noticed
    "judged",  # until it was held to be an interruption, or the agent fell silent to judge it
    "cleared",  # until playout had stopped
    "silent",  # until silence reached the caller's ear
]
BARGE_IN_SPANS: Final[tuple[BargeInSpan, ...]] = get_args(BargeInSpan)


@dataclass(frozen=True, slots=True)
class Decision:
    """One decision of the core, and when it was taken."""

    at: Nanos
    facts: Decided
    sentence: str
    """Why, in words."""

    @property
    def verdict(self) -> str:
        """What was decided, as a word."""
        return self.facts.verdict

    @property
    def rule(self) -> str:
        """By which rule."""
        return self.facts.reason.rule


ToolOutcome: TypeAlias = Literal["answered", "failed", "given_up", "open"]
"""`given_up`: nobody waits for it any more; `open`: the journal ends before its answer."""


@dataclass(frozen=True, slots=True)
class ToolUse:
    """A tool that a reply called."""

    name: str
    at: Nanos
    """When it was called."""
    took: Nanos | None
    """Until it answered, failed or was given up; None: it did none of these."""
    outcome: ToolOutcome


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the caller and the agent's reply to it."""

    index: int
    """From 1."""
    start: Nanos
    """When the caller began to speak."""
    end: Nanos
    """When they had finished."""
    text: str
    """What the caller said, as transcribed."""
    decision: Decision
    """By which the turn was over."""
    p_end_of_turn: float | None
    """None if no detector had answered."""
    silence_ms: float | None
    """Silence observed when the turn was judged to be over."""
    reply: JobId | None
    written: str
    """All of the reply's text."""
    heard: str
    """What the caller heard of it."""
    interrupted: bool
    """Whether the caller stopped the reply."""
    playout: Nanos | None
    """When the reply's first sample left for the caller; None if none did."""
    spans: Mapping[SpanName, Nanos]
    """Empty if the turn was not answered."""
    saved: Nanos
    """How much longer the caller would have waited had nothing been done ahead."""
    spent: Nanos
    """Engines' time on what was done ahead and thrown away because the caller went on."""
    speculations_kept: int
    """Replies begun before the turn was over that became its answer: 0 or 1."""
    speculations_dropped: int
    """Replies begun in this turn and thrown away because the caller went on."""
    tools: tuple[ToolUse, ...]
    """What the reply called, in order of time."""
    decisions: tuple[Decision, ...]
    """All decisions about this turn and its reply, in order of time."""

    @property
    def voice_to_voice(self) -> Nanos | None:
        """From the caller's last sample to the agent's first at the caller's ear."""
        return sum(self.spans.values()) if self.spans else None


@dataclass(frozen=True, slots=True)
class BargeIn:
    """Speech of the caller over the agent, and what became of it."""

    onset: Nanos
    """When the caller began it."""
    detected: Nanos
    judged: Nanos
    """When it was decided what it was."""
    verdict: Literal["interrupts", "ignored"]
    text: str
    """What the caller said over the agent, as far as known when it was judged."""
    turn: int | None
    """Index of the turn whose reply was spoken over; None: the greeting or the like."""
    cleared: Nanos | None
    """When playout had stopped for good; None if it was not stopped."""
    silent_at_ear: Nanos | None
    """When the caller heard silence, be it first to judge the speech or at once for good."""
    paused: Nanos
    """For how long the agent was silent to judge what it then ignored."""
    spans: Mapping[BargeInSpan, Nanos]
    """Add up to `silent_at_ear - onset`; empty if the agent did not fall silent for good."""
    written: str
    heard: str
    """Of the reply that was spoken over."""
    decision: Decision
