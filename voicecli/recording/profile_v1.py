"""Reads the profile beside a recorded call where it has keys that others have replaced since.

A user's own file is refused with what to write instead; a recording cannot be asked to change.
"""

from pathlib import Path
from typing import Any, Final

from voicecli.recording.files import JOURNAL

_REPLACED: Final = {"interrupt_after_ms": 700, "words_after_ms": 600, "min_words": 2}
"""Keys of [policy.barge_in] that said who interrupts, and their defaults."""


def upgrade(tables: dict[str, Any], path: Path) -> None:
    """Give such keys of the file `path` their present form, if it lies beside a journal."""
    policy = tables.get("policy")
    table = policy.get("barge_in") if isinstance(policy, dict) else None
    if not isinstance(table, dict) or not path.with_name(JOURNAL).is_file():
        return
    before = {name: table.get(name, value) for name, value in _REPLACED.items()}
    if table.keys().isdisjoint(_REPLACED) or not all(type(v) is int for v in before.values()):
        return
    sound, words = before["interrupt_after_ms"], before["words_after_ms"]
    words = min(words, sound)
    table["interrupt_after_ms"] = {
        "cue": 0,
        "words": words,
        "word": words if before["min_words"] <= 1 else sound,
        "sound": sound,
        "backchannel": 2 * sound,
    }
    for name in before.keys() - {"interrupt_after_ms"}:
        table.pop(name, None)
