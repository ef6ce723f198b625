"""The engines of one call."""

from collections.abc import Mapping
from typing import Protocol

from pipelines.engines.protocols import Llm, StreamingAsr, Tts, TurnDetector, Vad
from pipelines.engines.tools import Tool
from pipelines.runtime.hooks import Hooks


class Engines(Protocol):
    """One engine of each kind, and any number of turn detectors by name, warm or made when used."""

    @property
    def vad(self) -> Vad:
        """Whether anybody speaks."""
        ...

    @property
    def asr(self) -> StreamingAsr:
        """What they say."""
        ...

    @property
    def llm(self) -> Llm:
        """What to answer."""
        ...

    @property
    def tools(self) -> Mapping[str, Tool]:
        """What the LLM may call, by name."""
        ...

    @property
    def hooks(self) -> Hooks:
        """The agent's own code that is told what happens in the call."""
        ...

    @property
    def agents(self) -> "Mapping[str, Engines]":
        """By name, those that the call may be handed over to: with an LLM, tools and hooks of
        their own; all else is the same."""
        ...

    @property
    def tts(self) -> Tts:
        """How that sounds."""
        ...

    @property
    def turn_detectors(self) -> Mapping[str, TurnDetector]:
        """Whether they have finished."""
        ...
