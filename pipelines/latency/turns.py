"""Folds a journal into turns: changes with how a turn's milestones are read from it.

The milestones telescope: each is held between the one before it and the start of playout, so the
spans between them are never negative and add up exactly. Work finished ahead of its turn (done
while it was still open whether the caller had finished) costs 0, and shows as `saved`.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from itertools import pairwise
from typing import Final

from pipelines.latency.decisions import decisions_by_turn
from pipelines.latency.index import JournalIndex, ReplyTrace, TranscriptionTrace
from pipelines.latency.vocabulary import SPANS, Decision, SpanName, Turn
from pipelines.turn_taking.decisions import RecordDecision, TurnEnded
from pipelines.turn_taking.events import PlayoutStarted
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import Nanos, from_ms

_PREPARED: Final[tuple[SpanName, ...]] = (
    "asr_final", "tools", "llm_ttft", "first_clause", "tts_ttfb",
)  # fmt: skip
"""What may be done before the turn is over."""


def fold_turns(journal: Iterable[Entry] | JournalIndex) -> list[Turn]:
    """Every turn of the caller that was judged to be over, in order."""
    index = journal if isinstance(journal, JournalIndex) else JournalIndex(journal)
    commits = _commits(index)
    outlines = [(commit.began, commit.at, commit.ended.reply) for commit in commits]
    groups = decisions_by_turn(index.decisions, outlines)
    return [
        _turn(index, number, commit, group)
        for number, (commit, group) in enumerate(zip(commits, groups, strict=True), start=1)
    ]


@dataclass(frozen=True, slots=True)
class _Commit:
    """The decision that ended a turn."""

    decision: Decision
    ended: TurnEnded

    @property
    def at(self) -> Nanos:
        return self.decision.at

    @property
    def began(self) -> Nanos:
        """Media time; what was typed took no time."""
        return self.at if self.ended.speech is None else self.ended.speech.start


def _commits(index: JournalIndex) -> list[_Commit]:
    """Those that ended a turn for good: not those the caller undid by going on."""
    commits: list[_Commit] = []
    for decision in index.decisions:
        match decision.facts:
            case TurnEnded() as ended:
                commits.append(_Commit(decision, ended))
            case RecordDecision("turn_reopened") if commits:
                if index.first_playout(commits[-1].ended.reply) is None:
                    commits.pop()
            case _:
                pass
    return commits


def _turn(
    index: JournalIndex, number: int, commit: _Commit, decisions: tuple[Decision, ...]
) -> Turn:
    reply, speech = commit.ended.reply, commit.ended.speech
    playout = index.first_playout(reply)
    arrival = commit.at if speech is None else speech.end
    if playout is not None:
        arrival = index.last_sound(arrival, playout.at + playout.egress)
    end = index.uttered(arrival)
    written, heard = index.text_of(reply)
    milestones = _milestones(index, commit, arrival, playout) if playout else {}
    spans = _telescope(end, milestones, playout) if playout else {}
    done = index.replies[reply].done
    return Turn(
        index=number,
        start=index.uttered(commit.began),
        end=end,
        text=commit.ended.text.strip(),
        decision=commit.decision,
        p_end_of_turn=speech.p if speech else None,
        silence_ms=speech.silence_ms if speech else None,
        reply=reply,
        written=written,
        heard=heard,
        interrupted=done is not None and done.interrupted,
        playout=playout.at if playout else None,
        spans=spans,
        saved=_saved(index, commit, playout, spans) if playout else 0,
        spent=from_ms(speech.wasted_ms or 0) if speech else 0,
        speculations_kept=sum(d.verdict == "speculation_kept" for d in decisions),
        speculations_dropped=sum(d.verdict == "speculation_dropped" for d in decisions),
        tools=tuple(index.tools_of(reply)),
        decisions=decisions,
    )


def _milestones(
    index: JournalIndex, commit: _Commit, arrival: Nanos, playout: PlayoutStarted
) -> dict[SpanName, Nanos | None]:
    """When each span ended, as far as the journal says."""
    reply, speech = index.replies[commit.ended.reply], commit.ended.speech
    asked, _ = reply.clauses[playout.job]
    return {
        "ingress": arrival,
        "vad_hangover": arrival if speech is None else speech.paused_at,
        "endpoint_wait": commit.at - _transcript_wait(index, commit),
        "asr_final": max(commit.at, reply.requested or 0),
        "tools": _tools_answered(reply, asked),
        "llm_ttft": None if reply.first_text is None else min(reply.first_text, asked),
        "first_clause": asked,
        "tts_ttfb": index.first_audio.get(playout.job),
        "pacing": playout.at,
    }


def _tools_answered(reply: ReplyTrace, asked: Nanos) -> Nanos | None:
    """Until when the first clause, asked for then, waited for tools; None if it did not.

    A sentence said to bridge the wait was waited for as long as the tool alone was at work.
    """
    first = min(reply.first_text or asked, asked)
    called = next((at for at, _ in reply.tools.values()), None)
    if called is None or called > first:
        return None
    if reply.first_text is None or reply.first_text > asked:
        return asked
    return max((at for at in reply.continued if at <= first), default=None)


def _transcript_wait(index: JournalIndex, commit: _Commit) -> Nanos:
    """How much later the turn was over only because its transcript was not there yet.

    The silence asked for had been reached at `due`; a transcript that came after it held the
    decision up.
    """
    speech, trace = commit.ended.speech, _transcription(index, commit)
    if speech is None or trace is None or not trace.asked:
        return 0
    final = max((final.at for final in trace.finals if final.at <= commit.at), default=commit.at)
    return max(0, final - speech.due)


def _telescope(
    end: Nanos, milestones: dict[SpanName, Nanos | None], playout: PlayoutStarted
) -> dict[SpanName, Nanos]:
    moments = [end]
    for moment in milestones.values():
        latest = moments[-1]
        moments.append(latest if moment is None else min(max(moment, latest), playout.at))
    moments.append(playout.at + playout.egress)
    return {name: b - a for name, (a, b) in zip(SPANS, pairwise(moments), strict=True)}


def _saved(
    index: JournalIndex, commit: _Commit, playout: PlayoutStarted, spans: dict[SpanName, Nanos]
) -> Nanos:
    """What transcript, text and audio took by themselves, less what the caller waited for them.

    Reading the prompt in advance counts as part of the text.
    """
    reply, speech = index.replies[commit.ended.reply], commit.ended.speech
    asked, _ = reply.clauses[playout.job]
    trace = _transcription(index, commit)
    took = 0
    if trace is not None and trace.asked and trace.finals:
        final = trace.finals[-1].at
        took += final - max((at for at in trace.asked if at <= final), default=final)
    paused = commit.at if speech is None else speech.paused_at
    took += sum(
        done - began
        for began, done in index.prefills.values()
        if done is not None and paused <= began <= done <= commit.at
    )
    if reply.requested is not None:
        took += max(0, asked - reply.requested)
    took += max(0, index.first_audio.get(playout.job, asked) - asked)
    paid = sum(spans[name] for name in _PREPARED)
    return max(0, took - paid)


def _transcription(index: JournalIndex, commit: _Commit) -> TranscriptionTrace | None:
    speech = commit.ended.speech
    return None if speech is None else index.transcriptions.get(speech.transcription)
