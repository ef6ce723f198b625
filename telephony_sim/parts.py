"""The contract between a phone line and the parts it is made of, and how they are found.

A part is one file; its file name is its name in TOML. The file offers a frozen dataclass
`Settings`, whose fields are the TOML keys, and `build(settings, rng)`. Nothing is registered.
"""

from __future__ import annotations

import pkgutil
from importlib import import_module
from typing import Any, Protocol, cast

import numpy as np

from telephony_sim.errors import UnknownNameError

KINDS = {
    "codecs": "codec",
    "concealments": "concealment",
    "degradations": "degradation",
    "jitter_buffers": "jitter buffer",
}


class PartModule(Protocol):
    """What each file in a folder of parts offers."""

    Settings: type[Any]

    def build(self, settings: Any, rng: np.random.Generator, /) -> Any:
        """A fresh part; every random number it will ever use comes from `rng`."""
        ...


def names(kind: str) -> list[str]:
    """The parts of one kind (a key of KINDS), by file name."""
    package = import_module(f"telephony_sim.{kind}")
    return sorted(m.name for m in pkgutil.iter_modules(package.__path__))


def load(kind: str, name: str) -> PartModule:
    """The module of one part; UnknownNameError names those that exist."""
    known = names(kind)
    if name not in known:
        raise UnknownNameError(f"there is no {KINDS[kind]} {name!r}; there are: {', '.join(known)}")
    return cast("PartModule", import_module(f"telephony_sim.{kind}.{name}"))
