"""Folds a journal into turns: changes with how a turn's milestones are read from it.

The milestones telescope: each is held between the one before it and the start of playout, so the
spans between them are never negative and add up exactly. Work finished ahead of its turn (done
while it was still open whether the caller had finished) costs 0, and shows as `saved`.
"""

from collections.abc import Iterable
from itertools import pairwise
from typing import Final

from pipelines.latency.decisions import decisions_by_turn
from pipelines.latency.index import JournalIndex, ReplyTrace, TranscriptionTrace
from pipelines.latency.vocabulary import SPANS, Decision, SpanName, Turn
from pipelines.turn_taking.events import JobId, PlayoutStarted
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
    outlines = [
        (_moment(commit, "speech_start_ns", commit.at), commit.at, _job(commit, "reply"))
        for commit in commits
    ]
    groups = decisions_by_turn(index.decisions, outlines)
    return [
        _turn(index, number, commit, group)
        for number, (commit, group) in enumerate(zip(commits, groups, strict=True), start=1)
    ]


def _commits(index: JournalIndex) -> list[Decision]:
    """The decisions that ended a turn for good: not those the caller undid by going on."""
    commits: list[Decision] = []
    for decision in index.decisions:
        if decision.verdict == "turn_ended":
            commits.append(decision)
        elif decision.verdict == "turn_reopened" and commits:
            reply = _job(commits[-1], "reply")
            if reply is None or index.first_playout(reply) is None:
                commits.pop()
    return commits


def _turn(
    index: JournalIndex, number: int, commit: Decision, decisions: tuple[Decision, ...]
) -> Turn:
    reply = _job(commit, "reply")
    playout = index.first_playout(reply) if reply is not None else None
    arrival = _moment(commit, "speech_end_ns", commit.at)
    if playout is not None:
        arrival = index.last_sound(arrival, playout.at + playout.egress)
    end = index.uttered(arrival)
    written, heard = index.text_of(reply) if reply is not None else ("", "")
    milestones = _milestones(index, commit, arrival, playout) if playout else {}
    spans = _telescope(end, milestones, playout) if playout else {}
    done = index.replies[reply].done if reply is not None else None
    p = commit.numbers.get("p", -1)
    silence = commit.numbers.get("silence_ms")
    return Turn(
        index=number,
        start=index.uttered(_moment(commit, "speech_start_ns", commit.at)),
        end=end,
        text=_text(index, commit),
        decision=commit,
        p_end_of_turn=float(p) if isinstance(p, int | float) and p >= 0 else None,
        silence_ms=float(silence) if isinstance(silence, int | float) else None,
        reply=reply,
        written=written,
        heard=heard,
        interrupted=done is not None and done.rule == "agent_interrupted",
        playout=playout.at if playout else None,
        spans=spans,
        saved=_saved(index, commit, playout, spans) if playout else 0,
        spent=_spent(commit),
        speculations_kept=sum(d.verdict == "speculation_kept" for d in decisions),
        speculations_dropped=sum(d.verdict == "speculation_dropped" for d in decisions),
        tools=tuple(index.tools_of(reply)) if reply is not None else (),
        decisions=decisions,
    )


def _milestones(
    index: JournalIndex, commit: Decision, arrival: Nanos, playout: PlayoutStarted
) -> dict[SpanName, Nanos | None]:
    """When each span ended, as far as the journal says."""
    reply = index.replies[_job(commit, "reply") or 0]
    asked, _ = reply.clauses[playout.job]
    return {
        "ingress": arrival,
        "vad_hangover": _moment(commit, "paused_at_ns", arrival),
        "endpoint_wait": commit.at - _transcript_wait(index, commit, arrival),
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


def _transcript_wait(index: JournalIndex, commit: Decision, arrival: Nanos) -> Nanos:
    """How much later the turn was over only because its transcript was not there yet.

    The silence asked for had been reached at `due`; a transcript that came after it held the
    decision up.
    """
    trace = _transcription(index, commit)
    wait_ms = commit.numbers.get("wait_ms")
    if trace is None or not trace.asked or not isinstance(wait_ms, int | float):
        return 0
    due = _moment(commit, "due_ns", arrival + from_ms(wait_ms))
    final = max((final.at for final in trace.finals if final.at <= commit.at), default=commit.at)
    return max(0, final - due)


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
    index: JournalIndex, commit: Decision, playout: PlayoutStarted, spans: dict[SpanName, Nanos]
) -> Nanos:
    """What transcript, text and audio took by themselves, less what the caller waited for them.

    Reading the prompt in advance counts as part of the text.
    """
    reply = index.replies[_job(commit, "reply") or 0]
    asked, _ = reply.clauses[playout.job]
    trace = _transcription(index, commit)
    took = 0
    if trace is not None and trace.asked and trace.finals:
        final = trace.finals[-1].at
        took += final - max((at for at in trace.asked if at <= final), default=final)
    paused = _moment(commit, "paused_at_ns", commit.at)
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


def _spent(commit: Decision) -> Nanos:
    """As the core has it; 0 where engines told no costs."""
    spent_ms = commit.numbers.get("spent_ms")
    return from_ms(spent_ms) if isinstance(spent_ms, int | float) else 0


def _text(index: JournalIndex, commit: Decision) -> str:
    trace = _transcription(index, commit)
    final = trace.finals[-1].text if trace is not None and trace.finals else ""
    return str(commit.numbers.get("text", final)).strip()


def _transcription(index: JournalIndex, commit: Decision) -> TranscriptionTrace | None:
    job = _job(commit, "transcription")
    return None if job is None else index.transcriptions.get(job)


def _job(decision: Decision, name: str) -> JobId | None:
    value = decision.numbers.get(name)
    return value if isinstance(value, int) and value > 0 else None


def _moment(decision: Decision, name: str, otherwise: Nanos) -> Nanos:
    value = decision.numbers.get(name)
    return value if isinstance(value, int) else otherwise
