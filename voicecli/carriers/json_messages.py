"""What codecs of JSON messages share: reads them from anybody, strictly, with a precise reason."""

import json
from typing import Any, Final

from voicecli.carriers.leg import LocalProtocolError, RemoteProtocolError, Wire

MAX_NAME: Final = 256
"""Characters of a name, an id or the like."""


def parse(text: Wire, limit: int, kind: str = "event") -> dict[str, Any]:
    """The object in a message of at most so many characters, whose `kind` is a text.

    Raises:
        RemoteProtocolError: it is none.
    """
    if not isinstance(text, str):
        raise RemoteProtocolError("a binary message; the protocol has text only")
    if len(text) > limit:
        raise RemoteProtocolError(f"a message of {len(text):,} characters; {limit:,} are allowed")
    try:
        row = json.loads(text)
    except (ValueError, RecursionError):
        raise RemoteProtocolError(f"not JSON: {shown(text)}") from None
    if "\\u" in text and not _is_unicode(row):
        raise RemoteProtocolError(f"half a character in {shown(text)}")
    if not isinstance(row, dict) or not isinstance(row.get(kind), str):
        raise RemoteProtocolError(f'not an object with an "{kind}": {shown(text)}')
    return row


def table(row: dict[str, Any], name: str) -> dict[str, Any]:
    """The object of that name in an event; RemoteProtocolError if it is none."""
    value = row.get(name)
    if not isinstance(value, dict):
        raise RemoteProtocolError(f'{row["event"]}: "{name}" is not an object')
    return value


def text_of(row: dict[str, Any], key: str, event: str) -> str:
    """A text of 1 to MAX_NAME characters; RemoteProtocolError, which names the event, if not."""
    value = row.get(key)
    if not isinstance(value, str) or not 0 < len(value) <= MAX_NAME:
        raise RemoteProtocolError(f'{event}: "{key}" is no text of 1 to {MAX_NAME} characters')
    return value


def mark_name(name: str) -> str:
    """The name, if a mark that we send may have it; else LocalProtocolError."""
    if not 0 < len(name) <= MAX_NAME:
        raise LocalProtocolError(f"mark: a name has 1 to {MAX_NAME} characters, not {len(name)}")
    return name


def shown(value: object) -> str:
    """A hostile value, short enough for a log and without control characters."""
    text = ascii(value)
    return text if len(text) <= 60 else text[:57] + "..."


def _is_unicode(row: Any) -> bool:
    """Whether all of its texts could be written: JSON may escape halves of characters."""
    try:
        json.dumps(row, ensure_ascii=False).encode()
    except (UnicodeEncodeError, RecursionError):
        return False
    return True
