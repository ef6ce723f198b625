"""Keeps web pages and names that are not ours away from every route.

A browser on this computer, or on its network, reaches what the page that it shows never could. It
says so: a script's request has an `Origin`, any other that a page causes a `Sec-Fetch-Site`; and a
page whose name was rebound to our address (DNS rebinding) has that name as `Host`. Carriers, load
balancers, Prometheus and telephones of tests send neither of the first two.
"""

import re
from collections.abc import Callable, Iterable
from ipaddress import ip_address
from typing import Final

from starlette.responses import PlainTextResponse
from starlette.types import ASGIApp, Receive, Scope, Send

from voicecli.serve.settings import is_loopback

_HOST: Final = re.compile(r"(?:\[([^\[\]]+)\]|([^\s\[\]:/?#@]+))(?::\d*)?")
_NOT_FOR_PAGES: Final = "not for web pages: enter the address by hand"


class Guard:
    """ASGI middleware that answers 403 to pages and 400 to names that are not ours.

    Args:
        app: what is guarded.
        names: hosts beside addresses and names without a dot, which nobody else can own.
        local_only: whether nothing but this computer's own names will do.
        refused: told the reason of each refusal.
    """

    def __init__(
        self,
        app: ASGIApp,
        names: Iterable[str] = (),
        *,
        local_only: bool,
        refused: Callable[[str], None],
    ) -> None:
        self._app = app
        self._names = frozenset(name.lower() for name in names)
        self._local_only = local_only
        self._refused = refused

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass the request on, or refuse it."""
        headers: list[tuple[bytes, bytes]] = scope.get("headers", [])
        if scope["type"] not in {"http", "websocket"}:
            await self._app(scope, receive, send)
        elif _from_a_page(headers):
            self._refused("web page")
            await _refuse(403, _NOT_FOR_PAGES, scope, receive, send)
        elif not self._ours([value for name, value in headers if name == b"host"]):
            self._refused("host")
            await _refuse(400, "no such host here", scope, receive, send)
        else:
            await self._app(scope, receive, send)

    def _ours(self, hosts: list[bytes]) -> bool:
        if not hosts:  # an old health check; every browser sends one
            return not self._local_only
        name = host_name(hosts[0].decode("latin-1")) if len(hosts) == 1 else ""
        if self._local_only or not name:
            return is_loopback(name)
        return name in self._names or "." not in name or _is_address(name)


def host_name(host: str) -> str:
    """The name in HOST or HOST:PORT, small, without brackets or a last dot; empty if none is."""
    found = _HOST.fullmatch(host)
    return (found[1] or found[2]).lower().removesuffix(".") if found else ""


def _from_a_page(headers: list[tuple[bytes, bytes]]) -> bool:
    """An address entered by hand is of the site "none"."""
    return any(
        name == b"origin" or (name == b"sec-fetch-site" and value != b"none")
        for name, value in headers
    )


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True


async def _refuse(status: int, why: str, scope: Scope, receive: Receive, send: Send) -> None:
    if scope["type"] == "websocket":  # before it is accepted: the handshake gets a 403
        await send({"type": "websocket.close", "code": 1008, "reason": why})
    else:
        await PlainTextResponse(why, status)(scope, receive, send)
