"""What must be there before a server can start."""

import os
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

from voicecli.errors import UsageError
from voicecli.serve.settings import (
    ACCOUNT_SID,
    AUTH_TOKEN,
    Access,
    Limits,
    Recording,
    ServeSettings,
    Wishes,
    is_loopback,
    local_url,
    parse_endpoint,
    parse_public_url,
)
from voicecli.serve.tunnel import NGROK_TOKEN

if TYPE_CHECKING:
    from voicecli.serve.account import Account

WHERE: Final = {
    ACCOUNT_SID: "Twilio console, Account Info",
    AUTH_TOKEN: "Twilio console, Account Info",
    NGROK_TOKEN: "ngrok dashboard, Your Authtoken",
}
"""Where the values of the environment variables are found."""


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
    wishes: Wishes = field(default_factory=Wishes)

    @property
    def outsiders(self) -> bool:
        """Whether anybody beyond this computer is to reach us."""
        return (
            self.ngrok
            or self.public_url is not None
            or self.wishes.any
            or not is_loopback(self.host)
        )


@dataclass(frozen=True, slots=True)
class Plan:
    """A server that can start."""

    settings: ServeSettings
    wishes: Wishes
    account: "Account | None"
    """None: Twilio is not asked for anything."""
    ngrok: bool
    """Whether the public address is yet to come from a tunnel."""


def missing_variables(request: Request) -> list[str]:
    """The environment variables without which it cannot be done, in the order to set them."""
    needed: list[str] = []
    if request.wishes.any:
        needed.append(ACCOUNT_SID)
    if request.outsiders:
        needed.append(AUTH_TOKEN)
    if request.ngrok:
        needed.append(NGROK_TOKEN)
    return [name for name in needed if not os.environ.get(name, "").strip()]


def plan_server(request: Request) -> Plan:
    """Check a request; secrets come from the environment and nowhere else.

    Raises:
        UsageError: it contradicts itself, or something is missing.
    """
    wishes = request.wishes
    if request.insecure and request.outsiders:
        raise UsageError(
            "--insecure lets anybody in, so it works on loopback only: leave out --host, --twilio, "
            f"--number, --public-url and --ngrok, or set {AUTH_TOKEN} instead."
        )
    if request.ngrok and request.public_url is not None:
        raise UsageError("--ngrok and --public-url are two addresses; choose one.")
    if wishes.borrows and not (request.ngrok or request.public_url):
        raise UsageError(
            "Twilio must be able to reach us: --ngrok (needs an ngrok account), or --public-url "
            "https://HOST of another tunnel or load balancer."
        )
    if wishes.call and not wishes.borrows:
        raise UsageError("--call needs --twilio, or --number, one of your own, to call from.")
    if missing := missing_variables(request):
        where = "; ".join(dict.fromkeys(WHERE[name] for name in missing))
        raise UsageError(
            f"set {_listed(missing)} ({where}). No account is needed for `voicecli serve` and, in "
            "another terminal, `voicecli dial ws://127.0.0.1:8000/media`."
        )
    for name in WHERE:
        if not os.environ.get(name, "").strip().isprintable():
            raise UsageError(f"{name} holds what is no text; copy it again ({WHERE[name]}).")
    token = None if request.insecure else os.environ.get(AUTH_TOKEN, "").strip() or None
    url = local_url(request.host, request.port)
    if request.public_url is not None:
        url = parse_public_url(request.public_url)
    settings = ServeSettings(
        request.host, request.port, Access(url, token), request.limits, request.recording,
        _operators(request),
    )  # fmt: skip
    account = None
    sid = os.environ.get(ACCOUNT_SID, "").strip()
    if wishes.any or (wishes.agent_transfers and sid and token):
        # Twilio's library takes a good part of a second to load: only for those who need it.
        from voicecli.serve.account import API, API_VARIABLE, Account  # noqa: PLC0415

        base_url = os.environ.get(API_VARIABLE) or API
        account = Account(sid, token or "", base_url)
    return Plan(settings, wishes, account, request.ngrok)


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
