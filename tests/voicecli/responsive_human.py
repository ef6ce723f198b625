"""A human in front of a loudspeaker: speaks when the agent has finished, or on cue over it."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.latency import BargeIn
from pipelines.turn_taking.time import MILLISECOND, Nanos, from_ms
from voicecli.recording.audio_file import read_call_audio
from voicecli.recording.labels import Turn, read_labels
from voicecli.replaying.source import SHIPPED
from voicecli.transports.agent_speech_detector import AgentSpeechDetector
from voicecli.transports.base import FRAME_SAMPLES, RATE, Frame
from voicecli.transports.caller_timing import CallerTiming

_SLACK: Nanos = 400 * MILLISECOND
"""A VAD hears speech begin and end by up to this much off the label."""


class ResponsiveHuman:
    """The caller of a shipped recording; silent without a name. Times are those of the call."""

    def __init__(self, name: str | None, opening_s: float = 4.0) -> None:
        self._ear = AgentSpeechDetector()
        self._timing = None
        self._spoke_over: dict[int, bool] = {}
        self._turns: Sequence[Turn] = ()
        self._audio: Frame = np.zeros(0, np.int16)
        if name is not None:
            caller = next((SHIPPED / name).glob("caller.*"))
            self._turns = read_labels(SHIPPED / name / "labels.json").turns
            self._audio = read_call_audio(caller).caller
            self._timing = CallerTiming(
                self._audio, self._turns, "responsive", from_ms(opening_s * 1000)
            )

    def hear(self, frame: Frame | None, at: Nanos) -> None:
        """20 ms of the loudspeaker, from `at` on."""
        self._ear.hand_over(frame, at)

    def say(self, at: Nanos) -> Frame:
        """The 20 ms spoken from `at` on."""
        if self._timing is None:
            return np.zeros(FRAME_SAMPLES, np.int16)
        began = self._ear.listen(at)
        frame = self._timing.frame(at, self._ear, agent_began=began)
        if played := self._timing.played:
            self._spoke_over.setdefault(played[-1].index, self._ear.speaking)
        return frame

    @property
    def turns(self) -> list[Frame]:
        """The audio of each turn, at 8000 Hz."""
        spans = ((round(turn.start_s * RATE), round(turn.end_s * RATE)) for turn in self._turns)
        return [self._audio[start:end] for start, end in spans]

    def spoken(
        self, intent: str | None = None, *, over_agent: bool = False
    ) -> list[tuple[int, int]]:
        """Start and end of what was said so far, in ns; only some of it if asked for."""
        played = self._timing.played if self._timing is not None else []
        return [
            (segment.start, segment.end)
            for segment in played
            if intent in (None, self._turns[segment.index].intent)
            and (self._spoke_over[segment.index] or not over_agent)
        ]


@dataclass(frozen=True)
class Overlaps:
    """What became of speech over the agent."""

    self_interruptions: int
    """Times the agent stopped although the human was silent."""
    asked: int
    """Times the human interrupted the audible agent ..."""
    obeyed: int
    """... and it stopped."""
    stopped_in: Sequence[Nanos]
    """From the onset of each interruption to silence at the ear."""


def overlaps(barge_ins: Sequence[BargeIn], human: ResponsiveHuman) -> Overlaps:
    """Compare what the agent took for interruptions with what the human said."""
    stops = [b for b in barge_ins if b.verdict == "interrupts"]
    asked = human.spoken("interruption", over_agent=True)
    mistaken = [b for b in stops if not any(_within(b, *said) for said in human.spoken())]
    obeyed = [said for said in asked if any(_within(b, *said) for b in stops)]
    times = [
        b.silent_at_ear - b.onset
        for b in stops
        if b.silent_at_ear is not None and any(_within(b, *said) for said in human.spoken())
    ]
    return Overlaps(len(mistaken), len(asked), len(obeyed), times)


def _within(barge_in: BargeIn, start: Nanos, end: Nanos) -> bool:
    return start - _SLACK <= barge_in.onset <= end + _SLACK
