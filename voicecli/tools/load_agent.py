"""Loads the class that a profile names as its agent, and makes its tools and hooks of it."""

import functools
import inspect
import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any, Final, get_args

from pipelines.engines.tools import Tool
from pipelines.runtime.hooks import HookName, Hooks
from voicecli.profile import Profile
from voicecli.toml_schema import Place
from voicecli.tools.agent import Agent
from voicecli.tools.declare import MARK, Declared, this_call
from voicecli.tools.load import executed
from voicecli.tools.schema import tool_of

_MAKING: Final = threading.Lock()
"""A tool and a hook may need the agent at once."""


@dataclass(frozen=True, slots=True)
class LoadedAgent:
    """What an agent's class offers; both make the call's own agent when they first need it."""

    tools: dict[str, Tool]
    hooks: Hooks
    prompt: str = ""


NO_AGENT: Final = LoadedAgent({}, {})


def load_agents(profile: Profile, place: Place) -> dict[str, LoadedAgent]:
    """Run the file that the profile names, if it names one.

    Returns:
        By name, the agent that it names and those that the call may be handed over to: all classes
        of agents that the file defines or imports, but for those that others are derived from.

    Raises:
        VoicecliError: of the class `place.error`: the file raises, has no such Agent, or a method
            cannot be called as a tool or hook.
    """
    if profile.agent is None:
        return {}
    path = profile.agent.path(profile.path)
    module = executed(path, place, "agent")
    found = getattr(module, profile.agent.name, None)
    if not (isinstance(found, type) and issubclass(found, Agent)):
        raise place.wrong(f"{profile.agent.name} in {path} is no class derived from voicecli.Agent")
    classes = [each for each in vars(module).values() if isinstance(each, type)]
    agents = [each for each in classes if issubclass(each, Agent)]
    bases = {base for each in agents for base in each.__mro__[1:]}
    try:
        return {
            each.__name__: _loaded(each)
            for each in (found, *agents)
            if each not in bases or each is found
        }
    except ValueError as error:
        raise place.wrong(f"{path}: {error}") from None


def _loaded(cls: type[Agent]) -> LoadedAgent:
    prompt = cls.prompt
    if not isinstance(prompt, str):
        raise ValueError(f"prompt of {cls.__name__} must be a text")  # noqa: TRY004 - the profile's
    return LoadedAgent(_tools(cls), _hooks(cls), inspect.cleandoc(prompt))


def _agent_of_the_call(cls: type[Agent]) -> Agent:
    agents, name = this_call().agents, cls.__name__
    with _MAKING:
        if name not in agents:
            agents[name] = cls()
    return agents[name]


def _tools(cls: type[Agent]) -> dict[str, Tool]:
    """In the order in which they stand in the class, those of its bases first."""
    names = dict.fromkeys(name for base in reversed(cls.__mro__) for name in vars(base))
    tools: dict[str, Tool] = {}
    for name in names:
        method = inspect.getattr_static(cls, name)
        declared = getattr(method, MARK, None)
        if isinstance(declared, Declared):
            if not inspect.isfunction(method):
                raise ValueError(f"{name} is no plain method: put @tool on one")
            effect = "reads" if declared.read_only else "acts"
            tools[name] = tool_of(
                _bound_in_the_call(cls, method), effect, declared.timeout_s,
                return_direct=declared.return_direct,
            )  # fmt: skip
    return tools


def _bound_in_the_call(cls: type[Agent], method: Callable[..., Any]) -> Callable[..., Any]:
    """A function without `self` that calls the method of the call's own agent."""

    @functools.wraps(method)
    def call(*arguments: Any, **named: Any) -> Any:
        return method(_agent_of_the_call(cls), *arguments, **named)

    signature = inspect.signature(method)
    call.__signature__ = signature.replace(parameters=list(signature.parameters.values())[1:])  # type: ignore[attr-defined]
    return call


def _hooks(cls: type[Agent]) -> Hooks:
    return {
        name: _hook(cls, name)
        for name in get_args(HookName)
        if getattr(cls, name) is not getattr(Agent, name)
    }


def _hook(cls: type[Agent], name: HookName) -> Callable[[str], object]:
    method = getattr(cls, name)
    if inspect.iscoroutinefunction(method):
        raise ValueError(f"{name} is async; write `def`: it runs on a thread of its own")
    try:
        inspect.signature(method).bind(None, "")
    except TypeError:
        needed = str(inspect.signature(getattr(Agent, name)).replace(return_annotation="")).strip()
        raise ValueError(f"{name} must be declared as in Agent: def {name}{needed}") from None

    def call(what: str) -> object:
        return getattr(_agent_of_the_call(cls), name)(what)

    return call
