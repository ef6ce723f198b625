"""What must be there before a server can start."""

import os
from collections.abc import Mapping
from dataclasses import dataclass, field

from voicecli.carriers.protocol import Account, Carrier
from voicecli.carriers.registry import find_carrier
from voicecli.errors import UsageError
from voicecli.serve.settings import (
    Access,
    CarrierOptions,
    Limits,
    Recording,
    ServeSettings,
    is_loopback,
    local_url,
    parse_endpoint,
    parse_public_url,
)
from voicecli.serve.tunnel import NGROK_TOKEN


def where_found(carrier: Carrier) -> Mapping[str, str]:
    """The environment variables that may be needed, and where their values are found."""
    console = dict.fromkeys((*carrier.credentials, carrier.secret), carrier.console)
    return {**console, NGROK_TOKEN: "ngrok dashboard, Your Authtoken"}


@dataclass(frozen=True, slots=True)
class Request:
    """What was asked for; the words of the command line."""

    host: str = "127.0.0.1"
    port: int = 8000
    operators: str | None = None
    public_url: str | None = None
    ngrok: bool = False
    insecure: bool = False
    limits: Limits = field(default_factory=Limits)
    recording: Recording = field(default_factory=lambda: Recording(None))
    options: CarrierOptions = field(default_factory=CarrierOptions)
    carrier: str = "twilio"

    @property
    def outsiders(self) -> bool:
        """Whether anybody beyond this computer is to reach us."""
        return (
            self.ngrok
            or self.public_url is not None
            or self.options.any
            or not is_loopback(self.host)
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A server that can start."""

    settings: ServeSettings
    options: CarrierOptions
    account: Account | None
    """None: the carrier is not asked for anything."""
    ngrok: bool
    """Whether the public address is yet to come from a tunnel."""


def missing_variables(request: Request) -> list[str]:
    """The environment variables without which it cannot be done, in the order to set them."""
    carrier, needed = find_carrier(request.carrier), list[str]()
    if request.options.any:
        needed += carrier.credentials
    if request.outsiders:
        needed.append(carrier.secret)
    if request.ngrok:
        needed.append(NGROK_TOKEN)
    return [name for name in needed if not os.environ.get(name, "").strip()]


def plan_server(request: Request) -> Plan:
    """Check a request; secrets come from the environment and nowhere else.

    Raises:
        UsageError: it contradicts itself, or something is missing.
    """
    options, carrier = request.options, find_carrier(request.carrier)
    if options.any and not carrier.credentials:
        raise UsageError(
            f"{carrier.title} has no account to ask for numbers, calls and transfers: leave out "
            "--number, --call and --transfer-to."
        )
    if request.insecure and request.outsiders:
        numbers = f"--{request.carrier}, --number, " if carrier.credentials else ""
        raise UsageError(
            f"--insecure lets anybody in, so it works on loopback only: leave out --host, {numbers}"
            f"--public-url and --ngrok, or set {carrier.secret} instead."
        )
    if request.ngrok and request.public_url is not None:
        raise UsageError("--ngrok and --public-url are two addresses; choose one.")
    if options.borrows and not (request.ngrok or request.public_url):
        raise UsageError(
            f"{carrier.title} must be able to reach us: --ngrok (needs an ngrok account), or "
            "--public-url https://HOST of another tunnel or load balancer."
        )
    if options.call and not options.borrows:
        raise UsageError(
            f"--call needs --{request.carrier}, or --number, one of your own, to call from."
        )
    places = where_found(carrier)
    if missing := missing_variables(request):
        where = "; ".join(dict.fromkeys(places[name] for name in missing))
        raise UsageError(
            f"set {_listed(missing)} ({where}). No account is needed for `voicecli serve` and, in "
            "another terminal, `voicecli dial ws://127.0.0.1:8000/media`."
        )
    for name in places:
        if not os.environ.get(name, "").strip().isprintable():
            raise UsageError(f"{name} holds what is no text; copy it again ({places[name]}).")
    secret = None if request.insecure else os.environ.get(carrier.secret, "").strip() or None
    url = local_url(request.host, request.port)
    if request.public_url is not None:
        url = parse_public_url(request.public_url)
    settings = ServeSettings(
        request.host, request.port, Access(url, secret), request.limits, request.recording,
        carrier, _operators(request),
    )  # fmt: skip
    return Plan(settings, options, _account(carrier, options, secret), request.ngrok)


def _account(carrier: Carrier, options: CarrierOptions, secret: str | None) -> Account | None:
    """The carrier's, if it is asked for anything."""
    credentials = all(os.environ.get(name, "").strip() for name in carrier.credentials)
    if not (options.any or (options.agent_transfers and credentials and secret)):
        return None
    return carrier.account(os.environ)


def _operators(request: Request) -> tuple[str, int] | None:
    """Whoever can reach the port must not read the figures: then they get a port of their own."""
    if request.operators is not None:
        return parse_endpoint(request.operators)
    if not request.outsiders:
        return None
    return "127.0.0.1", request.port + 1 if 0 < request.port < 65_535 else 0


def _listed(names: list[str]) -> str:
    """One, two and three."""
    return " and ".join([*filter(None, [", ".join(names[:-1])]), names[-1]])
