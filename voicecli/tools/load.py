"""Loads the tools that a profile names.

A tools file is code and runs with all the rights of voicecli: it is read only when a profile names
it. Whether a recorded call's profile may name one is settled before, in `voicecli.replaying.trust`.
"""

import ast
import importlib.util
import sys
import traceback
from collections import Counter
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path
from types import ModuleType
from typing import Any

from pipelines.engines.tools import Tool
from voicecli.foreign import named_path
from voicecli.profile import Profile
from voicecli.toml_schema import Place, suggest
from voicecli.tools.builtin import builtin_tool
from voicecli.tools.choice import ToolsChoice
from voicecli.tools.declare import MARK, Declared
from voicecli.tools.mcp_server import mcp_tools
from voicecli.tools.schema import tool_of

NONE: Mapping[str, Tool] = {}
SETUP = "setup"
"""The function of a tools file that is given the profile's [tools.settings] before any call."""
BEFORE_END_CALL = "before_end_call"
"""The function of a tools file that names the tool to be called instead of hanging up, or none."""


def load_tools(
    choice: ToolsChoice,
    folder: Path,
    place: Place,
    agent: Mapping[str, Tool] = NONE,
    others: frozenset[str] = frozenset(),
) -> dict[str, Tool]:
    """The tools by name, in order: the agent's, those of the file, those that come with voicecli.

    Args:
        choice: what the profile says.
        folder: that of the profile: what the file's path is relative to.
        place: in the profile, for messages.
        agent: the tools of the agent's class.
        others: names of tools that agents have to whom the call may be handed over.

    Raises:
        VoicecliError: of the class `place.error`: the file is missing, raises, or declares what no
            model could call.
    """
    tools = dict(agent)
    path = tools_path(choice, folder)
    if choice.file:
        found = _of_file(path, choice.settings, place.at("file"))
        if twice := sorted(tools.keys() & found):
            raise place.at("file").wrong(f"{twice[0]} is also a tool of the agent's class")
        tools |= found
    elif choice.settings:
        raise place.at("settings").wrong("is for the functions of a file, and none is named")
    for name, server in choice.mcp.items():
        here = place.at("mcp").in_table("mcp").at(name)
        found = {each.name: each for each in mcp_tools(name, server, folder, here)}
        if twice := sorted(tools.keys() & found):
            raise here.wrong(f"{twice[0]} is also a tool of another place; choose with tools = […]")
        tools |= found
    for name in choice.builtin:
        if name in tools:
            whose = "the agent's class" if name in agent else choice.file or "an MCP server"
            raise place.at("builtin").wrong(f"{name} is also a function of {whose}")
        try:
            tools[name] = builtin_tool(name, choice.transfer_to)
            if name == "end_call" and choice.file:
                guard = getattr(sys.modules[_module_name(path)], BEFORE_END_CALL, None)
                tools[name] = replace(tools[name], instead=guard)
        except ValueError as error:
            raise place.wrong(str(error)) from None
    for example in choice.examples:
        if example.call not in tools and example.call not in others:
            known = {**tools, **dict.fromkeys(others)}
            what = f"there is no tool {example.call}; {suggest(example.call, known)}"
            raise place.at("examples").wrong(what)
    return tools


def tools_path(choice: ToolsChoice, folder: Path) -> Path:
    """Where the file is, absolute."""
    return (folder / named_path(choice.file)).resolve()


def code_run(profile: Profile) -> str:
    """The Python files that a profile has run, for whoever is to know; empty if there are none."""
    tools, agent = profile.tools, profile.agent
    paths = [agent.path(profile.path)] if agent is not None else []
    if tools.file:
        paths.append(tools_path(tools, profile.path.resolve().parent))
    return ", ".join(map(str, paths))


def _of_file(path: Path, settings: Mapping[str, Any], place: Place) -> dict[str, Tool]:
    module = executed(path, place)
    _set_up(module, path, settings, place)
    tools: dict[str, Tool] = {}
    for function in vars(module).values():
        declared = getattr(function, MARK, None)
        if not isinstance(declared, Declared):
            continue
        if function.__name__ in tools:
            raise place.wrong(f"{path}: two tools are called {function.__name__}")
        try:
            effect = "reads" if declared.read_only else "acts"
            tools[function.__name__] = tool_of(
                function, effect, declared.timeout_s, return_direct=declared.return_direct
            )
        except ValueError as error:
            raise place.wrong(f"{path}: {error}") from None
    if not tools:
        raise place.wrong(f"{path} declares no tool: mark functions with @tool")
    return tools


def executed(path: Path, place: Place, what: str = "tools") -> ModuleType:
    """The module that a Python file is, once it has run; `what` it holds is part of its name.

    Raises:
        VoicecliError: of the class `place.error`: there is no such file, or it raises; says where.
    """
    if not path.is_file():
        raise place.wrong(f"there is no file {path}")
    name = _module_name(path, what)
    spec = importlib.util.spec_from_file_location(name, path)
    if spec is None or spec.loader is None:
        raise place.wrong(f"{path} is no Python file")
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module  # type hints are looked up there
    try:
        _refuse_twins(path)
        spec.loader.exec_module(module)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an edge: somebody else's code
        raise place.wrong(_what_it_raised(path, error)) from None
    return module


def _module_name(path: Path, what: str = "tools") -> str:
    return f"voicecli_{what}_{path.stem}"


def _refuse_twins(path: Path) -> None:
    """Of two functions of one name the first would silently be lost."""
    content = path.read_bytes()
    if b"\0" in content:  # not what Python says of UTF-16
        raise ValueError("it is not UTF-8 text; save it as UTF-8")
    body = ast.parse(content, str(path)).body
    names = Counter(node.name for node in body if isinstance(node, ast.FunctionDef))
    for name, times in names.items():
        if times > 1:
            raise ValueError(f"{times} functions are called {name}")


def _set_up(module: ModuleType, path: Path, settings: Mapping[str, Any], place: Place) -> None:
    setup = getattr(module, SETUP, None)
    if setup is None:
        if settings:
            raise place.wrong(f"{path} has no function {SETUP} that takes [tools.settings]")
        return
    try:
        setup(**settings)
    except (Exception, SystemExit) as error:  # noqa: BLE001 - an edge: somebody else's code
        raise place.wrong(_what_it_raised(path, error)) from None


def _what_it_raised(path: Path, error: BaseException) -> str:
    frames = traceback.extract_tb(error.__traceback__)
    lines = [frame.lineno for frame in frames if frame.filename == str(path)]
    if isinstance(error, SyntaxError):
        lines = [error.lineno]
    where = f"{path}:{lines[-1]}" if lines else str(path)
    said = error.msg if isinstance(error, SyntaxError) else str(error)
    return f"{where}: {type(error).__name__}: {said}"
