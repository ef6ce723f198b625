"""Where another endpointer would have done otherwise, and who was right.

The shadow is taken at its word in each pause by itself: what the call would have become after
another answer, nobody knows.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from pipelines.latency import Distribution, distribution
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.recording.labels import NEAR, Labels, Turn
from voicecli.shadow.pauses import Pause

SAME: Nanos = 200 * MILLISECOND
"""Answers closer together than this are no disagreement: nobody hears the difference."""

Side: TypeAlias = Literal["ours", "shadow"]
Truth: TypeAlias = Literal["end", "hold"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What the call and a shadow made of one pause."""

    at: Nanos
    """When the caller fell silent, as uttered."""
    text: str
    """The turn's words so far."""
    ours: Nanos | None
    """Silence after which the call was answered; None: the caller went on before."""
    ours_p: float | None
    """P(end) by which it was; None if it was not."""
    shadow: Nanos | None
    """Silence after which the shadow would have answered; None: the caller went on before."""
    shadow_p: float | None
    """None: a timer, or it reads and there were no words yet."""
    went_on: Nanos | None
    """Silence after which the caller spoke again; None: never, or only after an answer."""
    truth: Truth | None
    """What the labels say of this pause; None: nothing."""

    @property
    def differ(self) -> bool:
        """Whether only one answers, or one much sooner than the other."""
        if self.ours is None or self.shadow is None:
            return self.ours is not self.shadow
        return abs(self.ours - self.shadow) > SAME

    @property
    def right(self) -> Side | None:
        """Who did as the caller meant, where the two differ; None without a label."""
        if self.truth is None or not self.differ:
            return None
        ours_first = self.shadow is None or (self.ours is not None and self.ours < self.shadow)
        return "ours" if ours_first == (self.truth == "end") else "shadow"


@dataclass(frozen=True, slots=True)
class ShadowReport:
    """One shadow on one call."""

    name: str
    verdicts: tuple[Verdict, ...]
    """One for each pause, in order."""

    @property
    def disagreements(self) -> list[Verdict]:
        """The pauses in which the two differ."""
        return [verdict for verdict in self.verdicts if verdict.differ]

    def labelled(self, truth: Truth) -> int:
        """How many pauses the labels call so."""
        return sum(verdict.truth == truth for verdict in self.verdicts)

    def answers(self, side: Side, truth: Truth) -> list[Nanos]:
        """The silences after which one side answers pauses that the labels call so."""
        waits = [getattr(v, side) for v in self.verdicts if v.truth == truth]
        return [wait for wait in waits if wait is not None]

    def wait(self, side: Side) -> Distribution | None:
        """One side's silence before answering labelled ends of turns."""
        return distribution(self.answers(side, "end"))


def judge_pause(pause: Pause, wait: Nanos, p: float | None, labels: Labels | None) -> Verdict:
    """One pause.

    Args:
        pause: of the call.
        wait: silence after which the shadow would answer.
        p: what it says.
        labels: of the call.
    """
    answered, silence = pause.answered_at, None
    if answered is None and pause.went_on is not None:
        silence = pause.went_on - pause.speech_end
    return Verdict(
        at=pause.speech_end - pause.ingress,
        text=pause.text,
        ours=None if answered is None else answered - pause.speech_end,
        ours_p=pause.p,
        shadow=wait if silence is None or wait < silence else None,
        shadow_p=p,
        went_on=silence,
        truth=_truth(pause.speech_end - pause.ingress, labels.turns if labels else ()),
    )


def _truth(at: Nanos, turns: Sequence[Turn]) -> Truth | None:
    """Whether the caller had finished at this moment; None if no label says."""
    for label in turns:
        start, end = round(label.start_s * SECOND), round(label.end_s * SECOND)
        if label.intent is None or not label.takes_floor:
            continue
        if abs(end - at) <= NEAR:
            return "hold" if label.intent == "hold" else "end"
        if start <= at < end:
            return "hold"
    return None
