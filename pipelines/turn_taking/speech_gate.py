"""Turns speech probabilities into speech, short silences and pauses: VAD hysteresis in media
time."""

from dataclasses import dataclass
from typing import Final, TypeAlias

from pipelines.turn_taking.events import FrameScored
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.time import Nanos, from_ms

_LONGEST_FADE: Final = from_ms(350)
"""A detector's model goes on for at most so long after a sound; it rather heard what energy did
not."""
LAST_SOUND: Final = from_ms(500)
"""Sound that comes later than this after the detector's model faded is none of that turn's."""


@dataclass(frozen=True, slots=True)
class SpeechConfirmed:
    """The caller speaks, since media time `onset`."""

    onset: Nanos
    by_energy: bool = False
    """The detector did not take it for speech, but it went on for so long that it is."""


@dataclass(frozen=True, slots=True)
class SpeechPausing:
    """The caller has been silent since media time `end`, but not yet for so long as a pause."""

    end: Nanos
    faded: Nanos
    """Up to when the detector took it for speech."""


@dataclass(frozen=True, slots=True)
class SpeechPaused:
    """The caller has been silent since media time `end`."""

    end: Nanos
    faded: Nanos
    """Up to when the detector took it for speech."""


GateChange: TypeAlias = SpeechConfirmed | SpeechPausing | SpeechPaused


class SpeechGate:
    """Two thresholds and two durations; knows nothing of turns.

    A chunk at or above `start_threshold` is loud, and stays so until one falls below
    `stop_threshold`. `confirm_ms` of loud chunks in a row are speech; `pause_ms` after the last
    loud one are a pause, and `early_silence_ms`, if that is less, may become one.

    Beside that, doubts are added up (the CUSUM test of Page 1954, "Continuous inspection schemes"):
    sound that the detector rather takes for speech than for noise, and goes on to, is speech as
    long as it lasts, since when the doubts began.
    """

    def __init__(self, policy: GatePolicy) -> None:
        self._start_threshold = policy.start_threshold
        self._stop_threshold = policy.stop_threshold
        self._confirm = from_ms(policy.confirm_ms)
        self._early_silence = from_ms(policy.early_silence_ms)
        self._pause = from_ms(policy.pause_ms)
        self._soft_end = from_ms(policy.soft_end_ms)
        self._doubt_above = policy.doubt_above
        self._enough = from_ms(policy.doubt_ms)
        self._doubt = 0.0
        self._doubted_since: Nanos = 0
        self._by_energy = False
        self._pausing = False
        self._loud_since: Nanos | None = None
        self._sound_until: Nanos | None = None
        """When the last sound was over, as far as energy can tell."""
        self.speaking = False
        """Whether speech is confirmed and not paused."""
        self.faded: Nanos = 0
        """Media time at which the last loud chunk of confirmed speech ended."""

    @property
    def undecided(self) -> bool:
        """Whether a sound is under way that may yet turn out to be speech."""
        return self._loud_since is not None and not self.speaking

    @property
    def silent_since(self) -> Nanos:
        """Media time from which silence is counted: the last sample of speech, as far as known.

        The detector's model fades some time after it, or drops a soft last word; so this is the
        last sound near where it does. Where there is none, or noise hides it, it is the fade.
        """
        return min(self.last_sound, self.faded + self._soft_end)

    @property
    def last_sound(self) -> Nanos:
        """Media time at which a listener would say that the caller fell silent.

        As above, but with whatever else they were heard to do shortly after: a breath, a click.
        """
        sound = self._sound_until
        return self.faded if sound is None or sound < self.faded - _LONGEST_FADE else sound

    def handle(self, frame: FrameScored, *, trust_energy: bool = True) -> GateChange | None:
        """Take the next chunk; what changed, if anything did.

        Without `trust_energy` only the detector says what begins speech: the sound may be an echo.
        """
        if frame.sound_until is not None:
            self._note_sound(frame.sound_until, masked=frame.masked)
        if self._is_loud(frame, trust_energy):
            return self._loud(frame)
        self._loud_since = None
        if not self.speaking:
            return None
        silence = frame.end - self.faded
        if silence >= self._pause:
            self.speaking = self._by_energy = False
            return SpeechPaused(self.silent_since, self.faded)
        if silence >= self._early_silence and not self._pausing:
            self._pausing = True
            return SpeechPausing(self.silent_since, self.faded)
        return None

    def _note_sound(self, until: Nanos, *, masked: bool) -> None:
        if self.speaking or until <= self.faded + LAST_SOUND:
            self._sound_until = None if masked else until

    def _is_loud(self, frame: FrameScored, trust_energy: bool) -> bool:
        threshold = self._start_threshold if self._loud_since is None else self._stop_threshold
        if frame.speech >= threshold:
            return True
        if self._by_energy:
            return frame.sound_until is not None
        if self.speaking or not trust_energy:
            self._doubt = 0.0
            return False
        if self._doubt == 0:
            if frame.sound_until is None:
                return False
            self._doubted_since = frame.start
        heard = frame.speech if frame.sound_until is not None else 0.0
        step = (heard - self._doubt_above) * (frame.end - frame.start)
        self._doubt = max(0.0, self._doubt + step)
        self._by_energy = 0 < self._enough <= self._doubt
        return self._by_energy

    def _loud(self, frame: FrameScored) -> SpeechConfirmed | None:
        if self._by_energy and not self.speaking:
            self._loud_since = self._doubted_since
        elif self._loud_since is None:
            self._loud_since = frame.start
        self._doubt = 0.0
        self._pausing = False
        if self.speaking:
            self.faded = frame.end
        elif frame.end - self._loud_since >= self._confirm:
            self.speaking = True
            self.faded = frame.end
            return SpeechConfirmed(self._loud_since, self._by_energy)
        return None
