"""The engines of one call, built and warm."""

from collections.abc import Mapping
from dataclasses import dataclass

from pipelines.engines.protocols import Llm, StreamingAsr, Tts, TurnDetector, Vad


@dataclass(frozen=True, slots=True)
class Engines:
    """One engine of each kind, and any number of turn detectors by name."""

    vad: Vad
    asr: StreamingAsr
    llm: Llm
    tts: Tts
    turn_detectors: Mapping[str, TurnDetector]
