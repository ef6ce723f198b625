"""Finds an engine by kind and file name and builds it; changes with how engines are looked up.

`[asr] engine = "moonshine"` means the module `pipelines.engines.asr.moonshine`, which offers a
frozen dataclass `Settings` (its fields are the TOML keys) and `build(settings, context)`.
"""

import importlib
import pkgutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType
from typing import Any, get_args

from pipelines.engines.protocols import Llm
from pipelines.engines.tools import Tool
from pipelines.turn_taking.commands import History
from pipelines.turn_taking.events import EngineKind


class SettingsError(ValueError):
    """What the user wrote in a file that an engine reads is wrong; names the file and the place."""


KINDS: tuple[EngineKind, ...] = get_args(EngineKind)


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
    """Names of all engines of a kind, sorted; a module with a leading underscore is part of one."""
    package = importlib.import_module(f"pipelines.engines.{kind}")
    names = (module.name for module in pkgutil.iter_modules(package.__path__))
    return sorted(name for name in names if not name.startswith("_"))


def engine_module(kind: EngineKind, name: str) -> ModuleType:
    """The module of one engine; loads only that one.

    Raises:
        LookupError: there is no such engine; says which there are.
    """
    names = engine_names(kind)
    if name not in names:
        raise LookupError(f'no {kind} engine "{name}"; there are: {", ".join(names)}')
    return importlib.import_module(f"pipelines.engines.{kind}.{name}")


def build_engine(kind: EngineKind, name: str, settings: Any, context: Context) -> Any:
    """Build the named engine from its Settings; may load weights and take seconds."""
    return engine_module(kind, name).build(settings, context)
