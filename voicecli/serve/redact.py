"""Takes digits and e-mail addresses out of a journal; changes with what may not be stored."""

import dataclasses
import re
from typing import Any, Final

from pipelines.turn_taking.events import DtmfReceived, ReplyTextReceived
from pipelines.turn_taking.journal import Entry
from pipelines.turn_taking.reasons import Reason

_EMAIL: Final = re.compile(r"[\w.+-]+\s?(?:@|\bat\b)\s?[\w-]+(?:\s?(?:\.|\bdot\b)\s?\w+)+", re.I)
_DIGIT: Final = r"(?:zero|oh|one|two|three|four|five|six|seven|eight|nine|double|triple)"
# Two in a row: a caller who spells a number out. A single "one" is not a secret.
_SPELLED: Final = re.compile(rf"\b{_DIGIT}(?:[\s,.-]+{_DIGIT})+\b", re.I)


def redact_text(text: str) -> str:
    """The text with `#` for each digit and `[e-mail]` for addresses, also when spelled out."""
    text = _EMAIL.sub("[e-mail]", text)
    text = _SPELLED.sub(lambda found: re.sub(r"\w+", "#", found[0]), text)
    return re.sub(r"\d", "#", text)


def redact(entry: Entry) -> Entry:
    """An entry with every text in it redacted; numbers of the journal itself stay."""
    if isinstance(entry, DtmfReceived):
        return dataclasses.replace(entry, digit="#")
    if isinstance(entry, ReplyTextReceived):
        # A secret may be spread over several pieces: only their length is kept.
        return dataclasses.replace(entry, text=re.sub(r"\w", "x", entry.text))
    return _redacted(entry)


def _redacted(value: Any) -> Any:
    if isinstance(value, str):
        return redact_text(value)
    if isinstance(value, tuple):
        return tuple(_redacted(item) for item in value)
    if isinstance(value, Reason):
        return Reason(value.rule, {key: _redacted(item) for key, item in value.numbers.items()})
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        changed = {
            field.name: _redacted(getattr(value, field.name)) for field in dataclasses.fields(value)
        }
        return dataclasses.replace(value, **changed)
    return value
