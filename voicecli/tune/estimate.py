"""Answers for questions a recorded call was never asked.

Under other thresholds turns are split elsewhere, so the core asks about ranges of audio and
histories that the recording does not have. For a search over thousands of policies an estimate from
the nearest recorded answers has to do; `replay --policy` asks the real engines.
"""

import statistics
from collections.abc import Iterable
from dataclasses import dataclass

import numpy as np

from pipelines.runtime.recorded_answers import (
    RecordedAnswers,
    RecordedClause,
    RecordedReply,
    RecordedTranscript,
    recorded_answers_from,
)
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos

_UNKNOWN = 0.5
_DELAY: Nanos = 100 * MILLISECOND
_REPLY = "All right."
_SECONDS_PER_CHARACTER = 0.065


@dataclass
class EstimatedAnswers(RecordedAnswers):
    """Never without an answer, but for tools, of which none is run.

    Transcripts are put together from the recorded pieces within the range; a detector's score is
    the one at the same end of speech; a reply or clause takes the median time of those recorded.
    """

    rate: int = 8000
    """Of the line, in Hz."""

    def final(self, start: Nanos, until: Nanos) -> RecordedTranscript:
        """The final words of a range of media time, recorded or estimated."""
        return super().final(start, until) or self._transcript(start, until)

    def score(self, detector: str, start: Nanos, until: Nanos) -> tuple[Nanos, float]:
        """What a detector said of a range of media time, or near its end; and after how long."""
        return super().score(detector, start, until) or self._score(detector, until)

    def reading(self, history: History) -> Nanos:
        """How long it took to read this prompt, or any."""
        recorded = super().reading(history)
        return _median(self.prepared.values()) if recorded is None else recorded

    def reply(self, history: History) -> RecordedReply:
        """The reply to this prompt, or one that begins after as long as any."""
        return super().reply(history) or self._reply()

    def clause(self, text: str) -> RecordedClause:
        """The audio of this clause, or silence for as long as it would take to say."""
        return super().clause(text) or self._clause(text)

    def _reply(self) -> RecordedReply:
        first = _median(reply.pieces[0][0] for reply in self.replies.values() if reply.pieces)
        return RecordedReply(((first, _REPLY),), 0)

    def _transcript(self, start: Nanos, until: Nanos) -> RecordedTranscript:
        pieces: dict[Nanos, tuple[Nanos, str]] = {}
        for (began, ended), final in self.finals.items():
            if start <= began and ended <= until and ended >= pieces.get(began, (0, ""))[0]:
                pieces[began] = (ended, final.text)  # the longest from each beginning
        words: list[str] = []
        covered: Nanos = start
        for began, (ended, text) in sorted(pieces.items()):
            if began >= covered - SECOND // 2:
                words.append(text)
                covered = ended
        after = _median(final.after for final in self.finals.values())
        return RecordedTranscript(after, " ".join(words))

    def _score(self, detector: str, until: Nanos) -> tuple[Nanos, float]:
        near = [
            (abs(at - until), answer)
            for (name, _, at), answer in self.scores.items()
            if name == detector and abs(at - until) < SECOND // 4
        ]
        return min(near, key=lambda found: found[0])[1] if near else (_DELAY, _UNKNOWN)

    def _clause(self, text: str) -> RecordedClause:
        first = _median(clause.first_after for clause in self.clauses.values())
        samples = round(len(text) * _SECONDS_PER_CHARACTER * self.rate)
        return RecordedClause(first, samples, 0, np.zeros(samples, np.int16))


def estimated_answers(entries: Iterable[Entry], rate: int) -> EstimatedAnswers:
    """The answers in a call's journal, recorded at `rate` Hz."""
    exact = recorded_answers_from(entries, np.zeros(0, np.int16), rate)
    return EstimatedAnswers(
        frames=exact.frames, partials=exact.partials, finals=exact.finals, scores=exact.scores,
        prepared=exact.prepared, replies=exact.replies, clauses=exact.clauses, tools=exact.tools,
        today=exact.today, rate=rate,
    )  # fmt: skip


def _median(values: Iterable[Nanos]) -> Nanos:
    known = list(values)
    return round(statistics.median(known)) if known else _DELAY
