"""What a profile may say of tools; changes with the keys of its table [tools]."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Literal


@dataclass(frozen=True, slots=True)
class ToolsChoice:
    """Keys of the table; `tools = "my_tools.py"` is short for its `file`."""

    file: str = ""
    """Python file of functions marked with @tool; relative to the profile."""
    builtin: tuple[Literal["end_call", "transfer_call", "send_dtmf"], ...] = ()
    """Tools that come with voicecli."""
    transfer_to: Mapping[str, str] = field(default_factory=dict)
    """For transfer_call: who can be reached, and under which number."""
    settings: Mapping[str, str | int | float | bool] = field(default_factory=dict)
    """Given to the file's function `setup` before any call."""
