"""The caller made of an audio file.

`caller_timing.py` decides what the caller says when, `agent_speech_detector.py` what it hears; here
are the line between caller and agent, the capture of both sides, and the end of the call.
"""

from collections import deque
from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import numpy.typing as npt

from pipelines.runtime.transport import Received
from pipelines.turn_taking.events import DtmfReceived
from pipelines.turn_taking.time import Nanos, from_ms
from telephony_sim.g711 import ulaw_heard
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.labels import Turn
from voicecli.recording.segments import speech_segments
from voicecli.transports.agent_speech_detector import AgentSpeechDetector
from voicecli.transports.base import FRAME, FRAME_SAMPLES, RATE, Frame, Leg
from voicecli.transports.caller_timing import CallerTiming, Pace, PlayedSegment
from voicecli.transports.capture import Capture

KEY_EVERY: Nanos = from_ms(200)
_SILENCE: Frame = np.zeros(FRAME_SAMPLES, np.int16)


class _Carried(NamedTuple):
    pcm: Frame
    ingress_ms: float


class PlainLeg:
    """A phone line without loss or delay: µ-law there and back."""

    def process(self, frame: Frame, far: Frame | None = None, /) -> _Carried:
        """What arrives of 20 ms; `far` does not matter, as this line has no echo."""
        del far
        return _Carried(ulaw_heard(frame), 0.0)


class FileCaller:
    """Plays the caller of a recorded call to an agent, on any clock: a `Transport` of the shells.

    turns: the caller's speech, labelled or not; found by its energy if None.
    uplink, downlink: the line to the agent and back; a plain µ-law line if None.
    opening_s: time that the caller leaves for a greeting before the recording begins.
    tail_s: how long the caller stays after the recording and the agent's answer have ended.
    max_wait_s: how long after the recording's end it waits for that, whatever happens.

    Raises ValueError if the audio is not at 8000 Hz.
    """

    def __init__(
        self,
        audio: CallAudio,
        turns: Sequence[Turn] | None = None,
        pace: Pace = "responsive",
        *,
        uplink: Leg | None = None,
        downlink: Leg | None = None,
        opening_s: float = 0.0,
        tail_s: float = 2.0,
        max_wait_s: float = 30.0,
    ) -> None:
        if audio.rate != RATE:
            raise ValueError(f"a phone line carries {RATE} Hz, not {audio.rate} Hz")
        if turns is None:
            turns = speech_segments(audio.caller, audio.rate)
        self.rate = RATE
        self.capture = Capture()
        self._timing = CallerTiming(audio.caller, turns, pace, from_ms(opening_s * 1000))
        self._agent_speech = AgentSpeechDetector()
        self._uplink = uplink or PlainLeg()
        self._downlink = downlink or PlainLeg()
        self._tail = from_ms(tail_s * 1000)
        self._max_wait = from_ms(max_wait_s * 1000)
        self._egress: Nanos = 0
        self._now: Nanos = 0
        self._audio_ended: Nanos | None = None
        self._received: Frame = _SILENCE
        self._keyed = 0  # turns whose keys are being pressed, or were
        self._keys: deque[tuple[Nanos, str]] = deque()

    @property
    def egress(self) -> Nanos:
        """Delay of the last frame sent, from handing it over to the caller's ear."""
        return self._egress

    @property
    def played(self) -> list[PlayedSegment]:
        """Where in media time each turn of the recording was played so far, in order."""
        return self._timing.played

    @property
    def cut_ins(self) -> int:
        """How many of the turns played so far the agent cut into."""
        return sum(segment.cut_in for segment in self.played)

    def receive(self, now: Nanos) -> Received:
        """Let the caller speak up to media time `now`; the 20 ms that reach the agent by then."""
        start = now - FRAME
        began = self._agent_speech.listen(start)
        spoken = self._timing.frame(start, self._agent_speech, agent_began=began)
        self._now = now
        if self._audio_ended is None and self._timing.at_end:
            self._audio_ended = now
        self.capture.caller(spoken, start)
        carried = self._uplink.process(spoken, self.capture.heard(start, FRAME_SAMPLES))
        self._received = carried.pcm
        return Received(carried.pcm, from_ms(carried.ingress_ms), self._pressed(now))

    def _pressed(self, now: Nanos) -> tuple[DtmfReceived, ...]:
        """The keys of what was said, one after the other."""
        for turn in self._timing.said[self._keyed :]:
            self._keys.extend((now + n * KEY_EVERY, key) for n, key in enumerate(turn.keys))
            self._keyed += 1
        due = sum(at <= now for at, _ in self._keys)
        return tuple(DtmfReceived(now, self._keys.popleft()[1]) for _ in range(due))

    def send(self, frame: Frame | None, now: Nanos) -> None:
        """Put the agent's frame of the tick at `now` on the line; None is silence."""
        carried = self._downlink.process(_SILENCE if frame is None else frame, self._received)
        self._egress = from_ms(carried.ingress_ms)
        self._agent_speech.hand_over(frame, now + self._egress)
        self.capture.agent(carried.pcm, now)  # what the line gives was put in `egress` ago

    @property
    def finished(self) -> bool:
        """Whether everything was said and answered, or answering takes too long."""
        if self._audio_ended is None:
            return False
        if self._now - self._audio_ended >= self._max_wait:
            return True
        heard_until = self._agent_speech.ended or 0
        claimed = self._timing.floor_claimed
        answered = claimed is None or heard_until > claimed.end
        quiet_since = max(self._audio_ended, heard_until)
        return answered and self._now - quiet_since >= self._tail

    def stereo(self) -> npt.NDArray[np.int16]:
        """The call so far as the caller said and heard it.

        Shape (samples, 2), int16, 8000 Hz: caller left, agent right.
        """
        return self.capture.stereo()
