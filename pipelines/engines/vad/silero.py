"""Silero voice detection through onnxruntime.

The model (https://github.com/snakers4/silero-vad, v6) is a small recurrent network that natively
takes 32 ms of 16 kHz or of 8 kHz audio, so telephone audio needs no resampling. Each chunk is
preceded by the last 4 ms of the one before it.

In a long quiet its state drifts to where loud and clear speech no longer counts as speech: of
people's utterances after gaps of 3 to 9 s on a phone line it then finds four in five. So the state
is cleared whenever nothing was taken for speech for `clear_after_ms` (docs/benchmarks/hearing.md
has the measurements; Pipecat clears it every five seconds for the same reason).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, cast

import numpy as np

from pipelines.engines.audio import checked
from pipelines.engines.onnx import open_session
from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context
from pipelines.turn_taking.bounds import bounded, check_bounds

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

FRAME_MS = 32
CONTEXT_MS = 4
WARM_UP_FRAMES = 3
SPEECH = 0.5
"""From this probability on a frame is speech, as far as the model's own state is concerned."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    sample_rate: int = 16000
    """8000 or 16000 Hz; 8000 is what a phone line delivers."""
    weights: str = "silero-vad"
    """Name of a model in the registry, or the path of its .onnx file."""
    clear_after_ms: int = bounded(2000, 0)
    """After so long without speech the model forgets what it has heard; 0: never."""


class SileroVad:
    """Speech probability of 32 ms frames; about 0.1 ms each."""

    def __init__(self, settings: Settings, session: InferenceSession) -> None:
        self.sample_rate = settings.sample_rate
        self.frame_samples = settings.sample_rate * FRAME_MS // 1000
        self._context = settings.sample_rate * CONTEXT_MS // 1000
        self._session = session
        self._input = np.zeros((1, self._context + self.frame_samples), np.float32)
        self._silence = np.zeros((2, 1, 128), np.float32)
        self._clear_after = -(-settings.clear_after_ms // FRAME_MS)
        self._quiet = 0  # frames since the last that was speech, or since the state was cleared
        self._feed = {
            "input": self._input,
            "state": self._silence,
            "sr": np.array(settings.sample_rate, np.int64),
        }

    def probability(self, frame: Pcm) -> float:
        """Probability of speech in a frame of shape (frame_samples,), given those before it.

        Raises:
            ValueError: another shape or dtype.
        """
        frame = checked(frame, self.frame_samples)
        self._input[0, self._context :] = frame
        output, state = cast("list[np.ndarray]", self._session.run(None, self._feed))
        self._feed["state"] = state
        self._input[0, : self._context] = frame[-self._context :]
        probability = float(output[0, 0])
        self._quiet = 0 if probability >= SPEECH else self._quiet + 1
        if self._clear_after and self._quiet >= self._clear_after:
            self._forget()
        return probability

    def reset(self) -> None:
        """Forget the audio heard so far."""
        self._input.fill(0.0)
        self._forget()

    def _forget(self) -> None:
        """Begin with a fresh state; the 4 ms of context stay, as they are audio and no memory."""
        self._feed["state"] = self._silence
        self._quiet = 0


def build(settings: Settings, context: Context) -> SileroVad:
    """Load the model.

    Raises:
        ValueError: a sample rate that the model does not take, or a file that is no such model.
    """
    if settings.sample_rate not in {8000, 16000}:
        raise ValueError(f"sample_rate must be 8000 or 16000, not {settings.sample_rate}")
    check_bounds(settings)
    vad = SileroVad(settings, open_session(context.locate(settings.weights)))
    for _ in range(WARM_UP_FRAMES):
        vad.probability(np.zeros(vad.frame_samples, np.float32))
    vad.reset()
    return vad
