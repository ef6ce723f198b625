"""Loads a part that other installed packages offer by entry points: an engine, a carrier."""

from collections.abc import Callable, Sequence
from importlib.metadata import EntryPoint
from typing import Any, TypeVar

T = TypeVar("T")


class BrokenPlugInError(LookupError):
    """A part of another installed package cannot be used; names the package and says why."""


def package_of(found: EntryPoint) -> str:
    """The package that offers it, and its version."""
    return f"{found.dist.name} {found.dist.version}" if found.dist else found.value


def load_plug_in(what: str, found: Sequence[EntryPoint], use: Callable[[Any], T]) -> T:
    """The part that is offered by one of these, which all have the same name.

    Args:
        what: what is looked for, for messages: `the carrier x`.
        found: one or more.
        use: makes the part of what the entry point names, or raises.

    Raises:
        BrokenPlugInError: several packages offer it, or it breaks down.
    """
    packages = " and ".join(map(package_of, found))
    if len(found) > 1:
        raise BrokenPlugInError(f"{what} is offered by {packages}: uninstall all but one")
    try:
        return use(found[0].load())
    except (Exception, SystemExit) as error:
        why = f"{type(error).__name__}: {error}".splitlines()[0]
        raise BrokenPlugInError(
            f"{what} of the package {packages} cannot be used: {why}"
        ) from error
