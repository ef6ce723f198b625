"""Decides which part of a recording the caller plays in each tick.

*recorded*: everything at its recorded time.
*responsive*: the recording runs on until the agent starts to speak in one of its silences, then
waits for the agent to finish plus the rest of that silence (MAX_GAP at most), counted from the
agent's last sound. An agent that already spoke when the silence began is waited for only in the
last MAX_GAP of it. If the recording has the caller speaking again within CUT_IN of the agent's
start, or the agent starts inside the caller's speech, the agent has cut in: the recording runs on
over it. A turn with a cue plays that long after the agent's start.

Under both, all speech is played once, whole and in order; responsive pacing may shorten a silence
and put silence of its own into one. That sounds like the recording's quietest half second: a room
does not fall silent because somebody waits, and voice detectors take noise that sets in for speech.
"""

from collections import deque
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

import numpy as np

from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos, from_ms
from voicecli.recording.labels import Turn
from voicecli.recording.levels import Samples
from voicecli.transports.agent_speech_detector import AgentSpeechDetector
from voicecli.transports.base import FRAME_SAMPLES, RATE, Frame

Pace: TypeAlias = Literal["responsive", "recorded"]

CUT_IN: Nanos = 300 * MILLISECOND
MAX_GAP: Nanos = 1500 * MILLISECOND
PATIENCE: Nanos = 60 * SECOND
"""After listening to the agent for this long the caller goes on over it."""
CUE_FALLBACK: Nanos = 8 * SECOND
"""A turn whose cue never comes is played this long after the one before it has ended."""
_ROOM = RATE // 2
"""Samples of the recording's quietest stretch, with which silence is filled ..."""
_ROOM_RMS = 184
"""... unless that is louder than this (-45 dB of full scale), and so may be no silence."""


@dataclass(frozen=True, slots=True)
class PlayedSegment:
    """Where in media time a turn of the recording was played.

    `index` counts the turns. `cut_in`: the agent started to speak inside it or shortly before.
    """

    index: int
    start: Nanos
    end: Nanos
    cut_in: bool


class CallerTiming:
    """Plays `audio` (shape (n,), int16, 8000 Hz) with `turns` in order, frame by frame.

    `opening` is silence in front of the recording, in which an agent may greet.
    """

    def __init__(self, audio: Samples, turns: Sequence[Turn], pace: Pace, opening: Nanos) -> None:
        self._audio = audio
        self._room = _room(audio)
        self._pace = pace
        self._position = -_samples(opening)
        self._turns = [turn for turn in turns if _sample(turn.start_s) < len(audio)]
        self._spans = [(_sample(t.start_s), min(_sample(t.end_s), len(audio))) for t in self._turns]
        cued = (i for i, turn in enumerate(self._turns) if turn.cue and pace == "responsive")
        self._cued = deque(cued)
        self._next = 0  # the turn that is being played, or the one after the present silence
        self._waiting = False
        self._played: list[tuple[Nanos, Nanos]] = []
        self._cut_in: set[int] = set()

    @property
    def at_end(self) -> bool:
        """Whether the whole recording has been played."""
        return self._position >= len(self._audio)

    @property
    def said(self) -> Sequence[Turn]:
        """The turns played to their end so far."""
        return self._turns[: self._next]

    @property
    def played(self) -> list[PlayedSegment]:
        """The turns played so far, the present one up to now."""
        return [
            PlayedSegment(index, start, end, index in self._cut_in)
            for index, (start, end) in enumerate(self._played)
        ]

    @property
    def floor_claimed(self) -> PlayedSegment | None:
        """The last turn played by which the caller claimed the conversation, if any."""
        claims = (played for played in reversed(self.played) if self._claims(played.index))
        return next(claims, None)

    @property
    def _silent_since(self) -> Nanos:
        return self._played[-1][1] if self._played else 0

    def _claims(self, index: int) -> bool:
        return self._turns[index].takes_floor

    def frame(self, start: Nanos, agent_speech: AgentSpeechDetector, *, agent_began: bool) -> Frame:
        """The caller's 20 ms from media time `start` on, given what it has heard until then."""
        if self._next < len(self._turns):
            gap = self._spans[self._next][0] - self._position
            pending = bool(self._cued) and self._cued[0] == self._next
            if agent_began and not pending and self._claims(self._next) and _within_cut_in(gap):
                self._cut_in.add(self._next)
            if pending:
                if start >= self._due(agent_speech):
                    self._cued.popleft()
                    self._position = self._spans[self._next][0]
            elif gap > 0 and self._pace == "responsive" and self._held(gap, start, agent_speech):
                return self._silence(start)
        return self._take(start)

    def _held(self, gap: int, start: Nanos, agent_speech: AgentSpeechDetector) -> bool:
        """Whether to wait in the present silence, of which `gap` samples remain."""
        if agent_speech.speaking:
            began = agent_speech.started or 0
            # An agent that was interrupted, and so speaks on for a moment, has yet to answer: what
            # it says then is no reason to shorten the silence.
            answers = began >= self._silent_since or gap <= _samples(MAX_GAP)
            self._waiting = answers and not _within_cut_in(gap) and start - began < PATIENCE
            return self._waiting
        if self._waiting and agent_speech.ended is not None:
            self._waiting = False
            # The gap counts from the agent's last sound, but it took a while to know it for that.
            left = min(gap, _samples(MAX_GAP)) - _samples(start - agent_speech.ended)
            self._position = self._spans[self._next][0] - max(0, left)
        return False

    def _due(self, agent_speech: AgentSpeechDetector) -> Nanos:
        """When to play the next turn, which has a cue."""
        turn = self._turns[self._next]
        claimed = self.floor_claimed
        asked = claimed.start if claimed else 0
        if turn.cue and agent_speech.started is not None and agent_speech.started >= asked:
            return agent_speech.started + from_ms(turn.cue.after_agent_start_ms)
        before_end = self._spans[self._next - 1][1] if self._next else 0
        recorded = _nanos(self._spans[self._next][0] - before_end)
        return self._silent_since + max(recorded, CUE_FALLBACK)

    def _take(self, start: Nanos) -> Frame:
        """Play on, but not into a turn that waits for its cue."""
        limit = self._spans[self._cued[0]][0] if self._cued else len(self._audio)
        begin = self._position
        end = max(begin, min(begin + FRAME_SAMPLES, limit))
        frame = self._silence(start)
        piece = self._audio[max(0, begin) : max(0, end)]
        offset = max(0, -begin)
        frame[offset : offset + len(piece)] = piece
        while self._next < len(self._turns) and self._spans[self._next][0] < end:
            first, last = self._spans[self._next]
            if first >= begin:
                self._played.append((start + _nanos(first - begin), 0))
            self._played[-1] = (self._played[-1][0], start + _nanos(min(last, end) - begin))
            if last > end:
                break
            self._next += 1
        self._position = end
        return frame

    def _silence(self, start: Nanos) -> Frame:
        return self._room.take(np.arange(FRAME_SAMPLES) + _samples(start), mode="wrap")


def _room(audio: Samples) -> Samples:
    """What silence sounds like, there and back, so that it can be played over and over."""
    if len(audio) < _ROOM:
        return np.zeros(FRAME_SAMPLES, np.int16)
    frames = audio[: len(audio) // FRAME_SAMPLES * FRAME_SAMPLES].reshape(-1, FRAME_SAMPLES)
    powers = np.einsum("ij,ij->i", frames, frames, dtype=np.float64)
    of_stretches = np.convolve(powers, np.ones(_ROOM // FRAME_SAMPLES), "valid") / _ROOM
    if of_stretches.min() > _ROOM_RMS**2:
        return np.zeros(FRAME_SAMPLES, np.int16)
    start = int(of_stretches.argmin()) * FRAME_SAMPLES
    room = audio[start : start + _ROOM]
    return np.concatenate([room, room[::-1]])


def _within_cut_in(gap: int) -> bool:
    return _nanos(gap) <= CUT_IN


def _sample(seconds: float) -> int:
    return round(seconds * RATE)


def _samples(duration: Nanos) -> int:
    return round(duration * RATE / SECOND)


def _nanos(samples: int) -> Nanos:
    return samples * SECOND // RATE
