"""Remembers where a borrowed number sent its calls before.

It is noted on disk, too: a server that was killed could put nothing back, and the next one would
otherwise take the dead address for the old one.
"""

import fcntl
import json
import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any, Protocol

from voicecli.paths import home
from voicecli.private import make_folder
from voicecli.recording.journal import storing
from voicecli.report.json_report import write_whole


@dataclass(frozen=True, slots=True)
class Webhook:
    """Where a number sends its calls."""

    number: str
    number_sid: str
    url: str
    method: str
    application_sid: str = ""
    """Of a TwiML app: then its address counts, and not `url`."""

    @property
    def target(self) -> str:
        """As one would enter it in the console."""
        if self.application_sid:
            return f"TwiML App {self.application_sid}"
        return f"{self.url or '(empty)'} {self.method}"


class Numbers(Protocol):
    """The part of an account that is needed."""

    def webhook(self, number: str | None) -> Webhook:
        """Where a number sends its calls."""
        ...

    def point(self, webhook: Webhook) -> None:
        """Send them there."""
        ...


class WebhookLease:
    """A number whose calls come to `url` until it is given back."""

    def __init__(self, account: Numbers, webhook: Webhook, url: str) -> None:
        self.number = webhook.number
        self.webhook = webhook
        """Where its calls went."""
        self.before = webhook.target
        self.by_hand = (
            f"Twilio console, Phone Numbers, {self.number}, A call comes in: {self.before}"
        )
        self._account = account
        self._url = url

    def give_back(self) -> bool:
        """Send its calls there again; False if somebody has changed it meanwhile.

        Raises:
            TwilioError: it did not work.
        """
        ours = self._account.webhook(self.number).url == self._url
        if ours:
            self._account.point(self.webhook)
        _note(self.number, None)
        return ours


def borrow(account: Numbers, number: str | None, url: str) -> WebhookLease:
    """Send a number's calls to `url`.

    Raises:
        TwilioError: Twilio refuses or is out of reach.
        StorageError: the old webhook cannot be noted, and so was not changed.
    """
    found = account.webhook(number)
    noted = _noted().get(found.number, {})
    before = Webhook(**noted["before"]) if noted.get("ours") == found.url else found
    _note(found.number, {"ours": url, "before": asdict(before)})
    account.point(replace(found, url=url, method="POST", application_sid=""))
    return WebhookLease(account, before, url)


def _file() -> Path:
    return home() / "borrowed_numbers.json"


def _noted() -> dict[str, Any]:
    with suppress(OSError, ValueError):
        return dict(json.loads(_file().read_text(encoding="utf-8")))
    return {}


def _note(number: str, row: dict[str, Any] | None) -> None:
    path = _file()
    with _alone(path):
        rows = {**_noted(), number: row}
        kept = {key: value for key, value in rows.items() if value is not None}
        # Half of it would lose the old webhook.
        write_whole(path, json.dumps(kept, indent=1) + "\n")


@contextmanager
def _alone(path: Path) -> Iterator[None]:
    """Servers of other numbers note theirs in the same file: one after the other."""
    with storing(path):
        make_folder(path.parent)
        lock = os.open(path.with_suffix(".lock"), os.O_CREAT | os.O_RDWR, 0o600)
    try:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield
    finally:
        os.close(lock)
