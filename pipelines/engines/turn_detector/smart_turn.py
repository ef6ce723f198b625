"""End of turn from the sound of the voice, by the Smart Turn model.

Smart Turn v3 (https://github.com/pipecat-ai/smart-turn) is a Whisper-tiny encoder with a classifier
that hears intonation and hesitation, not words.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from pipelines.engines.audio import checked
from pipelines.engines.log_mel import SAMPLE_RATE, log_mel
from pipelines.engines.onnx import open_session
from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context
from pipelines.turn_taking.bounds import bounded, check_bounds

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from pipelines.turn_taking.commands import History

NEEDS_TEXT = False
SECONDS = 8


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    weights: str = "smart-turn-v3.2"
    """Name of a model in the registry, or the path of its .onnx file."""
    threads: int = bounded(1, 1)
    """More than one was slower on two cores."""


class SmartTurnDetector:
    """Judges the last 8 s of the caller's turn."""

    sample_rate = SAMPLE_RATE
    audio_seconds = float(SECONDS)
    needs_text = NEEDS_TEXT
    uses_llm = False

    def __init__(self, session: InferenceSession) -> None:
        self._session = session

    def end_of_turn(self, history: History, text: str, audio: Pcm) -> float:  # noqa: ARG002 (protocol)
        """Probability that the caller has finished; 0 without audio.

        The model was trained on audio that ends shortly after the last word, padded with zeros in
        front and brought to zero mean and unit variance together with that padding.

        Args:
            history: not used.
            text: not used.
            audio: the turn's audio at 16 kHz, shape (samples,); only the last 8 s count.

        Raises:
            ValueError: audio of another shape or dtype.
        """
        audio = checked(audio)
        if len(audio) == 0:
            return 0.0
        window = np.zeros(SECONDS * SAMPLE_RATE, np.float32)
        heard = audio[-len(window) :]
        window[len(window) - len(heard) :] = heard
        window = (window - window.mean()) / np.sqrt(window.var() + 1e-7)
        features = log_mel(window)[None]
        (output,) = cast("list[np.ndarray]", self._session.run(None, {"input_features": features}))
        # The output is called "logits", but the model's last node is a sigmoid.
        return float(output[0, 0])


def build(settings: Settings, context: Context) -> SmartTurnDetector:
    """Load the model and run it once.

    Raises:
        ValueError: a setting out of range, or a file that is no such model.
    """
    check_bounds(settings)
    path = context.locate(settings.weights)
    detector = SmartTurnDetector(open_session(path, settings.threads))
    detector.end_of_turn((), "", np.zeros(SAMPLE_RATE, np.float32))
    return detector
