"""Reads the profile beside a recorded call where it has keys that others have replaced since.

A user's own file is refused with what to write instead; a recording cannot be asked to change.
"""

import dataclasses
from pathlib import Path
from typing import Any, Final, get_type_hints

from pipelines.turn_taking.policy import Policy
from voicecli.recording.files import JOURNAL

_REPLACED: Final = {"interrupt_after_ms": 700, "words_after_ms": 600, "min_words": 2}
"""Keys of [policy.barge_in] that said who interrupts, and their defaults."""


def upgrade(tables: dict[str, Any], path: Path) -> None:
    """Give such keys of the file `path` their present form, if it lies beside a journal."""
    policy = tables.get("policy")
    if not isinstance(policy, dict) or not path.with_name(JOURNAL).is_file():
        return
    for field in dataclasses.fields(Policy):
        if isinstance(table := policy.get(field.name), dict):
            _rename(get_type_hints(Policy)[field.name], table)
    table = policy.get("barge_in")
    if not isinstance(table, dict):
        return
    before = {name: table.get(name, value) for name, value in _REPLACED.items()}
    if table.keys().isdisjoint(_REPLACED) or not all(type(v) is int for v in before.values()):
        return
    sound, words = before["interrupt_after_ms"], before["words_after_ms"]
    words = min(words, sound)
    table["interrupt_after_ms"] = {
        "phrase": 0,
        "words": words,
        "word": words if before["min_words"] <= 1 else sound,
        "sound": sound,
        "backchannel": 2 * sound,
    }
    for name in before.keys() - {"interrupt_after_ms"}:
        table.pop(name, None)


def _rename(cls: type, table: dict[str, Any]) -> None:
    """Give keys of a table that only have another name now that name, in tables within it too."""
    for old, new in getattr(cls, "replaced", {}).items():
        if new.isidentifier() and old in table:
            table.setdefault(new, table.pop(old))
    for field in dataclasses.fields(cls):
        within = table.get(field.name)
        if dataclasses.is_dataclass(field.default) and isinstance(within, dict):
            _rename(type(field.default), within)
