"""The agent's mouth: cuts queued clauses into 20 ms frames and knows which of them were sent."""

from collections import deque
from dataclasses import dataclass, field

import numpy as np

from pipelines.runtime.timeline import Samples
from pipelines.turn_taking.events import (
    Event,
    JobId,
    MarkReached,
    PlayoutCleared,
    PlayoutStarted,
)
from pipelines.turn_taking.time import SECOND, Nanos

FRAME_MS = 20
FRAME: Nanos = FRAME_MS * 1_000_000


ECHO_PATIENCE: Nanos = 3 * SECOND
"""A mark that is echoed this much later than expected is no longer waited for."""


@dataclass(slots=True)
class _ClauseAudio:
    job: JobId
    chunks: deque[Samples] = field(default_factory=deque[Samples])
    waiting: int = 0
    """Samples in `chunks`."""
    sent: int = 0
    """Samples handed out; fewer again after going back to the beginning of a word."""
    furthest: int = 0
    """The most of it that was ever handed out: the caller has heard so much."""
    recent: Samples = field(default_factory=lambda: np.zeros(0, np.int16))
    """The last samples handed out, as many as one may go back."""
    complete: bool = False

    def go_back(self, samples: int) -> None:
        """Have the last `samples` handed out once more."""
        if samples:
            again = self.recent[len(self.recent) - samples :]
            self.recent = self.recent[: len(self.recent) - samples]
            self.chunks.appendleft(again)
            self.waiting += samples
            self.sent -= samples


@dataclass(frozen=True, slots=True)
class _InFlight:
    """A clause that was sent whole and is not yet known to be heard."""

    job: JobId
    audio: Nanos
    heard: Nanos
    """When its last sample should be at the ear."""


class Playout:
    """Sans-I/O: whoever has the clock asks for a frame every 20 ms.

    Args:
        rate: of the line, Hz.
        prebuffer_ms: audio that must be there before a clause begins, unless it is complete.
        echoes: the far side says when a clause was heard (`echoed`); otherwise the clock does.
    """

    def __init__(self, rate: int, prebuffer_ms: int = 40, *, echoes: bool = False) -> None:
        self._rate = rate
        self._echoes = echoes
        self._frame_samples = rate * FRAME_MS // 1000
        self._prebuffer = rate * prebuffer_ms // 1000
        self._made: dict[JobId, _ClauseAudio] = {}
        self._queue: deque[_ClauseAudio] = deque()
        self._in_flight: deque[_InFlight] = deque()
        self._ended: list[JobId] = []
        self._paused = False
        self.underruns = 0
        """Frames in which a clause's audio was not ready in time."""

    @property
    def busy(self) -> bool:
        """Whether anything is queued or on its way to the ear."""
        return bool(self._queue or self._in_flight)

    @property
    def unsaid(self) -> Nanos:
        """Audio that is queued and has not been sent."""
        return self._duration(sum(clause.waiting for clause in self._queue))

    @property
    def has_frame(self) -> bool:
        """Whether the next 20 ms need not be filled up with silence because audio is late."""
        if self._paused or not self._queue:
            return False
        clause = self._queue[0]
        wanted = self._frame_samples if clause.furthest else self._prebuffer
        return clause.complete or clause.waiting >= wanted

    @property
    def starved(self) -> bool:
        """Whether a clause is under way whose next 20 ms are not all there."""
        under_way = bool(self._queue) and self._queue[0].furthest > 0 and not self._paused
        return under_way and not self.has_frame

    def add(self, job: JobId, pcm: Samples, *, complete: bool) -> Nanos:
        """More audio of a clause; the duration of all of it so far."""
        clause = self._made.setdefault(job, _ClauseAudio(job))
        if len(pcm):
            clause.chunks.append(pcm)
            clause.waiting += len(pcm)
        clause.complete = clause.complete or complete
        return self._duration(clause.sent + clause.waiting)

    def play(self, job: JobId) -> None:
        """Queue a clause."""
        self._queue.append(self._made.setdefault(job, _ClauseAudio(job)))

    def forget(self, job: JobId) -> None:
        """A clause will not be played."""
        clause = self._made.pop(job, None)
        if clause is not None and clause in self._queue and clause.furthest == 0:
            self._queue.remove(clause)

    def pause(self) -> None:
        """Fall silent, keeping the queue."""
        self._paused = True

    def resume(self) -> None:
        """Go on at the beginning of the word in which it stopped."""
        if self._paused and self._queue:
            clause = self._queue[0]
            clause.go_back(since_word_began(clause.recent, self._rate))
        self._paused = False

    def clear(self, now: Nanos, unheard: Nanos = 0) -> PlayoutCleared:
        """Fall silent and drop the queue.

        What was sent is on its way and will be heard, so it counts as heard: the order to clear
        travels behind it. Except for `unheard`, which the far side has yet to play.
        """
        in_flight = list(self._in_flight)
        current = self._queue[0] if self._queue and self._queue[0].furthest else None
        sent = self._duration(current.furthest) if current is not None else 0
        self._queue.clear()
        self._made.clear()
        self._in_flight.clear()
        self._ended.clear()
        self._paused = False
        if in_flight:  # the first that nobody knows to be heard
            first, *others = in_flight
            unheard -= sent + sum(clause.audio for clause in others)
            return PlayoutCleared(now, first.job, first.audio - max(0, min(unheard, first.audio)))
        if current is None:
            return PlayoutCleared(now, None, 0)
        return PlayoutCleared(now, current.job, max(0, sent - unheard))

    def take_ended(self) -> list[JobId]:
        """Clauses whose last sample was handed out since last asked."""
        ended, self._ended = self._ended, []
        return ended

    def echoed(self, job: JobId) -> None:
        """The far side says that a clause was heard, and so were those before it."""
        if any(clause.job == job for clause in self._in_flight):
            while self._in_flight.popleft().job != job:
                pass

    def tick(self, now: Nanos, egress: Nanos) -> tuple[Samples | None, list[Event]]:
        """The next 20 ms, int16 of shape (rate / 50,), and what came of it; None is silence.

        `egress` is the delay from handing over a frame to the caller's ear.
        """
        events: list[Event] = []
        frame: Samples | None = None
        filled = 0
        while not self._paused and self._queue and filled < self._frame_samples:
            clause = self._queue[0]
            if clause.furthest == 0:
                if not clause.complete and clause.waiting < self._prebuffer:
                    break
                events.append(PlayoutStarted(now, clause.job, egress))
            if frame is None:
                frame = np.zeros(self._frame_samples, np.int16)
            filled += self._take(clause, frame[filled:], keep=self._rate * WORD_MS // 1000)
            if clause.waiting == 0 and clause.complete:
                heard = now + self._duration(filled) + egress
                audio = self._duration(clause.sent)
                self._in_flight.append(_InFlight(clause.job, audio, heard))
                self._ended.append(clause.job)
                self._queue.popleft()
                self._made.pop(clause.job, None)
            elif filled < self._frame_samples:
                self.underruns += 1
                break
        patience = ECHO_PATIENCE if self._echoes else 0
        while self._in_flight and self._in_flight[0].heard + patience <= now:
            clause_heard = self._in_flight.popleft()
            if not self._echoes:
                events.append(MarkReached(now, clause_heard.job))
        return frame, events

    def _duration(self, samples: int) -> Nanos:
        return samples * SECOND // self._rate

    @staticmethod
    def _take(clause: _ClauseAudio, into: Samples, *, keep: int) -> int:
        filled = 0
        while clause.chunks and filled < len(into):
            chunk = clause.chunks[0]
            part = chunk[: len(into) - filled]
            into[filled : filled + len(part)] = part
            filled += len(part)
            if len(part) == len(chunk):
                clause.chunks.popleft()
            else:
                clause.chunks[0] = chunk[len(part) :]
        clause.sent += filled
        clause.furthest = max(clause.furthest, clause.sent)
        clause.recent = np.concatenate((clause.recent, into[:filled]))[-keep:]
        clause.waiting -= filled
        return filled


WORD_MS = 400
"""No word is looked for further back: about the length of a long one."""
_STEP_MS = 10
_QUIET = 0.1
"""Of the loudest step: 20 dB below it is a gap between words, or the closure before a stop."""
_DIP = 0.5
"""Of the loudest step: sound that never falls below this has no words in it."""


def since_word_began(recent: Samples, rate: int) -> int:
    """How many samples before the end of `recent` its last word begins.

    0 if it ends between words, or no word can be told from another.

    Args:
        recent: what was played last, int16, shape (n,); only the last `WORD_MS` count.
        rate: Hz.
    """
    step = rate * _STEP_MS // 1000
    count = min(len(recent), rate * WORD_MS // 1000) // step
    if count == 0:
        return 0
    steps = recent[len(recent) - count * step :].astype(np.float32).reshape(count, step)
    loudness = np.sqrt((steps**2).mean(axis=1))
    gaps = np.flatnonzero(loudness <= _QUIET * loudness.max())
    if len(gaps):
        return int(count - 1 - gaps[-1]) * step
    quietest = int(np.argmin(loudness))
    return (count - quietest) * step if loudness[quietest] <= _DIP * loudness.max() else 0
