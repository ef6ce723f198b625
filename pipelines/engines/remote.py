"""What all engines on other machines share: addresses, keys, errors.

A key comes from the environment and goes into a request's header, nowhere else: not into settings,
messages, journals or logs.
"""

from __future__ import annotations

import logging
import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING
from urllib.parse import parse_qs, urlsplit

if TYPE_CHECKING:
    from collections.abc import Callable

    from pipelines.engines.registry import Context

KEYLESS_LOG = logging.getLogger("voicecli.sockets")
"""For websockets, which writes the headers of its handshakes, the key too, into its debug log."""
KEYLESS_LOG.setLevel(logging.INFO)
RETRY_STATUSES = frozenset({408, 409, 425, 429, 500, 502, 503, 504})
FAULT_STATUSES = frozenset({400, 422})
EXCERPT = 160


class RemoteError(RuntimeError):
    """A service did not do what it was asked; the message holds no key."""

    def __init__(self, message: str, *, passing: bool, objection: str = "") -> None:
        """Of these, only the message is for people.

        Args:
            message: one sentence.
            passing: the same request may well succeed a moment later.
            objection: what a service wrote that found fault with the request itself.
        """
        super().__init__(message)
        self.passing = passing
        self.objection = objection


@dataclass(frozen=True, slots=True)
class Service:
    """An address and the key for it."""

    url: str
    key_variable: str
    """Environment variable that holds the key; empty: the service needs none."""
    key: str = field(repr=False, default="")
    version: str = ""
    """The version of its interface that each request must name, as Azure has it."""

    @property
    def name(self) -> str:
        """What to call it in messages: its host and port."""
        return urlsplit(self.url).netloc or self.url

    def refused(self, status: int, body: str = "") -> RemoteError:
        """The error for an HTTP status that is no success; `body` is what came with it."""
        if status in {401, 403}:
            # Some services repeat the key in what they say about it: that is not passed on.
            hint = (
                f"the key in ${self.key_variable}" if self.key_variable else "a request without key"
            )
            return RemoteError(f"{self.name} refused {hint} ({status})", passing=False)
        said = self.without_key(" ".join(body.split()))
        if said.startswith("<"):
            said = "(a web page)"
        message = f"{self.name} answered {status} {said[:EXCERPT]}".rstrip()
        objection = body if status in FAULT_STATUSES else ""
        return RemoteError(message, passing=status in RETRY_STATUSES, objection=objection)

    def failed(self, error: Exception) -> RemoteError:
        """The error for a connection that could not be made or broke."""
        said = self.without_key(str(error)) or type(error).__name__
        return RemoteError(f"{self.name}: {said}", passing=not isinstance(error, TimeoutError))

    def without_key(self, text: str) -> str:
        """The text as it may be shown."""
        return text.replace(self.key, "…") if self.key else text


def service(url: str, key_variable: str) -> Service:
    """The service at `url` with the key from the environment.

    Of a query, which may hold a secret, an address has at most `api-version`.

    Raises:
        ValueError: no such address can be, or the variable is not set.
    """
    parts = urlsplit(url)
    if parts.scheme not in {"http", "https", "ws", "wss"} or not parts.hostname:
        raise ValueError(f'"{url}" is no address of a service')
    query = parse_qs(parts.query, keep_blank_values=True)
    versioned = parts.scheme in {"http", "https"} and query.keys() == {"api-version"}
    if parts.username or parts.password or (parts.query and not versioned):
        raise ValueError(
            f"the address of {parts.hostname} must hold neither password nor query, but api-version"
        )
    key = os.environ.get(key_variable, "").strip() if key_variable else ""
    if key_variable and not key:
        raise ValueError(f"the key for {parts.hostname} is missing: set ${key_variable}")
    version = query["api-version"][-1] if versioned else ""
    return Service(url.partition("?")[0].rstrip("/"), key_variable, key, version)


def connect_or_rely(connect: Callable[[], None], context: Context) -> None:
    """Call `connect`; that the service is out of reach matters only if nothing can step in for it.

    Raises:
        RemoteError: it is, and there is no fallback.
    """
    try:
        connect()
    except RemoteError:
        if not context.has_fallback:
            raise
