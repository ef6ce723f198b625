"""A call's journal for whoever watches the call."""

from collections.abc import Callable
from typing import Final

from pipelines.turn_taking.journal import Entry
from voicecli.recording.journal import encode

AT_ONCE: Final = 200
"""Entries a tick: encoding them takes 2 ms, so that catching up makes no frame late."""


class JournalStream:
    """Keeps the entries of one call, and gives them out while it is watched.

    Args:
        alter: takes out of an entry what nobody is to see.
    """

    def __init__(self, alter: Callable[[Entry], Entry] | None = None) -> None:
        self.watched = False
        self._alter = alter
        self._entries: list[Entry] = []
        self._given = 0

    def record(self, entry: Entry) -> None:
        """An entry was made."""
        self._entries.append(entry)

    def take(self, most: int = AT_ONCE) -> str:
        """The next lines of the journal that were not given out, each with its end."""
        if not self.watched:
            return ""
        entries = self._entries[self._given : self._given + most]
        self._given += len(entries)
        if self._alter is not None:
            entries = [self._alter(entry) for entry in entries]
        return "".join(f"{encode(entry)}\n" for entry in entries)
