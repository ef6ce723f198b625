"""What is known about a call's speech: labels.json."""

import json
import math
import os
from dataclasses import asdict, dataclass, field
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast

from pipelines.engines.text_file import decode
from pipelines.turn_taking.time import MILLISECOND, Nanos
from telephony_sim.dtmf import KEYS
from voicecli.errors import InputError
from voicecli.foreign import to_json
from voicecli.private import draft_of
from voicecli.recording.journal import storing
from voicecli.toml_schema import Place, build

SCHEMA = "voicecli.labels/1"

NEAR: Nanos = 300 * MILLISECOND
"""Labels and what a voice activity detector finds may differ by this much."""

Intent: TypeAlias = Literal["end_of_turn", "hold", "backchannel", "interruption", "noise"]
"""What a stretch of the caller's sound does: ends the turn, pauses within it, shows that the
caller listens, takes the floor from the agent, or is no speech at all."""


_MOST_BYTES = 1 << 24
_MOST_TURNS = 10_000
_LONGEST_TEXT = 200_000
_SECONDS = {"range": (0, 86_400)}


def check_keys(keys: str) -> None:
    """Raise ValueError unless all of them are keys of a phone."""
    if wrong := "".join(sorted(set(keys) - set(KEYS))):
        raise ValueError(f"a phone has no key {wrong[0]!r}; it has 0-9, *, #, A-D")


@dataclass(frozen=True, slots=True)
class Cue:
    """When to play a turn in a live call: this long after the agent starts to speak."""

    after_agent_start_ms: int = field(metadata={"range": (0, 600_000)})


@dataclass(frozen=True, slots=True)
class Turn:
    """One unbroken stretch of the caller's sound, in seconds of the recording.

    `intent` is None where nobody has judged it, as in automatic segments. Raises ValueError if it
    ends before it starts.
    """

    start_s: float = field(metadata=_SECONDS)
    end_s: float = field(metadata=_SECONDS)
    text: str = ""
    intent: Intent | None = None
    cue: Cue | None = None
    keys: str = ""
    """Keys of the phone that are pressed when it has been played."""

    def __post_init__(self) -> None:
        check_keys(self.keys)
        if len(self.text) > _LONGEST_TEXT:
            raise ValueError(f"text is longer than {_LONGEST_TEXT:,} characters")
        if self.end_s <= self.start_s:
            raise ValueError(f"end_s {self.end_s} is not after start_s {self.start_s}")

    @property
    def takes_floor(self) -> bool:
        """Whether the caller claims the conversation by it; a backchannel or a cough does not."""
        return self.intent not in ("backchannel", "noise")


@dataclass(frozen=True, slots=True)
class Labels:
    """The turns of one call, in order and without overlap, and where they come from."""

    turns: tuple[Turn, ...]
    source: str = ""


def read_labels(path: str | os.PathLike[str], duration_s: float = math.inf) -> Labels:
    """The labels in a file; InputError names the file, the entry and the key that is wrong.

    `duration_s` is the length of the audio that they describe: no turn may end after it.
    """
    path = Path(path)
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise InputError(f"{path} is larger than the labels of any call.")
        document: Any = json.loads(decode(path.read_bytes()))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except RecursionError:
        raise InputError(f"{path} is not JSON: it is nested too deep.") from None
    except ValueError as error:  # JSON and encoding errors are both
        raise InputError(f"{path} is not JSON: {error}.") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f'{path} holds no labels: its "schema" must be "{SCHEMA}".')
    entries = document.get("turns")
    if not isinstance(entries, list):
        raise InputError(f'{path}: "turns" must be a list.')
    if len(entries) > _MOST_TURNS:
        raise InputError(f"{path} has more turns than any call ({_MOST_TURNS:,}).")
    turns = tuple(_turn(entry, f"turn {index}", path) for index, entry in enumerate(entries))
    for index, (earlier, later) in enumerate(pairwise(turns), 1):
        if later.start_s < earlier.end_s:
            raise InputError(f"{path}: turn {index} starts before turn {index - 1} has ended.")
    if turns and turns[-1].end_s > duration_s + 0.1:
        raise InputError(
            f"{path}: turn {len(turns) - 1} ends at {turns[-1].end_s} s, "
            f"but the audio lasts {duration_s:.1f} s."
        )
    return Labels(turns, str(document.get("source", "")))


def write_labels(path: str | os.PathLike[str], labels: Labels) -> None:
    """Write labels so that `read_labels` gives them back, one turn a line; StorageError."""
    rows = ({k: v for k, v in asdict(turn).items() if k != "keys" or v} for turn in labels.turns)
    turns = ",\n".join("  " + to_json(row) for row in rows)
    head = f'{{"schema": "{SCHEMA}", "source": {to_json(labels.source)}'
    with storing(Path(path)), draft_of(Path(path)) as file:
        file.write(f'{head}, "turns": [\n{turns}\n]}}\n'.encode())


def _turn(entry: object, name: str, path: Path) -> Turn:
    if isinstance(entry, dict):  # as in TOML, what is not there is not null but absent
        fields = cast("dict[str, Any]", entry)
        entry = {key: value for key, value in fields.items() if value is not None}
    return build(Turn, entry, Place(str(path), InputError, name))
