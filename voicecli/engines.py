"""Builds the engines that a profile names."""

import dataclasses
from collections.abc import Callable, Mapping
from functools import partial
from itertools import chain
from pathlib import Path
from typing import Any

from pipelines.engines.fallback import with_fallback
from pipelines.engines.protocols import Llm, StreamingAsr, Tts, TurnDetector, Vad
from pipelines.engines.registry import Context, SettingsError, build_engine
from pipelines.engines.restarting import restarting
from pipelines.engines.tools import Tool
from pipelines.runtime.clock import day_in_words, local_day
from pipelines.runtime.engines import Engines
from pipelines.runtime.hooks import Hooks
from pipelines.turn_taking.events import EngineKind
from voicecli.errors import EngineError, ProfileError, VoicecliError
from voicecli.models.registry import load_registry
from voicecli.models.store import locate, require_models
from voicecli.profile import DetectorChoice, EngineChoice, Profile, beside
from voicecli.toml_schema import Place
from voicecli.tools.load import load_tools
from voicecli.tools.load_agent import NO_AGENT, LoadedAgent, load_agents


class LazyEngines:
    """The profile's engines, each loaded when first used; raises what build_engines raises."""

    def __init__(
        self, profile: Profile, name: str = "", first: "LazyEngines | None" = None
    ) -> None:
        """Those of the agent that the profile names or, with the `first`, of another by name."""
        self._profile, self._name, self._first = profile, name, first
        self._loaded: dict[EngineKind, Any] = {}
        self._tools: dict[str, Tool] | None = None
        self._agents: dict[str, LoadedAgent] | None = None
        self._others: dict[str, Engines] | None = None

    @property
    def tools(self) -> Mapping[str, Tool]:
        """What the LLM may call; runs the profile's Python files when first asked for."""
        if self._tools is None:
            place = Place(str(self._profile.path), ProfileError, "tools")
            folder = self._profile.path.resolve().parent
            others = chain.from_iterable(each.tools for each in self._all_agents().values())
            self._tools = load_tools(
                self._profile.tools, folder, place, self._agent.tools, frozenset(others)
            )
        return self._tools

    @property
    def hooks(self) -> Hooks:
        """The agent's own code that is told what happens; runs its file when first asked for."""
        return self._agent.hooks

    @property
    def agents(self) -> Mapping[str, Engines]:
        """Those that the call may be handed over to, each with an LLM, tools and hooks."""
        if self._first is not None:
            return self._first.agents
        if self._others is None:
            self._others = {
                name: self if name == self._own_name else LazyEngines(self._profile, name, self)
                for name in self._all_agents()
            }
        return self._others

    @property
    def _agent(self) -> LoadedAgent:
        return self._all_agents().get(self._name or self._own_name, NO_AGENT)

    @property
    def _own_name(self) -> str:
        """Of the agent that the profile names; empty if it names none."""
        return self._profile.agent.name if self._profile.agent is not None else ""

    def _all_agents(self) -> dict[str, LoadedAgent]:
        if self._first is not None:
            return self._first._all_agents()
        if self._agents is None:
            place = Place(str(self._profile.path), ProfileError, "agent", "class")
            self._agents = load_agents(self._profile, place)
        return self._agents

    @property
    def vad(self) -> Vad:
        """Whether anybody speaks."""
        return (self._first or self)._load("vad", self._profile.vad)

    @property
    def asr(self) -> StreamingAsr:
        """What they say."""
        return (self._first or self)._load("asr", self._profile.asr)

    @property
    def llm(self) -> Llm:
        """What to answer."""
        return self._load("llm", self._profile.llm)

    @property
    def tts(self) -> Tts:
        """How that sounds."""
        return (self._first or self)._load("tts", self._profile.tts)

    @property
    def turn_detectors(self) -> Mapping[str, TurnDetector]:
        """Whether they have finished; all of them are loaded at once."""
        if "turn_detector" not in self._loaded:
            context = Context(locate, self.llm)
            shared = self._first.turn_detectors if self._first is not None else {}
            self._loaded["turn_detector"] = {
                choice.name: _build("turn_detector", choice, context)
                if choice.name not in shared or shared[choice.name].uses_llm
                else shared[choice.name]
                for choice in self._profile.turn_detectors
            }
        return self._loaded["turn_detector"]

    def _load(self, kind: EngineKind, choice: EngineChoice) -> Any:
        if kind not in self._loaded:
            find = partial(beside, self._profile.path)
            context = self._context_of_llm(find) if kind == "llm" else Context(locate, find=find)
            self._loaded[kind] = _build(kind, choice, context)
        return self._loaded[kind]

    def _context_of_llm(self, find: Callable[[str], Path]) -> Context:
        examples = self._profile.tools.examples
        shown = [each.messages() for each in examples if each.call in self.tools]
        policy = self._profile.policy.agent
        if self._first is not None and self._agent.prompt:
            policy = dataclasses.replace(policy, system_prompt=self._agent.prompt)
        return Context(
            locate,
            tools=tuple(self.tools.values()),
            examples=tuple(chain.from_iterable(shown)),
            system_prompt=policy.prompt_on(day_in_words(local_day())),
            find=find,
        )


def build_engines(profile: Profile) -> LazyEngines:
    """Every engine of the profile, loaded; may take seconds.

    Raises:
        ProfileError: the profile's tools cannot be used.
        WeightsError: weights are missing; names all of them and the command that gets them.
        EngineError: an engine could not be loaded.
    """
    require_models(profile.weights)  # all that is missing in one message, and before anything loads
    engines = LazyEngines(profile)
    _ = engines.vad, engines.asr, engines.llm, engines.tts, engines.turn_detectors
    for other in engines.agents.values():
        _ = other.llm, other.turn_detectors
    return engines


def build_detector(choice: DetectorChoice, llm: Llm | None) -> TurnDetector:
    """One turn detector; raises what build_engines raises.

    Args:
        choice: which, with its settings.
        llm: the reply LLM, for detectors that work on it.
    """
    return _build("turn_detector", choice, Context(locate, llm))


def _build(kind: EngineKind, choice: EngineChoice | DetectorChoice, context: Context) -> Any:
    fallback = otherwise = None
    if isinstance(choice, EngineChoice):
        fallback, otherwise = choice.fallback, choice.otherwise
    if otherwise is not None:
        tools = context.tools if choice.settings.otherwise_calls_tools else ()
        behind = _build(kind, otherwise, dataclasses.replace(context, tools=tools))
        context = dataclasses.replace(context, llm=behind)
    if fallback is None:
        return _build_one(kind, choice, context)
    second = _build_one(kind, fallback, context)
    first = _build_one(kind, choice, dataclasses.replace(context, has_fallback=True))
    return with_fallback(kind, first, second, (choice.name, fallback.name))


def _build_one(kind: EngineKind, choice: EngineChoice | DetectorChoice, context: Context) -> Any:
    """An engine that is built anew if it crashes; without a VAD the call would be over at once."""
    build = partial(_build_once, kind, choice, context)
    return restarting(build(), build, insist=kind == "vad")


def _build_once(kind: EngineKind, choice: EngineChoice | DetectorChoice, context: Context) -> Any:
    try:
        return build_engine(kind, choice.name, choice.settings, context)
    except VoicecliError:
        raise
    except SettingsError as error:
        raise ProfileError(str(error)) from error
    except Exception as error:
        weights = getattr(choice.settings, "weights", None)
        hint = (
            f"; `voicecli models verify {weights}` checks its weights"
            if weights in load_registry().models
            else ""
        )
        raise EngineError(
            f"the {kind} engine {choice.name} could not be loaded: {error}{hint}"
        ) from error
