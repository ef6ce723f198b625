"""A language model with prepared answers; changes with what tests need of one."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from pipelines.engines.modelled import spend
from pipelines.engines.protocols import StopSignal
from pipelines.engines.registry import Context
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.time import from_ms


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    replies: tuple[str, ...] = ("Of course. For what time shall I book it?",)
    """The answer to each of the caller's messages in turn; after the last, the first again."""
    first_token_ms: float = 80.0
    """Time to the first piece when the prompt has not been read in advance."""
    prepared_first_token_ms: float = 10.0
    """Time to the first piece when `prepare` has read exactly this prompt."""
    per_token_ms: float = 10.0
    """Time to each further piece."""
    end_probability: float = 0.9
    """How probable every end of turn looks to it."""


class ScriptedLlm:
    """The same history always gets the same reply, however often it is asked for.

    The reply is chosen by the number of caller messages, not by the number of calls, so that a
    speculative reply that is thrown away does not shift the script.
    """

    modelled = True

    def __init__(self, settings: Settings) -> None:
        self._settings = settings
        self._prepared: History | None = None

    def prepare(self, history: History) -> None:
        """Take `first_token_ms`, once for each prompt."""
        if history != self._prepared:
            spend(from_ms(self._settings.first_token_ms))
            self._prepared = history

    def stream(self, history: History, stop: StopSignal) -> Iterator[str]:
        """The reply word by word, each with the space before it."""
        ready = history == self._prepared
        self._prepared = history
        wait = self._settings.prepared_first_token_ms if ready else self._settings.first_token_ms
        turn = sum(message.role == "caller" for message in history)
        reply = self._settings.replies[(turn - 1) % len(self._settings.replies)]
        for piece in re.findall(r"\s*\S+", reply):
            spend(from_ms(wait))
            if stop.is_set():
                return
            yield piece
            wait = self._settings.per_token_ms

    def end_probability(self, history: History, text: str) -> float:  # noqa: ARG002 (NextTokenLlm)
        """The configured probability; 0 when nothing has been said."""
        return self._settings.end_probability if text.strip() else 0.0


def build(settings: Settings, context: Context) -> ScriptedLlm:  # noqa: ARG001 (every build's shape)
    """Build it.

    Raises:
        ValueError: a setting is out of range.
    """
    if not settings.replies:
        raise ValueError("replies must hold at least one reply")
    if not 0.0 <= settings.end_probability <= 1.0:
        raise ValueError("end_probability must lie between 0 and 1")
    return ScriptedLlm(settings)
