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
    packages = " and ".join(map(_package, found))
    if len(found) > 1:
        raise UsageError(f"the carrier {name} is offered by {packages}: uninstall all but one.")
    return _plugged_in(found[0], packages)


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


def _package(found: EntryPoint) -> str:
    return f"{found.dist.name} {found.dist.version}" if found.dist else found.value


def _plugged_in(found: EntryPoint, package: str) -> Carrier:
    try:
        return _checked(found.load().build())
    except (Exception, SystemExit) as error:
        what = f"{type(error).__name__}: {error}".splitlines()[0]
        raise UsageError(
            f"the carrier {found.name} of the package {package} cannot be used: {what}."
        ) from error


def _checked(carrier: object) -> Carrier:
    if not isinstance(carrier, Carrier):
        raise TypeError("what its build() gives is no Carrier of voicecli.carriers.protocol")
    return carrier
