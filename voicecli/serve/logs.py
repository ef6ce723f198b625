"""How the server's log looks, and what never gets into it."""

import json
import logging
import os
import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from typing import Final
from urllib.parse import quote, quote_plus

from voicecli import foreign
from voicecli.errors import StorageError
from voicecli.foreign import one_line, to_json
from voicecli.output import give_up_output
from voicecli.serve.environment import is_secret

_LONGEST: Final = 500
"""Characters of a value that are logged: a caller's end chooses some of them."""
_LOGGERS: Final = ("voicecli.serve", "uvicorn.error", "asyncio")
_LINES: Final = 20
"""Warnings of one kind in a minute."""
_MINUTE_S: Final = 60.0
_SHORTEST: Final = 6
"""Characters of a secret: what is shorter is none, and would black out words."""
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def set_up_logs(write: Callable[[str], None], *, as_json: bool) -> None:
    """Send the log to `write`, a line at a time: for people, or one JSON object each."""
    handler = _LineHandler(write)
    handler.setFormatter(_JsonFormatter() if as_json else _PlainFormatter())
    logger = logging.getLogger("voicecli.serve")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for name in _LOGGERS[1:]:  # only what is wrong; a request is no news
        other = logging.getLogger(name)
        other.handlers, other.propagate = [handler], False
        other.setLevel(logging.ERROR)


def _secrets() -> list[tuple[re.Pattern[str], str]]:
    """Values of secret variables, also as a URL or JSON has them, and what is logged instead."""
    return [
        (re.compile(re.escape(form), re.IGNORECASE), f"[{name}]")
        for name in filter(_is_told, os.environ)
        for form in _forms(os.environ[name])
    ]


@contextmanager
def few_lines(count: Callable[[], None]) -> Iterator[None]:
    """Keep whoever can cause a warning from filling the disk with it; `count` those left out."""
    calm = _FewLines(count)
    loggers = [logging.getLogger(name) for name in _LOGGERS]
    for logger in loggers:
        logger.addFilter(calm)
    try:
        yield
    finally:
        for logger in loggers:
            logger.removeFilter(calm)


class _FewLines(logging.Filter):
    """Warnings and errors are of one kind if the same line of code logs them."""

    def __init__(self, count: Callable[[], None]) -> None:
        super().__init__()
        self._count = count
        self._minutes: dict[tuple[str, int], tuple[float, int]] = {}
        """When the minute of each kind began, and how many came in it."""

    def filter(self, record: logging.LogRecord) -> bool:
        if record.levelno < logging.WARNING:
            return True
        kind = record.pathname, record.lineno
        began, number = self._minutes.get(kind, (-_MINUTE_S, 0))
        if record.created >= began + _MINUTE_S:
            if number > _LINES:
                record.unlogged_before = number - _LINES
            began, number = record.created, 0
        self._minutes[kind] = began, number + 1
        if number >= _LINES:
            self._count()
            return False
        return True


def _is_told(name: str) -> bool:
    return is_secret(name) and not name.endswith("_SID")


def _forms(value: str) -> list[str]:
    """How a value may be written, the longest first: it is used without the blanks around it."""
    bare = value.strip()
    if len(bare) < _SHORTEST:
        return []
    quoted = (quote(bare, safe="", errors="replace"), quote(bare, errors="replace"))
    forms = {bare, *quoted, quote_plus(bare, errors="replace"), json.dumps(bare)[1:-1]}
    forms |= {repr(bare)[1:-1]}
    forms |= {json.dumps(form, ensure_ascii=False)[1:-1] for form in forms}  # a line of JSON
    return sorted(forms, key=len, reverse=True)


class _LineHandler(logging.Handler):
    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write
        self._secrets = _secrets()

    def emit(self, record: logging.LogRecord) -> None:
        line = self.format(record)
        for secret, instead in self._secrets:
            line = secret.sub(instead, line)
        self._write(line)


def say(line: str) -> None:
    """Print a line; if nobody reads any more, that ends the log, and not the server."""
    try:
        foreign.say(line)
    except (OSError, StorageError, SystemExit):
        give_up_output()


def _extras(record: logging.LogRecord) -> dict[str, object]:
    found = {key: value for key, value in vars(record).items() if key not in _STANDARD}
    return {k: v[:_LONGEST] if isinstance(v, str) else v for k, v in found.items()}


class _PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        extras = "  ".join(f"{key}={value}" for key, value in _extras(record).items())
        text = f"{moment}  {level}{record.getMessage()}"
        return one_line(f"{text}  {extras}" if extras else text)


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        row = {"at": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            row["exception"] = self.formatException(record.exc_info)
        return to_json({**row, **_extras(record)}, default=str)
