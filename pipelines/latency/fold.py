"""Measures a call from its journal, entry by entry: for a report, a screen and a server alike."""

from collections.abc import Iterable
from dataclasses import dataclass

from pipelines.latency.barge_ins import barge_in_of
from pipelines.latency.decisions import decisions_by_turn
from pipelines.latency.index import JournalIndex
from pipelines.latency.turns import Commit, growing_spans, turn_of, voice_to_voice_of
from pipelines.latency.vocabulary import BargeIn, Decision, SpanName, Turn
from pipelines.turn_taking.commands import Command, FinishTranscription, StartTranscription
from pipelines.turn_taking.decisions import OverlapJudged, RecordDecision, TurnEnded
from pipelines.turn_taking.events import (
    CallEnded,
    FrameScored,
    JobId,
    PlayoutCleared,
    PlayoutStarted,
)
from pipelines.turn_taking.journal import Entry, Issued
from pipelines.turn_taking.speech_gate import LAST_SOUND
from pipelines.turn_taking.time import Nanos


@dataclass(slots=True)
class Waiting:
    """The caller waits for an answer, or may be about to go on."""

    spoke_until: Nanos
    """Media time of their last sound, as far as known."""
    paused_at: Nanos
    commit: Commit | None = None
    """None: it is not decided yet whether their turn is over."""


class LatencyFold:
    """The only place that measures a call; `take` costs the same however long the call is."""

    def __init__(self, entries: Iterable[Entry] = ()) -> None:
        self.index = JournalIndex()
        self.waiting: Waiting | None = None
        self.voice_to_voice: list[Nanos] = []
        """Of each answered turn, in order, as soon as no sound of the caller's can change it."""
        self.barge_ins_stopped: list[Nanos] = []
        """Of each interruption, in order: from the caller's onset until they heard silence."""
        self._commits: list[Commit] = []
        self._unheard: dict[JobId, Commit] = {}
        """Those of whose reply nothing was heard so far, by that."""
        self._turn_began: Nanos = 0
        self._answered: Commit | None = None
        """Its reply is being heard, and its latency not settled yet."""
        self._interruption: Decision | None = None
        """Playout was told to stop for it, and has not yet said that it did."""
        for entry in entries:
            self.take(entry)

    def take(self, entry: Entry) -> None:
        """One entry more."""
        self.index.take(entry)
        match entry:
            case FrameScored():
                if self._answered is not None and entry.start > self._answered.end + LAST_SOUND:
                    self._settle()
            case Issued(at, command):
                self._command(at, command)
            case PlayoutStarted():
                self._heard(entry)
            case PlayoutCleared():
                self._stopped()
            case CallEnded():
                self._settle()
            case _:
                pass

    @property
    def turns(self) -> list[Turn]:
        """Every turn of the caller that was judged to be over, in order."""
        commits = self._kept
        outlines = [(commit.began, commit.at, commit.ended.reply) for commit in commits]
        groups = decisions_by_turn(self.index.decisions, outlines)
        numbered = enumerate(zip(commits, groups, strict=True), start=1)
        return [turn_of(self.index, number, *of_turn) for number, of_turn in numbered]

    @property
    def turns_so_far(self) -> int:
        """How many they are."""
        return len(self._kept)

    @property
    def barge_ins(self) -> list[BargeIn]:
        """Every stretch of the caller's speech over the audible agent that was judged, in order."""
        numbers = {commit.ended.reply: at for at, commit in enumerate(self._kept, start=1)}
        judged = (barge_in_of(self.index, decision, numbers) for decision in self.index.decisions)
        return [barge_in for barge_in in judged if barge_in is not None]

    def spans(self, now: Nanos) -> dict[SpanName, Nanos]:
        """The parts of the wait under way, the last of them still growing; empty if there is none.

        Each ends up where the finished turn has it.
        """
        if (waiting := self.waiting) is None:
            return {}
        return growing_spans(
            self.index, waiting.spoke_until, waiting.paused_at, waiting.commit, now
        )

    @property
    def _kept(self) -> list[Commit]:
        """Turns that were over for good: not those the caller undid by going on."""
        return [commit for commit in self._commits if not commit.undone(self.index)]

    def _command(self, at: Nanos, command: Command) -> None:
        match command:
            case StartTranscription(start=start):
                self.waiting, self._turn_began = None, start
            case FinishTranscription(until=until) if self.waiting is None:
                spoke_until = self.index.sound_since(self._turn_began)
                self.waiting = Waiting(until if spoke_until is None else spoke_until, at)
            case TurnEnded():
                commit = Commit(self.index.decisions[-1], command)
                self._commits.append(commit)
                self._unheard[command.reply] = commit
                self.waiting = Waiting(commit.end, commit.paused_at, commit)
            case RecordDecision("turn_reopened") if kept := self._kept:
                kept[-1].reopened = True
            case RecordDecision("turn_dropped"):
                self.waiting = None
            case OverlapJudged(interrupts=interrupts):
                self.waiting = None
                if interrupts:
                    self._interruption = self.index.decisions[-1]
            case _:
                pass

    def _heard(self, event: PlayoutStarted) -> None:
        reply = self.index.reply_of_clause(event.job)
        commit = None if reply is None else self._unheard.pop(reply, None)
        if commit is not None:
            self._settle()
            self._answered = commit
            if self.waiting is not None and self.waiting.commit is commit:
                self.waiting = None

    def _stopped(self) -> None:
        decision, self._interruption = self._interruption, None
        barge_in = None if decision is None else barge_in_of(self.index, decision, {})
        if barge_in is not None and barge_in.silent_at_ear is not None:
            self.barge_ins_stopped.append(barge_in.silent_at_ear - barge_in.onset)

    def _settle(self) -> None:
        commit, self._answered = self._answered, None
        latency = None if commit is None else voice_to_voice_of(self.index, commit)
        if latency is not None:
            self.voice_to_voice.append(latency)


def fold_turns(journal: Iterable[Entry]) -> list[Turn]:
    """Every turn of the caller that was judged to be over, in order."""
    return LatencyFold(journal).turns


def fold_barge_ins(journal: Iterable[Entry]) -> list[BargeIn]:
    """Every stretch of the caller's speech over the audible agent that was judged, in order."""
    return LatencyFold(journal).barge_ins
