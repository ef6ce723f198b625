"""Reads the dialogue text and splits it; changes with the form of that data."""

import gzip
import hashlib
import json
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

Split = Literal["train", "dev", "test"]
DEFAULT_FOLDER = Path("../shared/data/dialogue_turns")
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


def read_turns(folder: Path, split: Split) -> list[Turn]:
    """All caller turns of a split, in the order of the files.

    Raises:
        FileNotFoundError: the folder holds no dialogue files.
    """
    files = sorted(folder.glob("*.jsonl.gz"))
    if not files:
        raise FileNotFoundError(f"no *.jsonl.gz in {folder}; name the folder with --data")
    return [turn for file in files for turn in _turns(file) if split_of(turn.dialogue) == split]


def _turns(file: Path) -> Iterator[Turn]:
    previous: dict[str, str] | None = None
    with gzip.open(file, "rt", encoding="utf-8") as lines:
        for line in lines:
            record = json.loads(line)
            follows = previous is not None and previous["dialogue"] == record["dialogue"]
            if record["speaker"] == "caller" and record["text"].strip():
                agent = previous["text"] if previous is not None and follows else ""
                yield Turn(record["dialogue"], record["index"], agent, record["text"])
            previous = record
