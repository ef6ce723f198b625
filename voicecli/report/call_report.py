"""Everything there is to say of one finished call: what every renderer takes.

Changes when a report gains a figure that is not a fold over the journal alone.
"""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Final

from pipelines.latency import BargeIn, Decision, LatencyFold, Turn
from pipelines.turn_taking.events import EngineFailed, EngineKind, EngineRemarked, JobId
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos
from voicecli.recording.bundle import Stereo
from voicecli.recording.journal import JournalHeader
from voicecli.recording.labels import Labels
from voicecli.report.acoustic import AcousticEar
from voicecli.report.wer import WordErrors, word_errors
from voicecli.shadow.verdicts import ShadowReport

CUT_IN_LEAD: Final[Nanos] = 300 * MILLISECOND
"""An agent that starts this shortly before the caller goes on has cut in, too."""
_WHY_FAILED: Final = {
    "apology": "",
    "not_heard": "the words could not be transcribed",
    "too_many_failures": "the last of too many one after the other",
}
"""Rules by which the agent says that a turn has failed, and why if the decision does not say."""


@dataclass(frozen=True, slots=True)
class TurnReport:
    """One turn, with what only the recording can tell."""

    turn: Turn
    cut_in: bool
    """Whether the agent's reply began before the caller had finished."""
    acoustic_voice_to_voice: Nanos | None
    """Measured from the waveforms; None without audio or where it cannot be found."""
    acoustic_missing: str = ""
    """Why it cannot be found, where there is audio and a reply was heard."""

    @property
    def comparable(self) -> bool:
        """Whether its latency belongs into a summary: both clocks show it, or there is but one."""
        return self.turn.voice_to_voice is not None and not self.acoustic_missing


@dataclass(frozen=True, slots=True)
class CallReport:
    """One call, ready to be rendered."""

    name: str
    profile: str
    line: str
    """Name of the phone line, empty if unknown."""
    duration_s: float
    wall_s: float | None
    """How long running the call took; None if it was not run but read."""
    turns: tuple[TurnReport, ...]
    barge_ins: tuple[BargeIn, ...]
    decisions: tuple[Decision, ...]
    """All of the call, also those before the first turn."""
    cut_ins: int
    word_errors: WordErrors | None
    """What was misheard of the labels' words; None without any."""
    partial: bool
    """The call was broken off."""
    diverged: Nanos | None
    """In a run under another policy: when the agent first acted otherwise than recorded. The
    recorded caller could not react to anything after that."""
    failures: tuple[str, ...]
    """A sentence for each engine that failed at a job, and for each turn that failed without one:
    the reply was empty, silent or late, or the words could not be had in time."""
    audible: tuple[tuple[Nanos, Nanos | None], ...]
    """From when to when the agent was at the caller's ear; None: to the end."""
    entries: tuple[Entry, ...]
    """The journal itself, for renderers that draw it."""
    shadows: tuple[ShadowReport, ...] = ()
    """What other endpointers would have done, in the order in which they were asked for."""


def build_call_report(
    name: str,
    header: JournalHeader,
    entries: Sequence[Entry],
    stereo: Stereo | None = None,
    labels: Labels | None = None,
    *,
    wall_s: float | None = None,
    cut_ins: Iterable[tuple[Nanos, Nanos]] = (),
) -> CallReport:
    """The report of one call.

    Args:
        name: of the call, for headings.
        header: of its journal; `metadata["line"]` is the phone line's name.
        entries: the journal.
        stereo: shape (samples, 2) at `header.rate` Hz: the caller as uttered, the agent as it
            reaches the caller's ear, both on the journal's clock.
        labels: what the caller really said, in seconds of this call.
        wall_s: how long running the call took.
        cut_ins: stretches of the caller's speech (media time) into which the agent began to speak.
    """
    fold = LatencyFold(entries)
    index, turns = fold.index, fold.turns
    stretches = list(cut_ins)
    ear = None if stereo is None else AcousticEar(stereo, header.rate)
    diverged = header.metadata.get("diverged_s")
    return CallReport(
        name=name,
        profile=header.profile,
        line=str(header.metadata.get("line", "")),
        duration_s=max((entry.at for entry in entries), default=0) / SECOND,
        wall_s=wall_s,
        turns=tuple(_turn_report(turn, stretches, ear) for turn in turns),
        barge_ins=tuple(fold.barge_ins),
        decisions=tuple(index.decisions),
        cut_ins=len(stretches),
        word_errors=_word_errors(turns, labels),
        partial=header.partial,
        diverged=None if diverged is None else round(diverged * SECOND),
        failures=tuple(_failures(entries, index.decisions)),
        audible=tuple(index.audible()),
        entries=tuple(entries),
    )


def reply_at_ear(turn: Turn) -> Nanos | None:
    """When the caller heard the reply's first sample."""
    latency = turn.voice_to_voice
    return None if latency is None else turn.end + latency


def _failed(entries: Iterable[Entry]) -> Iterator[tuple[Nanos, EngineKind, str]]:
    """When which kind of engine failed and how, be it that another stepped in; each job once."""
    remarked: set[JobId] = set()
    for entry in entries:
        match entry:
            case EngineRemarked(at, job, kind, what, True):
                remarked.add(job)
                yield at, kind, what
            case EngineFailed(at, job, kind, what) if job not in remarked:
                yield at, kind, what
            case _:
                pass


def _cuts_in(turn: Turn, stretches: Iterable[tuple[Nanos, Nanos]]) -> bool:
    heard = reply_at_ear(turn)
    return heard is not None and any(
        start - CUT_IN_LEAD <= heard <= end for start, end in stretches
    )


def _turn_report(
    turn: Turn, stretches: Iterable[tuple[Nanos, Nanos]], ear: AcousticEar | None
) -> TurnReport:
    heard, cut_in = reply_at_ear(turn), _cuts_in(turn, stretches)
    if ear is None or heard is None:
        return TurnReport(turn, cut_in, None)
    gap = ear.gap(turn.end, heard)
    return TurnReport(turn, cut_in, gap.duration, gap.missing)


def _failures(entries: Iterable[Entry], decisions: Iterable[Decision]) -> list[str]:
    found = [
        (at, f"{kind} failed at {at / SECOND:.3f} s: {what}") for at, kind, what in _failed(entries)
    ]
    known = {at for at, _ in found}  # an apology comes in the same moment as its engine's failure
    for decision in decisions:
        apologises = decision.verdict == "agent_speaks" and decision.rule in _WHY_FAILED
        if apologises and decision.at not in known:
            why = decision.facts.reason.numbers.get("why", _WHY_FAILED[decision.rule])
            found.append((decision.at, f"a turn failed at {decision.at / SECOND:.3f} s: {why}"))
    return [sentence for _, sentence in sorted(found)]


def _word_errors(turns: Iterable[Turn], labels: Labels | None) -> WordErrors | None:
    """Over the whole call, so that it does not matter how it was split into turns."""
    if labels is None:
        return None
    said = " ".join(label.text for label in labels.turns if label.takes_floor)
    return word_errors(said, " ".join(turn.text for turn in turns))
