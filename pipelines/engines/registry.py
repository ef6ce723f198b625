"""Finds an engine by kind and name and builds it.

`[asr] engine = "moonshine"` means the module `pipelines.engines.asr.moonshine`, which offers a
frozen dataclass `Settings` (its fields are the TOML keys) and `build(settings, context)`; a turn
detector's also `NEEDS_TEXT`. Another installed package adds such a module of its own by an entry
point of the group `voicecli.engines.asr` (or vad, llm, tts, turn_detector), whose name is the
engine's. The name of an engine that is here already stays that engine's.
"""

import dataclasses
import functools
import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from importlib.metadata import EntryPoint, entry_points
from pathlib import Path
from typing import Any, Final, get_args, get_type_hints

from pipelines.engines.plug_ins import BrokenPlugInError, load_plug_in, package_of
from pipelines.engines.protocols import Llm, StreamingAsr, Tts, TurnDetector, Vad
from pipelines.engines.tools import Tool
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.events import EngineKind


class SettingsError(ValueError):
    """What the user wrote in a file that an engine reads is wrong; names the file and the place."""


KINDS: tuple[EngineKind, ...] = get_args(EngineKind)
_PROTOCOLS: Final[dict[EngineKind, type]] = {
    "vad": Vad, "asr": StreamingAsr, "llm": Llm, "tts": Tts, "turn_detector": TurnDetector,
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Context:
    """What an engine may need from outside to be built."""

    locate: Callable[[str], Path]
    """The path of weights by registry name, or of a file by its path."""
    llm: Llm | None = None
    """The reply LLM, for turn detectors that read its next-token probabilities; for an engine
    that may delegate, the one that answers what it does not."""
    has_fallback: bool = False
    """Whether another engine can step in: then a service out of reach is no reason to refuse."""
    tools: tuple[Tool, ...] = ()
    """What the reply LLM may call."""
    examples: History = ()
    """Turns in which it is seen how that is done."""
    system_prompt: str = ""
    """With which its conversations will begin: read when it is built, it need not be later."""
    find: Callable[[str], Path] = Path
    """The path of a file that the settings name, relative to the profile."""


def engine_names(kind: EngineKind) -> list[str]:
    """Names of all engines of a kind, sorted; those of other installed packages are among them."""
    return sorted({*_built_in(kind), *(found.name for found in plug_ins(kind))})


def engine_module(kind: EngineKind, name: str) -> Any:
    """What stands behind an engine's name, a module as a rule; loads only that one.

    Raises:
        LookupError: there is no such engine; says which there are.
        BrokenPlugInError: it is that of another package, which breaks down or offers no engine.
    """
    if name in _built_in(kind):
        return importlib.import_module(f"pipelines.engines.{kind}.{name}")
    found = [each for each in plug_ins(kind) if each.name == name]
    if not found:
        known = ", ".join(engine_names(kind))
        raise LookupError(f'no {kind} engine "{name}"; there are: {known}')
    return load_plug_in(f'the {kind} engine "{name}"', found, partial(_checked, kind))


def build_engine(kind: EngineKind, name: str, settings: Any, context: Context) -> Any:
    """Build the named engine from its Settings; may load weights and take seconds."""
    engine = engine_module(kind, name).build(settings, context)
    wanted = _PROTOCOLS[kind]
    if not isinstance(engine, wanted):
        raise TypeError(
            f"what its build() gives is no {wanted.__name__} of pipelines.engines.protocols"
        )
    return engine


def provider(kind: EngineKind, name: str) -> str:
    """The other installed package that an engine is of, and its version; empty if there is none."""
    if name in _built_in(kind):
        return ""
    return ", ".join(package_of(found) for found in plug_ins(kind) if found.name == name)


@functools.cache
def plug_ins(kind: EngineKind) -> tuple[EntryPoint, ...]:
    """What other installed packages offer of a kind; nothing of theirs is loaded by asking."""
    return tuple(entry_points(group=f"voicecli.engines.{kind}"))


def examine_plug_in(kind: EngineKind, found: EntryPoint) -> str:
    """What is wrong with an engine of another package, in a sentence; empty if it can be used."""
    if found.name in _built_in(kind):
        return f"is never used: {kind} engine {found.name} is one of voicecli's own; rename it"
    try:
        engine_module(kind, found.name)
    except BrokenPlugInError as error:
        return str(error)
    return ""


@functools.cache
def _built_in(kind: EngineKind) -> frozenset[str]:
    """By file name; a module with a leading underscore is part of an engine."""
    package = importlib.import_module(f"pipelines.engines.{kind}")
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return frozenset(name for name in names if not name.startswith("_"))


def _checked(kind: EngineKind, module: Any) -> Any:
    """The module, if it offers an engine.

    Raises TypeError, or whatever reading its type hints raises.
    """
    if not (dataclasses.is_dataclass(module.Settings) and callable(module.build)):
        raise TypeError("Settings must be a dataclass, and build(settings, context) a function")
    get_type_hints(module.Settings)
    if kind == "turn_detector" and not isinstance(module.NEEDS_TEXT, bool):
        raise TypeError("NEEDS_TEXT must be True or False")
    return module
