"""What is known about a call's speech: labels.json; changes with what a label may say."""

import json
import math
import os
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from itertools import pairwise
from pathlib import Path
from typing import Any, Literal, TypeAlias, cast, get_args

from voicecli.errors import InputError

SCHEMA = "voicecli.labels/1"

Intent: TypeAlias = Literal["end_of_turn", "hold", "backchannel", "interruption", "noise"]
"""What a stretch of the caller's sound does: ends the turn, pauses within it, shows that the
caller listens, takes the floor from the agent, or is no speech at all."""
INTENTS: tuple[Intent, ...] = get_args(Intent)


@dataclass(frozen=True, slots=True)
class Cue:
    """When to play a turn in a live call: this long after the agent starts to speak."""

    after_agent_start_ms: int


@dataclass(frozen=True, slots=True)
class Turn:
    """One unbroken stretch of the caller's sound, in seconds of the recording.

    `intent` is None where nobody has judged it, as in automatic segments.
    """

    start_s: float
    end_s: float
    text: str = ""
    intent: Intent | None = None
    cue: Cue | None = None

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
        document: Any = json.loads(path.read_text(encoding="utf-8"))
    except OSError as error:
        raise InputError(f"{path} cannot be read: {error.strerror or error}.") from None
    except ValueError as error:  # JSON and UTF-8 errors are both
        raise InputError(f"{path} is not JSON: {error}.") from None
    if not isinstance(document, dict) or document.get("schema") != SCHEMA:
        raise InputError(f'{path} holds no labels: its "schema" must be "{SCHEMA}".')
    entries = document.get("turns")
    if not isinstance(entries, list):
        raise InputError(f'{path}: "turns" must be a list.')
    turns = tuple(_turn(entry, f"{path}: turn {index}") for index, entry in enumerate(entries))
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
    """Write labels so that `read_labels` gives them back, one turn a line."""
    turns = ",\n".join("  " + json.dumps(asdict(turn), ensure_ascii=False) for turn in labels.turns)
    head = f'{{"schema": "{SCHEMA}", "source": {json.dumps(labels.source, ensure_ascii=False)}'
    Path(path).write_text(f'{head}, "turns": [\n{turns}\n]}}\n', encoding="utf-8")


def _turn(entry: object, where: str) -> Turn:
    if not isinstance(entry, dict):
        raise InputError(f"{where} must be an object.")
    fields = cast("Mapping[str, Any]", entry)
    _known(fields, ("start_s", "end_s", "text", "intent", "cue"), where)
    start, end = (_seconds(fields, key, where) for key in ("start_s", "end_s"))
    if end <= start:
        raise InputError(f'{where}: "end_s" {end} is not after "start_s" {start}.')
    text, intent = fields.get("text", ""), fields.get("intent")
    if not isinstance(text, str):
        raise InputError(f'{where}: "text" must be text.')
    if intent is not None and intent not in INTENTS:
        raise InputError(f'{where}: "intent" {intent!r} is none of {", ".join(INTENTS)}.')
    return Turn(start, end, text, intent, _cue(fields.get("cue"), where))


def _cue(entry: object, where: str) -> Cue | None:
    if entry is None:
        return None
    if not isinstance(entry, dict):
        raise InputError(f'{where}: "cue" must be an object or null.')
    fields = cast("Mapping[str, Any]", entry)
    _known(fields, ("after_agent_start_ms",), f"{where}, cue")
    after = fields.get("after_agent_start_ms")
    if not isinstance(after, int) or isinstance(after, bool) or after < 0:
        raise InputError(f'{where}: "after_agent_start_ms" must be a whole number, 0 or more.')
    return Cue(after)


def _known(fields: Mapping[str, Any], keys: Sequence[str], where: str) -> None:
    for key in fields:
        if key not in keys:
            raise InputError(f'{where}: there is no key "{key}"; the keys are {", ".join(keys)}.')


def _seconds(fields: Mapping[str, Any], key: str, where: str) -> float:
    value: object = fields.get(key)
    if isinstance(value, bool) or not isinstance(value, int | float) or not 0 <= value < math.inf:
        raise InputError(f'{where}: "{key}" must be a number of seconds, 0 or more.')
    return float(value)
