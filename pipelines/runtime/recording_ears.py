"""What the voice detector, and the sound meter if there is one, say of a finished recording."""

from collections.abc import Iterator

from pipelines.engines.protocols import Pcm, Vad
from pipelines.runtime.sound import SoundMeter
from pipelines.turn_taking.events import FrameScored
from pipelines.turn_taking.time import SECOND, Nanos


def scored_frames(pcm: Pcm, vad: Vad, meter: SoundMeter | None = None) -> Iterator[FrameScored]:
    """Each whole chunk of the recording as a call would hear it, as soon as it is over.

    Args:
        pcm: shape (n,), float32, at the detector's rate, which is the meter's as well.
        vad: is reset first.
        meter: a new one; without it nothing is known of sound.
    """
    vad.reset()
    size, rate = vad.frame_samples, vad.sample_rate
    length: Nanos = size * SECOND // rate
    for index in range(len(pcm) // size):
        chunk = pcm[index * size : (index + 1) * size]
        sound = meter is not None and meter.process(chunk)
        until = meter.ended * SECOND // rate if meter is not None and sound else None
        masked = meter is not None and sound and meter.masked
        start, end = index * length, (index + 1) * length
        yield FrameScored(end, start, end, vad.probability(chunk), 0, until, masked)
