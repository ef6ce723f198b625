"""What a call's journal is made of: every event and command, with the moment of each."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import TypeAlias

from pipelines.turn_taking.commands import Command
from pipelines.turn_taking.events import Event
from pipelines.turn_taking.time import Nanos


@dataclass(frozen=True, slots=True)
class Issued:
    """A command and the moment of the event that caused it."""

    at: Nanos
    command: Command


Entry: TypeAlias = Event | Issued
Journal: TypeAlias = Iterable[Entry]
"""Entries in order: each event is followed by the commands it caused."""
