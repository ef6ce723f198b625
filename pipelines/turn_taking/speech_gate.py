"""Turns speech probabilities into speech, lulls and pauses: VAD hysteresis in media time."""

from dataclasses import dataclass
from typing import TypeAlias

from pipelines.turn_taking.events import FrameScored
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.time import Nanos, from_ms


@dataclass(frozen=True, slots=True)
class SpeechConfirmed:
    """The caller speaks, since media time `onset`."""

    onset: Nanos


@dataclass(frozen=True, slots=True)
class SpeechLulled:
    """The caller has been silent since media time `end`, but not yet for so long as a pause."""

    end: Nanos


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller has been silent since media time `end`."""

    end: Nanos


GateChange: TypeAlias = SpeechConfirmed | SpeechLulled | SpeechPaused


class SpeechGate:
    """Two thresholds and two durations; knows nothing of turns.

    A chunk at or above `start_threshold` is loud, and stays so until one falls below
    `stop_threshold`. `confirm_ms` of loud chunks in a row are speech; `pause_ms` after the last
    loud one are a pause, and `lull_ms`, if that is less, a lull.
    """

    def __init__(self, policy: GatePolicy) -> None:
        self._start_threshold = policy.start_threshold
        self._stop_threshold = policy.stop_threshold
        self._confirm = from_ms(policy.confirm_ms)
        self._lull = from_ms(policy.lull_ms)
        self._pause = from_ms(policy.pause_ms)
        self._lulled = False
        self._loud_since: Nanos | None = None
        self.speaking = False
        """Whether speech is confirmed and not paused."""
        self.speech_end: Nanos = 0
        """Media time at which the last loud chunk of confirmed speech ended."""

    @property
    def undecided(self) -> bool:
        """Whether a sound is under way that may yet turn out to be speech."""
        return self._loud_since is not None and not self.speaking

    def handle(self, frame: FrameScored) -> GateChange | None:
        """Take the next chunk; what changed, if anything did."""
        threshold = self._start_threshold if self._loud_since is None else self._stop_threshold
        if frame.speech >= threshold:
            if self._loud_since is None:
                self._loud_since = frame.start
            self._lulled = False
            if self.speaking:
                self.speech_end = frame.end
            elif frame.end - self._loud_since >= self._confirm:
                self.speaking = True
                self.speech_end = frame.end
                return SpeechConfirmed(self._loud_since)
            return None
        self._loud_since = None
        if not self.speaking:
            return None
        silence = frame.end - self.speech_end
        if silence >= self._pause:
            self.speaking = False
            return SpeechPaused(self.speech_end)
        if silence >= self._lull and not self._lulled:
            self._lulled = True
            return SpeechLulled(self.speech_end)
        return None
