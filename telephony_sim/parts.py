"""Finds the parts that a line is made of, by kind and name.

A part is one file; its file name is its name in TOML. The file offers a frozen dataclass
`Settings`, whose fields are the TOML keys, and `build(settings, rng)`. Another installed package
adds such a degradation of its own by an entry point of the group `voicecli.degradations`. The name
of one that is here already stays that one's.
"""

from __future__ import annotations

import pkgutil
from dataclasses import is_dataclass
from functools import cache
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from typing import Any, Protocol, cast

import numpy as np

from telephony_sim.errors import LineError, UnknownNameError
from telephony_sim.settings import hints

KINDS = {
    "codecs": "codec",
    "concealments": "concealment",
    "degradations": "degradation",
    "jitter_buffers": "jitter buffer",
}


_GROUPS = {"degradations": "voicecli.degradations"}


class PartModule(Protocol):
    """What each file in a folder of parts offers."""

    Settings: type[Any]

    def build(self, settings: Any, rng: np.random.Generator, /) -> Any:
        """A fresh part; every random number it will ever use comes from `rng`."""
        ...


def names(kind: str) -> list[str]:
    """The parts of one kind (a key of KINDS), sorted; those of other packages are among them."""
    return sorted({*_built_in(kind), *(found.name for found in plug_ins(kind))})


def load(kind: str, name: str) -> PartModule:
    """The module of one part.

    Raises UnknownNameError, which names those that exist, or says why that of another package
    cannot be used.
    """
    if name in _built_in(kind):
        return cast("PartModule", import_module(f"telephony_sim.{kind}.{name}"))
    found = [each for each in plug_ins(kind) if each.name == name]
    if not found:
        known = ", ".join(names(kind))
        raise UnknownNameError(f"there is no {KINDS[kind]} {name!r}; there are: {known}")
    return _plugged_in(kind, found)


def build(kind: str, name: str, settings: Any, rng: np.random.Generator) -> Any:
    """The part from its settings; LineError if one of another package breaks down at that."""
    module = load(kind, name)
    try:
        return module.build(settings, rng)
    except Exception as error:
        if name in _built_in(kind):
            raise
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise LineError(f"the {KINDS[kind]} {name!r} could not be built: {what}") from error


@cache
def plug_ins(kind: str) -> tuple[EntryPoint, ...]:
    """What other installed packages offer of a kind; nothing of theirs is loaded by asking."""
    group = _GROUPS.get(kind)
    return tuple(entry_points(group=group)) if group else ()


def examine_plug_in(kind: str, found: EntryPoint) -> str:
    """What is wrong with a part of another package, in a sentence; empty if it can be used."""
    if found.name in _built_in(kind):
        what = f"{KINDS[kind]} {found.name}"
        return f"is never used: {what} is one of voicecli's own; rename it"
    try:
        load(kind, found.name)
    except UnknownNameError as error:
        return str(error)
    return ""


@cache
def _built_in(kind: str) -> frozenset[str]:
    package = import_module(f"telephony_sim.{kind}")
    return frozenset(module.name for module in pkgutil.iter_modules(package.__path__))


def _plugged_in(kind: str, found: list[EntryPoint]) -> PartModule:
    name = found[0].name
    packages = " and ".join(f"{e.dist.name} {e.dist.version}" if e.dist else e.value for e in found)
    if len(found) > 1:
        raise UnknownNameError(
            f"the {KINDS[kind]} {name!r} is offered by {packages}: uninstall all but one"
        )
    try:
        module = found[0].load()
        _check(module)
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UnknownNameError(
            f"the {KINDS[kind]} {name!r} of the package {packages} cannot be used: {what}"
        ) from error
    return module


def _check(module: PartModule) -> None:
    """Raise TypeError, or whatever reading its type hints raises, unless it is a PartModule."""
    if not (is_dataclass(module.Settings) and callable(module.build)):
        raise TypeError("Settings must be a dataclass, and build(settings, rng) a function")
    hints(module.Settings)
