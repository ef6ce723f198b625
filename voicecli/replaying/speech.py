"""Finds the caller's speech in a recording without labels, with the ears of the profile itself."""

import soxr

from pipelines.engines.protocols import Vad
from pipelines.runtime.recording_ears import scored_frames
from pipelines.runtime.timeline import to_float
from pipelines.turn_taking.policy import GatePolicy
from pipelines.turn_taking.speech_gate import SpeechConfirmed, SpeechGate
from pipelines.turn_taking.time import SECOND, Nanos
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.labels import Turn

GATE = GatePolicy(pause_ms=200)
"""Shorter silences belong to the words around them."""


def find_speech(audio: CallAudio, vad: Vad) -> tuple[Turn, ...]:
    """Stretches of the caller's speech, in order, with neither text nor intent.

    Unlike a threshold on energy (`recording.segments`), a VAD tells speech from background.
    """
    pcm = to_float(audio.caller)
    if audio.rate != vad.sample_rate:
        pcm = soxr.resample(pcm, audio.rate, vad.sample_rate)
    gate, turns = SpeechGate(GATE), list[Turn]()
    onset: Nanos = 0
    for frame in scored_frames(pcm, vad):
        change = gate.handle(frame)
        if isinstance(change, SpeechConfirmed):
            onset = change.onset
        elif change is not None:
            turns.append(Turn(onset / SECOND, change.end / SECOND))
    if gate.speaking:
        turns.append(Turn(onset / SECOND, gate.silent_since / SECOND))
    return tuple(turns)
