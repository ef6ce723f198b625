"""What a journal says of one stretch of speech over the agent: when it was judged and stopped."""

from collections.abc import Iterable, Mapping
from itertools import pairwise
from typing import Final

from pipelines.latency.index import JournalIndex
from pipelines.latency.vocabulary import BARGE_IN_SPANS, BargeIn, BargeInSpan, Decision
from pipelines.turn_taking.decisions import OverlapJudged
from pipelines.turn_taking.events import JobId, PlayoutCleared, PlayoutStarted
from pipelines.turn_taking.time import MILLISECOND, Nanos

_FRAME: Final[Nanos] = 20 * MILLISECOND
"""The unit on the wire."""


def barge_in_of(
    index: JournalIndex, decision: Decision, turns: Mapping[JobId, int]
) -> BargeIn | None:
    """What this decision says of speech over the audible agent; None if it is about none.

    `turns` gives the number of the turn that a reply answers.
    """
    judged = decision.facts
    if not isinstance(judged, OverlapJudged):
        return None
    playout = index.playout_before(decision.at, judged.reply)
    if playout is None:  # the agent was thinking: nothing to barge in on
        return None
    onset = index.uttered(judged.onset)
    cleared = _cleared(index, decision) if judged.interrupts else None
    silent, spans = None, {}
    if cleared is not None:
        stopped = min([cleared.at, *_pauses(index, onset, decision.at)])
        silent = _last_sound(cleared, playout, stopped) + playout.egress
        spans = _telescope(onset, (judged.detected, decision.at, cleared.at), stopped, silent)
    written, heard = index.text_of(judged.reply)
    return BargeIn(
        onset=onset,
        detected=judged.detected,
        judged=decision.at,
        verdict="interrupts" if judged.interrupts else "ignored",
        text=judged.text,
        turn=turns.get(judged.reply),
        cleared=cleared.at if cleared else None,
        silent_at_ear=silent,
        paused=0 if judged.interrupts else _paused(index, onset, decision.at),
        spans=spans,
        written=written,
        heard=heard,
        decision=decision,
    )


def _cleared(index: JournalIndex, decision: Decision) -> PlayoutCleared | None:
    """The end of playout that this interruption caused: none if nothing was being played."""
    following = (
        later.at
        for later in index.decisions
        if later.at > decision.at and later.verdict == "overlap_interrupts"
    )
    until = next(following, None)
    return next(
        (
            event
            for event in index.clears
            if event.at >= decision.at and (until is None or event.at <= until)
        ),
        None,
    )


def _last_sound(cleared: PlayoutCleared, playout: PlayoutStarted, stopped: Nanos) -> Nanos:
    """When the last frame handed over before playout stopped was over: it is still heard."""
    if cleared.job != playout.job:
        return stopped
    return max(stopped, min(playout.at + cleared.position, stopped + _FRAME))


def _pauses(index: JournalIndex, onset: Nanos, until: Nanos) -> list[Nanos]:
    """When the agent fell silent for this speech and did not speak again before the verdict."""
    resumed = max((at for at in index.resumes if onset <= at < until), default=onset)
    return [at for at in index.pauses if resumed <= at <= until]


def _paused(index: JournalIndex, onset: Nanos, judged: Nanos) -> Nanos:
    """Silence spent on speech that was then ignored; playout resumes at the verdict or before."""
    total = 0
    for pause in (at for at in index.pauses if onset <= at <= judged):
        total += next((at for at in index.resumes if at >= pause), judged) - pause
    return total


def _telescope(
    onset: Nanos, moments: Iterable[Nanos], stopped: Nanos, silent: Nanos
) -> dict[BargeInSpan, Nanos]:
    """Spans between moments, none of which counts past the one at which playout stopped."""
    milestones = [onset]
    for moment in moments:
        milestones.append(min(max(moment, milestones[-1]), max(stopped, onset)))
    milestones.append(silent)
    return {name: b - a for name, (a, b) in zip(BARGE_IN_SPANS, pairwise(milestones), strict=True)}
