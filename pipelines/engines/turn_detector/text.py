"""End of turn from the caller's words, by a small network of our own.

A causal recurrent network reads the agent's last turn and the caller's words so far and says after
the last of them how probable it is that the turn is over (after TurnGPT, Ekstedt and Skantze 2020).
It reads no punctuation of the caller's, because a recogniser puts a full stop at every pause. How
it was trained, on what, and how well it does: docs/benchmarks/turn-model.md.
"""

from __future__ import annotations

import json
import math
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np

from pipelines.engines.audio import checked
from pipelines.engines.onnx import open_session
from pipelines.engines.protocols import Pcm
from pipelines.engines.registry import Context
from pipelines.engines.turn_tokens import Tokenizer, words

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

    from pipelines.turn_taking.commands import History

NEEDS_TEXT = True
FOLDER = Path(__file__).parent / "weights"


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    model: str = ""
    """Path of another model made by training/turn_model/train.py; its .json lies beside it."""
    context: bool = True
    """Whether to read the agent's last turn; without it "San Jose" is no answer to anything."""
    scale: float = 1.0
    """How much weight the model's opinion has; see `offset`."""
    offset: float = 0.0
    """Change the model's log-odds to scale · log-odds + offset, for callers unlike those it knows.

    The model takes ends and holds for equally frequent.
    """
    languages: tuple[str, ...] = ("en",)
    """Those it was fitted for; in any other the detector steps aside."""


class TextTurnDetector:
    """Reads the agent's last turn and the caller's words."""

    sample_rate = 16000
    audio_seconds = 0.0
    needs_text = NEEDS_TEXT
    uses_llm = False

    def __init__(
        self,
        session: InferenceSession,
        tokenizer: Tokenizer,
        calibration: tuple[float, float],
        settings: Settings,
    ) -> None:
        self._session = session
        self._tokenizer = tokenizer
        scale, offset = calibration
        self._scale = settings.scale * scale
        self._offset = settings.scale * offset + settings.offset
        self._context = settings.context

    def end_of_turn(self, history: History, text: str, audio: Pcm) -> float:
        """Probability that the turn `text` is complete; 0 if there is no word in it.

        Args:
            history: the conversation before this turn; only the agent's last turn is read.
            text: the caller's words so far; of a long text, the end.
            audio: not used.

        Raises:
            ValueError: audio of another shape or dtype.
        """
        checked(audio)
        if not words(text):
            return 0.0
        agent = _last_of_agent(history) if self._context else ""
        tokens = np.array([self._tokenizer.encode(agent, text)], np.int64)
        (output,) = cast("list[np.ndarray]", self._session.run(None, {"tokens": tokens}))
        logit = self._scale * float(output[0]) + self._offset
        return 1.0 / (1.0 + math.exp(-min(max(logit, -30.0), 30.0)))


def build(settings: Settings, context: Context) -> TextTurnDetector:
    """Load the model and run it once.

    Raises:
        ValueError: a scale that is not positive, or files that are no such model.
    """
    if settings.scale <= 0:
        raise ValueError("scale must be positive: with any other, a finished turn would be a hold")
    path = context.locate(settings.model) if settings.model else FOLDER / "turn_text.onnx"
    tokenizer, calibration = _read_description(path.with_suffix(".json"))
    detector = TextTurnDetector(open_session(path), tokenizer, calibration, settings)
    detector.end_of_turn((), "hello", np.zeros(0, np.float32))
    return detector


def _read_description(path: Path) -> tuple[Tokenizer, tuple[float, float]]:
    try:
        described: dict[str, Any] = json.loads(path.read_text(encoding="utf-8"))
        tokenizer = Tokenizer(
            described["vocabulary"], described["agent_tokens"], described["caller_tokens"]
        )
        return tokenizer, (float(described["scale"]), float(described["offset"]))
    except (OSError, KeyError, TypeError, ValueError) as error:
        raise ValueError(f"{path} does not describe a text turn model: {error}") from error


def _last_of_agent(history: History) -> str:
    return next((message.text for message in reversed(history) if message.role == "agent"), "")
