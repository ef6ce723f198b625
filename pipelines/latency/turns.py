"""Folds a journal into turns.

The milestones telescope: each is held between the one before it and the start of playout, so the
spans between them are never negative and add up exactly. Work finished ahead of its turn (done
while it was still open whether the caller had finished) costs 0, and shows as `saved`.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise, takewhile
from typing import Final

from pipelines.latency.index import JournalIndex, ReplyTrace, TranscriptionTrace
from pipelines.latency.vocabulary import SPANS, Decision, SpanName, Turn
from pipelines.turn_taking.decisions import TurnEnded
from pipelines.turn_taking.events import JobId, PlayoutStarted
from pipelines.turn_taking.time import Nanos, from_ms

_PREPARED: Final[tuple[SpanName, ...]] = (
    "asr_final", "tools", "llm_ttft", "first_clause", "tts_ttfb",
)  # fmt: skip
"""What may be done before the turn is over."""


@dataclass(slots=True)
class Commit:
    """The decision that ended a turn."""

    decision: Decision
    ended: TurnEnded
    reopened: bool = False
    """The caller went on before they could have heard the reply."""

    @property
    def at(self) -> Nanos:
        """When it was taken."""
        return self.decision.at

    @property
    def began(self) -> Nanos:
        """Media time of the turn's onset; what was typed took no time."""
        return self.at if self.ended.speech is None else self.ended.speech.start

    @property
    def end(self) -> Nanos:
        """Media time of its last sound, as far as known then."""
        return self.at if self.ended.speech is None else self.ended.speech.end

    @property
    def paused_at(self) -> Nanos:
        """When the silence counted as a pause."""
        return self.at if self.ended.speech is None else self.ended.speech.paused_at

    def undone(self, index: JournalIndex) -> bool:
        """Whether it counts no longer: the caller heard nothing of the reply they cut off."""
        return self.reopened and index.first_playout(self.ended.reply) is None


def turn_of(
    index: JournalIndex, number: int, commit: Commit, decisions: tuple[Decision, ...]
) -> Turn:
    """What the journal says of a turn, the `number`th one, and of these decisions about it."""
    reply, speech = commit.ended.reply, commit.ended.speech
    playout = index.first_playout(reply)
    arrival = _arrival(index, commit, playout)
    spans = _spans(index, commit, arrival, playout) if playout else {}
    written, heard = index.text_of(reply)
    done = index.replies[reply].done
    return Turn(
        index=number,
        start=index.uttered(commit.began),
        end=index.uttered(arrival),
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


def voice_to_voice_of(index: JournalIndex, commit: Commit) -> Nanos | None:
    """From the caller's last sound to the reply's first at their ear; None: it was never heard."""
    playout = index.first_playout(commit.ended.reply)
    if playout is None:
        return None
    arrival = _arrival(index, commit, playout)
    return playout.at + playout.egress - index.uttered(arrival)


def growing_spans(
    index: JournalIndex, arrival: Nanos, paused_at: Nanos, commit: Commit | None, now: Nanos
) -> dict[SpanName, Nanos]:
    """The parts so far of a wait for an answer that the caller has not heard yet."""
    passed: Iterable[Nanos | None] = (arrival, paused_at)
    if commit is not None:
        passed = _milestones(index, commit, arrival, next(iter(_clauses(index, commit)), None))
    moments = takewhile(lambda moment: moment is not None, passed)
    end = index.uttered(arrival)
    return _telescope(end, moments, until=max(now, end), heard=max(now, end))


def _arrival(index: JournalIndex, commit: Commit, playout: PlayoutStarted | None) -> Nanos:
    """Media time of the turn's last sound."""
    if playout is None:
        return commit.end
    return index.last_sound(commit.end, playout.at + playout.egress)


def _spans(
    index: JournalIndex, commit: Commit, arrival: Nanos, playout: PlayoutStarted
) -> dict[SpanName, Nanos]:
    moments = [*_milestones(index, commit, arrival, playout.job), playout.at]
    heard = playout.at + playout.egress
    return _telescope(index.uttered(arrival), moments, until=playout.at, heard=heard)


def _clauses(index: JournalIndex, commit: Commit) -> dict[JobId, tuple[Nanos, str]]:
    return index.replies[commit.ended.reply].clauses


def _milestones(
    index: JournalIndex, commit: Commit, arrival: Nanos, clause: JobId | None
) -> Iterator[Nanos | None]:
    """When each span before `pacing` was over, in their order; None: it is not, as far as known.

    `clause` is the first to be heard; None: there is none yet.
    """
    reply = index.replies[commit.ended.reply]
    asked = None if clause is None else reply.clauses[clause][0]
    yield arrival
    yield commit.paused_at
    yield commit.at - _transcript_wait(index, commit)
    yield max(commit.at, reply.requested or 0)
    yield _tools_answered(reply, asked)
    yield None if reply.first_text is None else min(reply.first_text, asked or reply.first_text)
    yield asked
    yield None if clause is None else index.first_audio.get(clause)


def _tools_answered(reply: ReplyTrace, asked: Nanos | None) -> Nanos | None:
    """Until when the first clause, asked for then, waited for tools: 0 if it did not.

    A sentence said to bridge the wait was waited for as long as the tool alone was at work.
    """
    written = reply.first_text if asked is None else min(reply.first_text or asked, asked)
    called = next((at for at, _ in reply.tools.values()), None)
    if called is None or (written is not None and called > written):
        return 0
    if written is None:
        return reply.continued[-1] if reply.continued else None
    if asked is not None and (reply.first_text is None or reply.first_text > asked):
        return asked
    return max((at for at in reply.continued if at <= written), default=0)


def _transcript_wait(index: JournalIndex, commit: Commit) -> Nanos:
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
    end: Nanos, moments: Iterable[Nanos | None], *, until: Nanos, heard: Nanos
) -> dict[SpanName, Nanos]:
    """Spans from `end` to `heard` between moments, none of them before the last or after `until`.

    A moment that nobody knows is the one before it.
    """
    milestones = [end]
    for moment in moments:
        latest = milestones[-1]
        milestones.append(latest if moment is None else min(max(moment, latest), until))
    milestones.append(heard)
    return {name: b - a for name, (a, b) in zip(SPANS, pairwise(milestones), strict=False)}


def _saved(
    index: JournalIndex, commit: Commit, playout: PlayoutStarted, spans: dict[SpanName, Nanos]
) -> Nanos:
    """What transcript, text and audio took by themselves, less what the caller waited for them.

    Reading the prompt in advance counts as part of the text.
    """
    reply = index.replies[commit.ended.reply]
    asked, _ = reply.clauses[playout.job]
    trace = _transcription(index, commit)
    took = 0
    if trace is not None and trace.asked and trace.finals:
        final = trace.finals[-1].at
        took += final - max((at for at in trace.asked if at <= final), default=final)
    took += sum(
        done - began
        for began, done in index.prefills.values()
        if done is not None and commit.paused_at <= began <= done <= commit.at
    )
    if reply.requested is not None:
        took += max(0, asked - reply.requested)
    took += max(0, index.first_audio.get(playout.job, asked) - asked)
    paid = sum(spans[name] for name in _PREPARED)
    return max(0, took - paid)


def _transcription(index: JournalIndex, commit: Commit) -> TranscriptionTrace | None:
    speech = commit.ended.speech
    return None if speech is None else index.transcriptions.get(speech.transcription)
