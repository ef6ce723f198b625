"""voicecli: talk to a phone voice agent, replay calls through it, put it on a number.

These names are its Python interface (docs/how-to/python.md); each is loaded when it is first used:

    from voicecli import Agent, VoicecliError, load_profile, replay, tool
"""

import importlib
from typing import TYPE_CHECKING, Any, Final

import pipelines  # noqa: F401 - first of all: it silences what would report to its maker

if TYPE_CHECKING:
    from voicecli.api import Results as Results
    from voicecli.api import replay as replay
    from voicecli.errors import VoicecliError as VoicecliError
    from voicecli.profile import Profile as Profile
    from voicecli.profile import load_profile as load_profile
    from voicecli.tools.agent import Agent as Agent
    from voicecli.tools.declare import this_call as this_call
    from voicecli.tools.declare import tool as tool

_HOMES: Final = {
    "Agent": "voicecli.tools.agent",
    "Profile": "voicecli.profile",
    "Results": "voicecli.api",
    "VoicecliError": "voicecli.errors",
    "load_profile": "voicecli.profile",
    "replay": "voicecli.api",
    "this_call": "voicecli.tools.declare",
    "tool": "voicecli.tools.declare",
}

__all__ = [
    "Agent",
    "Profile",
    "Results",
    "VoicecliError",
    "load_profile",
    "replay",
    "this_call",
    "tool",
]


def __getattr__(name: str) -> Any:
    if name not in _HOMES:
        raise AttributeError(f"module 'voicecli' has no attribute {name!r}")
    return getattr(importlib.import_module(_HOMES[name]), name)


def __dir__() -> list[str]:
    return sorted({*globals(), *_HOMES})
