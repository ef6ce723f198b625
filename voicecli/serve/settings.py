"""How a server is run and what it puts up with; changes with what an operator may decide."""

import os
from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from typing import Final
from urllib.parse import urlsplit

from voicecli.errors import UsageError

AUTH_TOKEN: Final = "TWILIO_AUTH_TOKEN"  # noqa: S105 - the name of a variable
ACCOUNT_SID: Final = "TWILIO_ACCOUNT_SID"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller, and all of them together, may ask for. Seconds throughout."""

    max_calls: int = 4
    """Also the number of processes that stand ready."""
    max_duration_s: float = 3600.0
    start_s: float = 3.0
    """From the WebSocket's opening to `start`."""
    idle_s: float = 30.0
    """Without any message; Twilio sends one every 20 ms."""
    send_s: float = 5.0
    """That a message may wait for a caller's end that does not read."""
    token_s: float = 30.0
    """From the webhook's answer to `start`."""
    messages_per_s: float = 150.0
    drain_s: float = 60.0
    target_p95_ms: float | None = None
    """Voice-to-voice latency beyond which new calls are refused."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is kept of a call."""

    folder: Path | None
    """None: nothing is kept."""
    redact: bool = False


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call."""

    public_url: str
    """What the caller's end believes our address to be: that is what it signs."""
    auth_token: str | None = field(repr=False)
    """None: anybody, and only on this computer."""

    @property
    def stream_url(self) -> str:
        """The WebSocket's public address."""
        return "ws" + self.public_url.removeprefix("http") + "/media"


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """All of it."""

    host: str
    port: int
    access: Access
    limits: Limits
    recording: Recording

    def at_port(self, port: int) -> "ServeSettings":
        """The same on the port that the system chose, if it was left to choose (port 0)."""
        if self.port:
            return self
        url = self.access.public_url.removesuffix(":0")
        changed = url if url == self.access.public_url else f"{url}:{port}"
        return replace(self, port=port, access=replace(self.access, public_url=changed))


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this computer only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def decide_access(host: str, port: int, public_url: str | None, *, insecure: bool) -> Access:
    """Put together who may call; the token comes from the environment and nowhere else.

    Raises:
        UsageError: there is no token, the address makes no sense, or `insecure` would let
            strangers in.
    """
    if public_url is not None:
        parts = urlsplit(public_url)
        if parts.scheme not in {"http", "https"} or not parts.netloc:
            raise UsageError(f"--public-url {public_url!r}: write https://HOST, without a path.")
        public_url = f"{parts.scheme}://{parts.netloc}"
    if insecure:
        if not is_loopback(host) or public_url is not None:
            raise UsageError(
                "--insecure lets anybody in, so it works on loopback only: leave out --host, "
                "--public-url and --ngrok, or set TWILIO_AUTH_TOKEN instead."
            )
        return Access(f"http://{host}:{port}", None)
    token = os.environ.get(AUTH_TOKEN, "").strip()
    if not token:
        raise UsageError(
            f"set {AUTH_TOKEN} (Twilio console, Account Info), so that only Twilio can call; "
            "to try the agent on this computer alone, use --insecure."
        )
    return Access(public_url or f"http://{host}:{port}", token)
