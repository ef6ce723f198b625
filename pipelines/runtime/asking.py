"""How a turn detector is asked about a pause: which audio, at which rate."""

import numpy as np
import soxr

from pipelines.engines.protocols import TurnDetector
from pipelines.runtime.timeline import Samples, Timeline, to_float
from pipelines.turn_taking.commands import ScoreEndOfTurn
from pipelines.turn_taking.time import SECOND


def audio_for(detector: TurnDetector, timeline: Timeline, command: ScoreEndOfTurn) -> Samples:
    """The end of the turn's audio, int16 at the timeline's rate; empty if the detector reads."""
    seconds = round(detector.audio_seconds * SECOND)
    if not seconds:
        return np.zeros(0, np.int16)
    return timeline.read(max(command.start, command.until - seconds), command.until)


def probability(detector: TurnDetector, command: ScoreEndOfTurn, pcm: Samples, rate: int) -> float:
    """P(end of turn), 0 to 1, to four digits; `pcm` is `audio_for` the command, at `rate` Hz."""
    audio = to_float(pcm)
    if len(audio) and rate != detector.sample_rate:
        audio = soxr.resample(audio, rate, detector.sample_rate, quality="MQ")
    return round(float(detector.end_of_turn(command.history, command.text, audio)), 4)
