"""Finds a carrier by its name.

The name twilio means the package `voicecli.carriers.twilio`, which offers `build()`: a `Carrier`
of `voicecli.carriers.protocol`. Another installed package adds one of its own by an entry point of
the group `voicecli.carriers`, whose name is the carrier's. The name of one that is here stays that
one's.
"""

import functools
import importlib
import pkgutil
from importlib.metadata import EntryPoint, entry_points

from pipelines.engines.plug_ins import BrokenPlugInError, load_plug_in
from voicecli import carriers
from voicecli.carriers.protocol import Carrier
from voicecli.errors import UsageError


def carrier_names() -> list[str]:
    """Names of all carriers, sorted; those of other installed packages are among them."""
    return sorted({*_built_in(), *(found.name for found in plug_ins())})


def find_carrier(name: str) -> Carrier:
    """The carrier of that name; loads only that one.

    Raises:
        UsageError: there is none; or it is that of another package, and cannot be used.
    """
    if name in _built_in():
        return importlib.import_module(f"voicecli.carriers.{name}").build()
    found = [each for each in plug_ins() if each.name == name]
    if not found:
        known = ", ".join(carrier_names())
        raise UsageError(f"there is no carrier {name!a}; there are: {known}.")
    try:
        return load_plug_in(f"the carrier {name}", found, lambda named: _checked(named.build()))
    except BrokenPlugInError as error:
        raise UsageError(f"{error}.") from error


@functools.cache
def plug_ins() -> tuple[EntryPoint, ...]:
    """What other installed packages offer; nothing of theirs is loaded by asking."""
    return tuple(entry_points(group="voicecli.carriers"))


def examine_plug_in(found: EntryPoint) -> str:
    """What is wrong with a carrier of another package, in a sentence; empty if it can be used."""
    if found.name in _built_in():
        return f"is never used: carrier {found.name} is one of voicecli's own; rename it"
    try:
        find_carrier(found.name)
    except UsageError as error:
        return str(error)
    return ""


@functools.cache
def _built_in() -> frozenset[str]:
    """By folder: the modules beside them are what all carriers share."""
    return frozenset(found.name for found in pkgutil.iter_modules(carriers.__path__) if found.ispkg)


def _checked(carrier: object) -> Carrier:
    if not isinstance(carrier, Carrier):
        raise TypeError("what its build() gives is no Carrier of voicecli.carriers.protocol")
    return carrier
