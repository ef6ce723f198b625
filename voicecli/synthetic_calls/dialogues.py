"""Reads written dialogues and splits them.

A folder of `*.jsonl.gz`, one turn a line in the order of the call: `dialogue` (its name), `index`,
`speaker` (caller or agent), `text`.
"""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal, TypeAlias

from voicecli.errors import InputError

Split: TypeAlias = Literal["train", "dev", "test"]
Speaker: TypeAlias = Literal["caller", "agent"]
_SPLIT_SEED = "turn-model-1"


@dataclass(frozen=True, slots=True)
class Turn:
    """One turn of the caller and what the agent said before it (empty at a call's start)."""

    dialogue: str
    index: int
    agent: str
    caller: str


def split_of(dialogue: str) -> Split:
    """The split a dialogue belongs to for ever: 80 / 10 / 10 by a hash of its name."""
    digest = hashlib.sha256(f"{_SPLIT_SEED}:{dialogue}".encode()).digest()
    tenth = int.from_bytes(digest[:4]) % 10
    return "test" if tenth == 0 else "dev" if tenth == 1 else "train"


def read_turns(folder: Path, split: Split, speaker: Speaker = "caller") -> list[Turn]:
    """All turns of a split by one speaker, in the order of the files.

    With `speaker="agent"` the roles are exchanged: the agent's words stand in `caller`, as those of
    somebody whose turn is to be judged.

    Raises:
        InputError: the folder holds no dialogue files, or one is damaged.
    """
    files = sorted(folder.glob("*.jsonl.gz"))
    if not files:
        raise InputError(f"{folder} holds no dialogues (*.jsonl.gz, one turn a line).")
    return [
        turn for file in files for turn in _turns(file, speaker) if split_of(turn.dialogue) == split
    ]


def _turns(file: Path, speaker: Speaker) -> Iterator[Turn]:
    previous: dict[str, str] | None = None
    try:
        with gzip.open(file, "rt", encoding="utf-8") as lines:
            for line in lines:
                record = json.loads(line)
                follows = previous is not None and previous["dialogue"] == record["dialogue"]
                if record["speaker"] == speaker and record["text"].strip():
                    before = previous["text"] if previous is not None and follows else ""
                    yield Turn(record["dialogue"], record["index"], before, record["text"])
                previous = record
    except (OSError, EOFError, KeyError, TypeError, ValueError) as error:
        raise InputError(f"{file} is no file of dialogues: {error!r}.") from None
