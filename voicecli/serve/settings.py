"""How a server is run and what it puts up with."""

from dataclasses import dataclass, field, replace
from ipaddress import ip_address
from pathlib import Path
from urllib.parse import urlsplit

from voicecli.carriers.protocol import Carrier
from voicecli.errors import UsageError


@dataclass(frozen=True, slots=True)
class Limits:
    """What one caller, and all of them together, may ask for. Seconds throughout."""

    max_calls: int = 4
    """Also the number of processes that stand ready."""
    max_duration_s: float = 3600.0
    start_s: float = 3.0
    """From the WebSocket's opening to `start`."""
    idle_s: float = 30.0
    """Without any message; a carrier sends one every 20 ms."""
    send_s: float = 5.0
    """That a message may wait for a caller's end that does not read."""
    token_s: float = 30.0
    """From the webhook's answer to `start`."""
    messages_per_s: float = 150.0
    bytes_per_s: float = 256_000.0
    """Of one WebSocket; a carrier sends about 20,000."""
    request_s: float = 10.0
    """From a connection's first moment to the end of its request's answer."""
    max_waiting: int = 256
    """Connections that are no calls."""
    drain_s: float = 60.0
    target_p95_ms: float | None = None
    """Voice-to-voice latency beyond which new calls are refused."""


@dataclass(frozen=True, slots=True)
class Recording:
    """What is kept of a call."""

    folder: Path | None
    """None: nothing is kept."""
    redact: bool = False
    """Numbers and addresses are taken out of what was said."""
    partials: bool = False
    """Words of partial transcripts are kept nevertheless, redacted."""
    redact_audio: bool = False
    """And out of the sound."""


@dataclass(frozen=True, slots=True)
class CarrierOptions:
    """What is asked of the carrier; numbers like +15551234567."""

    number: str | None = None
    call: str | None = None
    message: str = ""
    transfer_to: str | None = None
    transfer_key: str = "0"
    answer: bool = False
    """Borrow a number: `number`, or the account's only one."""
    agent_transfers: bool = False
    """Whether the agent's tools may put callers through, if there is an account for it."""

    @property
    def borrows(self) -> bool:
        """Whether a number's calls are to come to us."""
        return self.answer or self.number is not None

    @property
    def any(self) -> bool:
        """Whether the carrier is needed for any of it."""
        return bool(self.borrows or self.call or self.transfer_to)


@dataclass(frozen=True, slots=True)
class Access:
    """Who may call."""

    public_url: str
    """What the caller's end believes our address to be: that is what it signs."""
    secret: str | None = field(repr=False)
    """What the carrier signs with; None: anybody may, and only on this computer."""

    @property
    def stream_base(self) -> str:
        """The public address as WebSockets have it."""
        return "ws" + self.public_url.removeprefix("http")

    @property
    def stream_url(self) -> str:
        """The WebSocket's public address."""
        return f"{self.stream_base}/media"


@dataclass(frozen=True, slots=True)
class ServeSettings:
    """All of it."""

    host: str
    port: int
    access: Access
    limits: Limits
    recording: Recording
    carrier: Carrier
    operators: tuple[str, int] | None = None
    """Where /metrics, /healthz and /readyz are, host and port; None: with all the rest."""

    @property
    def url(self) -> str:
        """The server's address on this computer."""
        return local_url(self.host, self.port)

    def at_port(self, port: int) -> "ServeSettings":
        """The same on the port that the system chose, if it was left to choose (port 0)."""
        if self.port:
            return self
        moved = replace(self, port=port)
        ours = self.access.public_url == self.url
        return moved.reached_at(moved.url) if ours else moved

    def reached_at(self, public_url: str) -> "ServeSettings":
        """The same behind another public address."""
        return replace(self, access=replace(self.access, public_url=public_url))

    def watched_at(self, port: int) -> "ServeSettings":
        """The same with the operators' port that the system chose."""
        host = self.operators[0] if self.operators is not None else self.host
        return replace(self, operators=(host, port))


def local_url(host: str, port: int) -> str:
    """http://HOST:PORT, with the brackets that IPv6 needs."""
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def is_loopback(host: str) -> bool:
    """Whether an address can be reached from this computer only."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def parse_public_url(text: str) -> str:
    """https://HOST of what was given; UsageError if it makes no sense."""
    try:
        parts = urlsplit(text)
        _ = parts.port  # is checked only when it is asked for
    except ValueError:
        parts = urlsplit("")
    odd = not text.isprintable() or any(sign in text for sign in " @?#\\%")
    if odd or parts.scheme not in {"http", "https"} or not parts.hostname or parts.path.strip("/"):
        raise UsageError(f"--public-url {text!a}: write https://HOST, without a path.")
    return f"{parts.scheme}://{parts.netloc}"


def parse_endpoint(text: str) -> tuple[str, int]:
    """HOST:PORT, or a PORT of this computer's loopback; UsageError if it is neither."""
    host, _, port = text.rpartition(":")
    if not (port.isascii() and port.isdecimal()) or int(port) > 65_535 or not host.isprintable():
        raise UsageError(f"--operators {text!a}: write HOST:PORT, such as 0.0.0.0:9090.")
    return host.strip("[]") or "127.0.0.1", int(port)
