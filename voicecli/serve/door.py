"""Who stays connected to the server's ports.

Whoever can reach a port can open connections, so none of them is worth much until it is a call:
it has little time, and when all of them are too many, the address with the most of them loses its
oldest. One that asks at once is answered before its turn to go comes, also through a proxy from
whose one address everybody comes. A call is never in that queue.
"""

import asyncio
import logging
from collections.abc import Callable
from contextlib import suppress
from ipaddress import IPv6Address
from typing import Final, Literal, TypeAlias

from voicecli.serve.settings import Limits

log = logging.getLogger("voicecli.serve")

_SPARE_STREAMS: Final = 16
"""WebSockets beside those of calls: streams that have not said `start`."""
_DESCRIPTORS_A_CALL: Final = 5
"""Its connection, and what it takes to replace its process."""
_DESCRIPTORS_BESIDE: Final = 48
"""What the accept loop has in hand (up to four rounds of eight), the carrier's API, the log."""

Cut: TypeAlias = Literal["crowd", "slow", "flood", "unread"]
"""Why a connection was ended: too many; too late; sent too much; did not read."""


class Door:
    """All connections of one server, whichever of its ports they came to.

    Args:
        limits: how many, and how long.
        descriptors: files and sockets that the process may open beyond those that it has; what
            calls need of them is kept for calls.
        on_cut: told why a connection was ended.
    """

    def __init__(self, limits: Limits, descriptors: int, on_cut: Callable[[Cut], None]) -> None:
        self.limits = limits
        self.on_cut = on_cut
        free = descriptors - _DESCRIPTORS_BESIDE - _DESCRIPTORS_A_CALL * limits.max_calls
        self.requests = _Room(min(limits.max_waiting, free // 2))
        """Connections without a whole request, or at their end."""
        self.streams = _Room(min(limits.max_calls + _SPARE_STREAMS, free // 2))
        """WebSockets that were let in and have not said `start`."""

    def enter(self, transport: asyncio.Transport) -> "Visit":
        """A connection was made; it has `request_s` for what it wants."""
        visit = Visit(self, transport)
        visit.wait(self.requests, self.limits.request_s)
        return visit


class Visit:
    """One connection, from its first moment to its last."""

    def __init__(self, door: Door, transport: asyncio.Transport) -> None:
        self.network = network_of(transport.get_extra_info("peername"))
        self._door = door
        self._transport = transport
        self._room: _Room | None = None
        self._deadline: asyncio.TimerHandle | None = None
        self._over = False

    def let_in(self) -> None:
        """It is a WebSocket of somebody who may call."""
        limits = self._door.limits  # whoever says no `start` is told so in time, and closed
        self.wait(self._door.streams, limits.start_s + limits.send_s)

    def become_call(self) -> None:
        """It has its place; from now on its relay says how long it lasts."""
        self._step_out()

    def end(self) -> None:
        """Nothing more is wanted of it: it has `send_s` to read what is left, and to go."""
        self.wait(self._door.requests, self._door.limits.send_s)

    def leave(self) -> None:
        """It is gone."""
        self._over = True
        self._step_out()

    def cut(self, why: Cut) -> None:
        """End it now, whatever is left to send."""
        if not self._over:
            self.leave()
            self._transport.abort()
            self._door.on_cut(why)
            log.warning("connection cut", extra={"why": why, "peer": self.network})

    def wait(self, room: "_Room", seconds: float) -> None:
        """Be one of those in this room, for so long."""
        if self._over:
            return
        self._step_out()
        self._room = room
        self._deadline = asyncio.get_running_loop().call_later(seconds, self.cut, "slow")
        room.enter(self)

    def _step_out(self) -> None:
        if self._room is not None:
            self._room.leave(self)
            self._room = None
        if self._deadline is not None:
            self._deadline.cancel()
            self._deadline = None


class _Room:
    """Connections that wait, by address and in the order of their coming."""

    def __init__(self, most: int) -> None:
        self._most = max(1, most)
        self._number = 0
        self._networks: dict[str, dict[Visit, None]] = {}

    def enter(self, visit: Visit) -> None:
        """One more; who has the most pays for one too many."""
        self._networks.setdefault(visit.network, {})[visit] = None
        self._number += 1
        if self._number > self._most:
            crowd = max(self._networks.values(), key=len)
            next(iter(crowd)).cut("crowd")

    def leave(self, visit: Visit) -> None:
        """One that is here, less."""
        visits = self._networks[visit.network]
        del visits[visit]
        self._number -= 1
        if not visits:
            del self._networks[visit.network]


def network_of(peer: object) -> str:
    """Whose address it is: of IPv6 everybody has a whole /64."""
    host = str(peer[0]) if isinstance(peer, tuple) and peer else ""
    if ":" not in host:
        return host
    with suppress(ValueError):
        address = IPv6Address(host.partition("%")[0])
        if address.ipv4_mapped is None:
            return f"{IPv6Address(int(address) >> 64 << 64)}/64"
        return str(address.ipv4_mapped)
    return host
