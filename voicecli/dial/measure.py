"""What a caller notices of an agent, from the two waveforms alone.

The caller's side is known to the sample, as we played it; the agent's speech is found by its
energy. No journal of the agent's is needed, so any agent can be measured.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import zip_longest
from typing import Final

import numpy as np
import numpy.typing as npt

from pipelines.turn_taking.time import MILLISECOND, SECOND, Nanos, from_ms
from telephony_sim.dtmf import DtmfDetector
from voicecli.recording.labels import Turn
from voicecli.recording.segments import speech_segments
from voicecli.report.acoustic import AcousticEar
from voicecli.transports.base import RATE
from voicecli.transports.caller_timing import PlayedSegment

DEAD_AIR: Final[Nanos] = 1500 * MILLISECOND
"""Silence after the caller's turn from which on it is felt to be broken."""
RESUMES_WITHIN: Final[Nanos] = 2 * SECOND
"""An agent that is silent for longer after a backchannel has given up its reply."""
_PAUSE_S: Final = 2.0
_ALREADY: Final[Nanos] = 200 * MILLISECOND
"""An agent that began to speak this shortly before the caller did was not interrupted."""


@dataclass(frozen=True, slots=True)
class Stretch:
    """Sound without a long break."""

    start: Nanos
    end: Nanos


@dataclass(slots=True)
class Measured:
    """One call's figures; durations in nanoseconds, one value an occurrence."""

    greeting: Nanos | None = None
    """From the beginning of the stream to the agent's first sound."""
    voice_to_voice: list[Nanos] = field(default_factory=list)
    barge_in: list[Nanos] = field(default_factory=list)
    """From the caller's onset over the agent to the agent's silence."""
    dead_air: list[Nanos] = field(default_factory=list)
    talk_over: Nanos = 0
    """The agent spoke although it began after the caller had."""
    turns: int = 0
    unanswered: int = 0
    cut_ins: int = 0
    backchannels: int = 0
    backchannels_obeyed: int = 0
    """Mere "uh-huh" that made the agent give up its reply."""


def measure(
    stereo: npt.NDArray[np.int16], played: Sequence[PlayedSegment], turns: Sequence[Turn]
) -> Measured:
    """The figures of one call.

    Args:
        stereo: shape (samples, 2), int16, 8000 Hz: the caller as uttered, the agent as heard.
        played: where each of the caller's turns lies in it.
        turns: what they are; `played[i].index` counts them.
    """
    agent = [
        Stretch(from_ms(found.start_s * 1000), from_ms(found.end_s * 1000))
        for found in speech_segments(stereo[:, 1], RATE)
    ]
    result = Measured(greeting=agent[0].start if agent else None)
    length = len(stereo) * SECOND // RATE
    ear = AcousticEar(stereo, RATE)
    claims = [segment for segment in played if turns[segment.index].takes_floor]
    for position, segment in enumerate(claims):
        following = claims[position + 1].start if position + 1 < len(claims) else length
        _judge_overlap(result, segment, agent)
        if turns[segment.index].intent != "hold":
            _judge_answer(result, ear, segment, agent, following)
    for segment in played:
        if turns[segment.index].intent == "backchannel":
            _judge_backchannel(result, segment, agent)
    return result


def keys_heard(agent: npt.NDArray[np.int16]) -> str:
    """The keys whose tones the agent sent, in order; `agent` has shape (samples,), 8000 Hz."""
    return "".join(digit.key for digit in DtmfDetector().process(agent))


def measure_unscripted(stereo: npt.NDArray[np.int16]) -> Measured:
    """The figures of a call of which nobody knows what the caller meant to say.

    What the caller says until the agent begins, without breaks of 2 s, is taken for one turn.

    Args:
        stereo: shape (samples, 2), int16, 8000 Hz: the caller as uttered, the agent as heard.
    """
    said = speech_segments(stereo[:, 0], RATE)
    answers = [stretch.start_s for stretch in speech_segments(stereo[:, 1], RATE)]
    turns: list[Turn] = []
    for turn, following in zip_longest(said, said[1:]):
        goes_on = (
            following is not None
            and following.start_s - turn.end_s < _PAUSE_S
            and not any(turn.end_s <= start < following.start_s for start in answers)
        )
        turns.append(replace(turn, intent="hold" if goes_on else "end_of_turn"))
    played = [
        PlayedSegment(index, from_ms(turn.start_s * 1000), from_ms(turn.end_s * 1000), False)
        for index, turn in enumerate(turns)
    ]
    return measure(stereo, played, turns)


def _judge_answer(
    result: Measured,
    ear: AcousticEar,
    segment: PlayedSegment,
    agent: Sequence[Stretch],
    following: Nanos,
) -> None:
    result.turns += 1
    answer = next((s for s in agent if segment.end <= s.start < following), None)
    if answer is None:
        result.unanswered += 1
        return
    exact = ear.gap(segment.end, answer.start).duration
    latency = answer.start - segment.end if exact is None else exact
    result.voice_to_voice.append(latency)
    if latency >= DEAD_AIR:
        result.dead_air.append(latency)


def _judge_overlap(result: Measured, segment: PlayedSegment, agent: Sequence[Stretch]) -> None:
    """Who speaks over whom."""
    for stretch in agent:
        shared = min(stretch.end, segment.end) - max(stretch.start, segment.start)
        if shared <= 0:
            continue
        if stretch.start <= segment.start - _ALREADY:
            result.barge_in.append(stretch.end - segment.start)
        else:
            result.cut_ins += 1
            result.talk_over += shared


def _judge_backchannel(result: Measured, segment: PlayedSegment, agent: Sequence[Stretch]) -> None:
    if not any(s.start < segment.start < s.end for s in agent):
        return
    result.backchannels += 1
    limit = segment.end + RESUMES_WITHIN
    goes_on = any(s.end > segment.end and s.start < limit for s in agent)
    result.backchannels_obeyed += not goes_on
