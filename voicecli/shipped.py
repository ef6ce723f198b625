"""Where the files are that come with voicecli: its profiles and its recorded calls."""

from pathlib import Path
from typing import Final


def _folder(name: str) -> Path:
    """A folder of data: inside this package where a wheel was installed, else in the checkout."""
    package = Path(__file__).resolve().parent
    return package / name if (package / name).is_dir() else package.parent / name


PROFILES: Final = _folder("profiles")
"""TOML files of agents, with the tools and rules that they name."""
RECORDINGS: Final = _folder("recordings")
"""Recorded callers, a folder each."""
