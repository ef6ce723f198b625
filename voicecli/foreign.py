"""The door between text from elsewhere and whoever shows it: a terminal, a log, a report, a page.

Callers, models, services, files and their names decide what such text says, never what a terminal
does: its control characters, and those that turn the direction of what follows, are shown as �.
"""

import json
import re
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Final

_SIGN: Final = "\N{REPLACEMENT CHARACTER}"
_UNFIT: Final = re.compile(
    "[\0-\x08\x0b-\x1f\x7f-\x9f"  # C0 and C1 controls, but for tab and new line
    "\u061c\u180e\u200b\u200e\u200f\u2028-\u202e\u2060-\u206f\ufeff\ufff9-\uffff"  # direction, gaps
    "\ud800-\udfff\U000e0000-\U000e007f]"  # halves of characters, tags
)
_BREAKS: Final = re.compile("[\t\n\v\f\r\x85\u2028\u2029]")


def visible(text: str) -> str:
    """The text without anything that a terminal obeys; its lines stay. XML can hold it, too."""
    return text if text.isprintable() else _UNFIT.sub(_SIGN, text)


def one_line(text: object) -> str:
    """The same on one line, so that a part of it cannot pass for a line of ours."""
    shown = str(text)
    return shown if shown.isprintable() else _UNFIT.sub(_SIGN, _BREAKS.sub(" ", shown))


def named_path(name: str) -> Path:
    """The path of that name, from a home folder on where it begins with ~ and there is one."""
    try:
        return Path(name).expanduser()
    except RuntimeError:
        return Path(name)


def to_json(
    value: object, *, indent: int | None = None, default: Callable[[Any], Any] | None = None
) -> str:
    """JSON that may be shown: what `visible` takes out is an escape in it, so nothing is lost."""
    return escaped(json.dumps(value, indent=indent, ensure_ascii=False, default=default))


def escaped(document: str) -> str:
    """A JSON document in which characters that a terminal obeys, all in texts, are escapes."""
    if document.isprintable():
        return document
    return _UNFIT.sub(lambda found: json.dumps(found[0])[1:-1], document)


def to_toml(value: object) -> str:
    """A text, number, truth or list as TOML writes it; likewise."""
    document = json.dumps(value, ensure_ascii=False)
    return _UNFIT.sub(lambda found: f"\\U{ord(found[0]):08x}", document)


def say(text: object, *, error: bool = False) -> None:
    """Print one line, at once."""
    print(one_line(text), file=sys.stderr if error else sys.stdout, flush=True)
