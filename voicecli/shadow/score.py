"""Asks other endpointers about a call that is over, as if they had been there.

What they are given is what they would have been given: the audio as it came out of the line, the
words and the history at that moment. They are asked after the call, so that they can neither
change it nor hold it up; the time they take counts in their own answers.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from pipelines.engines.simulated_time import is_simulated
from pipelines.runtime.effects import audio_for, probability
from pipelines.runtime.lanes import charged
from pipelines.runtime.timeline import Timeline
from pipelines.turn_taking.endpointing import silence_before_answering
from pipelines.turn_taking.policy import Policy
from pipelines.turn_taking.time import Nanos, from_ms
from voicecli.lines import open_line
from voicecli.recording.bundle import Bundle, Stereo
from voicecli.recording.journal import JournalHeader
from voicecli.replaying.run import FinishedCall
from voicecli.shadow.choice import Choice, Shadow
from voicecli.shadow.pauses import Pause, fold_pauses
from voicecli.shadow.verdicts import ShadowReport, judge_pause
from voicecli.transports.base import FRAME_SAMPLES


@dataclass(frozen=True, slots=True)
class Shadows:
    """Those who are asked, and the thresholds of the call they are asked about."""

    asked: Sequence[Shadow]
    policy: Policy

    def report(self, call: FinishedCall | Bundle) -> tuple[ShadowReport, ...]:
        """What each of them says of one call."""
        if not self.asked:
            return ()
        pauses = fold_pauses(call.entries, self.policy)
        heard = heard_through_the_line(call.stereo, call.header)
        return tuple(
            ShadowReport(
                shadow.choice.text,
                tuple(
                    judge_pause(pause, *self._opinion(shadow, pause, heard), call.labels)
                    for pause in pauses
                ),
            )
            for shadow in self.asked
        )

    def _opinion(self, shadow: Shadow, pause: Pause, heard: Timeline) -> tuple[Nanos, float | None]:
        """Silence after which the shadow would answer, its own computing included, and its P."""
        detector = shadow.detector
        if detector is None:
            return from_ms(shadow.choice.limit or 0), None
        backstop = from_ms(self.policy.endpointing.backstop_ms)
        asked = pause.words_at if detector.needs_text else pause.detected_at
        if asked is None:
            return backstop, None
        question = pause.question()
        pcm = audio_for(detector, heard, question)
        p, cost = charged(
            lambda: probability(detector, question, pcm, heard.rate),
            simulated_time=is_simulated(detector),
        )
        return max(self._wait(shadow.choice, p), asked + cost - pause.speech_end), p

    def _wait(self, choice: Choice, p: float) -> Nanos:
        endpointing = self.policy.endpointing
        if choice.limit is None:
            return silence_before_answering(p, endpointing)
        return 0 if p >= choice.limit else from_ms(endpointing.backstop_ms)


def heard_through_the_line(stereo: Stereo, header: JournalHeader) -> Timeline:
    """The caller as the agent heard them: the call's line, made again from its seed."""
    line = str(header.metadata.get("line", "clean"))
    uplink, _ = open_line(line, int(header.metadata.get("seed", 0)))
    frames = len(stereo) // FRAME_SAMPLES
    timeline = Timeline(header.rate, seconds=max(1.0, len(stereo) / header.rate))
    for frame in stereo[: frames * FRAME_SAMPLES].reshape(frames, FRAME_SAMPLES, 2):
        caller, agent = np.array(frame[:, 0], np.int16), np.array(frame[:, 1], np.int16)
        timeline.write(uplink.process(caller, agent).pcm)
    return timeline
