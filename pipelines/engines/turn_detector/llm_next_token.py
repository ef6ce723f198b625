"""End of turn from what the reply LLM expects next.

A language model trained on conversations knows where a speaker's words make a whole: it gives the
end-of-turn token, or final punctuation, a high probability there (after TurnGPT, Ekstedt and
Skantze 2020). The words are read into the KV cache that the reply will need anyway.
"""

import math
from dataclasses import dataclass

from pipelines.engines.audio import checked
from pipelines.engines.protocols import NextTokenLlm, Pcm
from pipelines.engines.registry import Context
from pipelines.turn_taking.commands import History

NEEDS_TEXT = True
EPSILON = 1e-6


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    scale: float = 0.6
    """How much weight the model's opinion has; see `offset`."""
    offset: float = 1.7
    """P is sigmoid(scale · logit(model's probability) + offset).

    Both belong to the model: the registry has them for those that they were fitted to (logistic
    regression, 200 turns of written task dialogue, half of them cut at random). Any other gets
    SmolLM2-135M's: a model alone finds even most finished turns hardly more likely than not.
    """
    languages: tuple[str, ...] = ("en",)
    """Those it was fitted for; in any other the detector steps aside."""


class NextTokenTurnDetector:
    """Asks the reply LLM."""

    sample_rate = 16000
    audio_seconds = 0.0
    needs_text = NEEDS_TEXT
    uses_llm = True

    def __init__(self, settings: Settings, llm: NextTokenLlm) -> None:
        self._settings = settings
        self._llm = llm

    def end_of_turn(self, history: History, text: str, audio: Pcm) -> float:
        """Probability that the turn `text`, after `history`, is complete; 0 without words."""
        checked(audio)
        if not text.strip():
            return 0.0
        p = min(max(self._llm.end_probability(history, text), EPSILON), 1.0 - EPSILON)
        logit = math.log(p / (1.0 - p))
        return 1.0 / (1.0 + math.exp(-(self._settings.scale * logit + self._settings.offset)))


def build(settings: Settings, context: Context) -> NextTokenTurnDetector:
    """Build it on the reply LLM.

    Raises:
        ValueError: there is no reply LLM, or it shows no probabilities (as remote ones do not).
    """
    if context.llm is None or not isinstance(context.llm, NextTokenLlm):
        raise ValueError(
            "llm_next_token needs a reply LLM that shows its next-token probabilities, "
            "such as llama_cpp"
        )
    return NextTokenTurnDetector(settings, context.llm)
