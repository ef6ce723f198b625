"""The caller's turn under way: its words so far, its pause and what the voice says of that."""

from dataclasses import dataclass, field

from pipelines.turn_taking.events import JobId
from pipelines.turn_taking.reasons import Reason
from pipelines.turn_taking.time import Nanos


@dataclass(slots=True)
class CallerTurn:
    """One turn, from confirmed speech until it is answered or dropped."""

    onset: Nanos
    """Media time at which it began."""
    job: JobId
    """Its transcription."""
    transcribed_from: Nanos
    """Media time at which that transcription starts."""
    detected_at: Nanos
    """When its speech was confirmed."""
    began_over_agent: bool = False
    """Whether that was while the agent had the floor."""
    over_beginning_of: JobId | None = None
    """The reply of which no clause had been heard when it began."""
    carried: str = ""
    """Words from before `transcribed_from`: earlier pieces of a long or reopened turn."""
    stable: str = ""
    unstable: str = ""
    pause: "Pause | None" = None
    """Set while the caller is silent within the turn."""

    @property
    def text(self) -> str:
        """All its words so far, the final ones where there are any."""
        if self.pause is not None and self.pause.final is not None:
            return join_words(self.carried, self.pause.final)
        return join_words(self.carried, self.stable, self.unstable)

    @property
    def settled_text(self) -> str:
        """Only words that no longer change."""
        if self.pause is not None and self.pause.final is not None:
            return self.text
        return join_words(self.carried, self.stable)


@dataclass(slots=True)
class Pause:
    """A silence that may be the end of the turn."""

    speech_end: Nanos
    """Media time of the last sample of speech: what silence is counted from."""
    faded: Nanos
    """Media time up to which the detector took it for speech: what the models are given."""
    detected_at: Nanos
    until: Nanos | None = None
    """Media time up to which the final transcript was asked for; None: not asked yet."""
    final: str | None = None
    lost: Reason | None = None
    """Why its words will never be known."""
    question: JobId | None = None
    """To the detectors that listen, whether the turn ends here."""
    judged_by: Nanos = 0
    """Until when their answers are waited for."""
    scores: dict[str, float] = field(default_factory=dict[str, float])
    hold_recorded: bool = False
    overdue: bool = False
    """Would be the end, but for a sound that may be the caller going on."""

    def silence(self, now: Nanos) -> Nanos:
        """How long the caller has been silent, as heard by the agent."""
        return now - self.speech_end


def join_words(*pieces: str) -> str:
    """The pieces that are not empty, a space between them."""
    return " ".join(piece.strip() for piece in pieces if piece.strip())
