"""How the server's log looks, and what never gets into it; changes with its format."""

import json
import logging
import os
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final

from voicecli.signals import silence

_SECRETS: Final = ("TWILIO_AUTH_TOKEN", "NGROK_AUTHTOKEN", "TWILIO_API_KEY_SECRET")
_STANDARD: Final = frozenset(vars(logging.makeLogRecord({}))) | {"message", "asctime"}


def set_up_logs(write: Callable[[str], None], *, as_json: bool) -> None:
    """Send the log to `write`, a line at a time: for people, or one JSON object each."""
    handler = _LineHandler(write)
    handler.setFormatter(_JsonFormatter() if as_json else _PlainFormatter())
    logger = logging.getLogger("voicecli.serve")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
    for name in ("uvicorn.error", "asyncio"):  # only what is wrong; a request is no news
        other = logging.getLogger(name)
        other.handlers, other.propagate = [handler], False
        other.setLevel(logging.ERROR)


def without_secrets(text: str) -> str:
    """The text with the values of secret variables blacked out."""
    for name in _SECRETS:
        if value := os.environ.get(name):
            text = text.replace(value, f"[{name}]")
    return text


class _LineHandler(logging.Handler):
    def __init__(self, write: Callable[[str], None]) -> None:
        super().__init__()
        self._write = write

    def emit(self, record: logging.LogRecord) -> None:
        self._write(without_secrets(self.format(record)))


def say(line: str) -> None:
    """Print a line; if nobody reads any more, that ends the log, and not the server."""
    try:
        print(line, flush=True)
    except OSError:
        silence(1)


def _extras(record: logging.LogRecord) -> dict[str, object]:
    return {key: value for key, value in vars(record).items() if key not in _STANDARD}


class _PlainFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created).astimezone().strftime("%H:%M:%S")
        level = "" if record.levelno <= logging.INFO else f"{record.levelname.lower()}: "
        extras = "  ".join(f"{key}={value}" for key, value in _extras(record).items())
        text = f"{moment}  {level}{record.getMessage()}"
        return f"{text}  {extras}" if extras else text


class _JsonFormatter(logging.Formatter):
    def format(self, record: logging.LogRecord) -> str:
        moment = datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds")
        row = {"at": moment, "level": record.levelname.lower(), "message": record.getMessage()}
        if record.exc_info:
            row["exception"] = self.formatException(record.exc_info)
        return json.dumps({**row, **_extras(record)}, ensure_ascii=False, default=str)
