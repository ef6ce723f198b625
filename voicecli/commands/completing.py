"""What a shell offers after TAB where a profile, a phone line, a call or a model is to be named.

Files are offered besides by the shell itself. Nothing here may fail or print: it runs while a
command line is typed.
"""

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterable

# Imports stand inside the functions: every verb registers this module and must stay fast.
# ruff: noqa: PLC0415


def profiles(typed: str) -> list[str]:
    """Profiles that ship."""
    from voicecli.profile import shipped_profiles

    return _beginning(typed, shipped_profiles())


def lines(typed: str) -> list[str]:
    """Phone lines that ship."""
    from telephony_sim.spec import line_names

    return _beginning(typed, line_names())


def calls(typed: str) -> list[str]:
    """Recordings that ship."""
    from voicecli.shipped import RECORDINGS

    return _beginning(typed, (path.parent.name for path in RECORDINGS.glob("*/call.toml")))


def models(typed: str) -> list[str]:
    """Models and sets of models."""
    from voicecli.errors import VoicecliError
    from voicecli.models.registry import load_registry

    try:
        registry = load_registry()
    except VoicecliError:  # the user's own registry is wrong; any command that reads it says so
        return []
    return _beginning(typed, (*registry.models, *registry.sets))


def _beginning(typed: str, names: "Iterable[str]") -> list[str]:
    return sorted(name for name in names if name.startswith(typed))
