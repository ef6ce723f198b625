"""Where a person speaks in a clip of theirs.

Energy will not do: clips begin and end with breath, hum and the click of a microphone's key.
"""

from functools import cache

from pipelines.engines.protocols import Pcm, Vad
from pipelines.engines.registry import Context
from pipelines.engines.vad import silero
from pipelines.turn_taking.events import FrameScored
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.speech_gate import SpeechConfirmed, SpeechGate, SpeechPaused
from pipelines.turn_taking.time import SECOND, from_ms
from voicecli.models.store import locate

PAUSE_MS = 200
"""Silence within speech that counts as a pause."""

Stretch = tuple[float, float]
"""From and to, in seconds."""


@cache
def clip_vad() -> Vad:
    """The voice detector for clips at 16 kHz.

    Raises:
        WeightsError: its weights are not here; says how to get them.
    """
    return silero.build(silero.Settings(sample_rate=16_000), Context(locate))


def spoken_stretches(pcm: Pcm, vad: Vad) -> list[Stretch]:
    """Stretches of speech of a tenth of a second and more, by the gate's default thresholds.

    The chunk in which speech fades counts as speech: against the times of forced alignments of read
    sentences, ends lie 30 to 70 ms late.

    Args:
        pcm: shape (n,), float32, at the detector's rate.
        vad: is reset first.
    """
    vad.reset()
    gate = SpeechGate(GatePolicy(pause_ms=PAUSE_MS))
    size, rate = vad.frame_samples, vad.sample_rate
    after = from_ms(PAUSE_MS) * rate // SECOND // size + 1
    chunks = len(pcm) // size
    found: list[Stretch] = []
    onset = 0
    for place in range(chunks + after):
        start, end = place * size * SECOND // rate, (place + 1) * size * SECOND // rate
        p = vad.probability(pcm[place * size : (place + 1) * size]) if place < chunks else 0.0
        change = gate.handle(FrameScored(end, start, end, p, 0))
        if isinstance(change, SpeechConfirmed):
            onset = change.onset
        elif isinstance(change, SpeechPaused):
            found.append((onset / SECOND, change.end / SECOND))
    return found
