"""Decides whether a call is taken; changes with the reasons to refuse one.

Sans-I/O: the time is an argument, in seconds on a clock that all servers of a number share.
"""

import hashlib
import hmac
import secrets
from collections import deque
from typing import Final, Literal, TypeAlias

from pipelines.latency import percentile
from voicecli.serve.settings import Limits

_MEMORY_S: Final = 60.0
_LATEST_S: Final = 10.0
"""By which a server may be late to read."""
_ENOUGH: Final = 10
"""Turns within the last minute needed to judge the latency."""

Refusal: TypeAlias = Literal["busy", "draining", "overloaded", "unknown token"]


class Admission:
    """Counts calls and promises of calls.

    Args:
        limits: how many, how slow, how long a promise holds.
        key: signs tokens, so that a call announced to one server behind a load balancer may come
            to another that has the same key; None: a stream needs no token (`--insecure`).
    """

    def __init__(self, limits: Limits, key: bytes | None) -> None:
        self._limits = limits
        self._key = key
        self._reserved: dict[str, float] = {}
        self._used: dict[str, float] = {}
        self._latencies: deque[tuple[float, float]] = deque()
        self.draining = False
        self.live = 0
        """Calls under way; kept by whoever carries them."""

    def reserve(self, call_sid: str, now: float) -> tuple[str, Refusal | None]:
        """Promise a place to the call that a webhook announces.

        Returns:
            The token with which its stream must begin, or the reason why there is no place.
        """
        refusal = self._refusal(now)
        if refusal is not None:
            return "", refusal
        expires = now + self._limits.token_s
        ticket = f"{expires:.0f}.{secrets.token_urlsafe(16)}"
        token = f"{ticket}.{self._seal(ticket, call_sid)}"
        self._reserved[token] = expires
        return token, None

    def redeem(self, token: str, call_sid: str, now: float) -> Refusal | None:
        """Why a stream may not begin; None if it may. A token is good once, and for one call."""
        if self._key is None and token not in self._reserved:
            return self._refusal(now)
        ticket, _, seal = token.rpartition(".")
        genuine = hmac.compare_digest(seal.encode(), self._seal(ticket, call_sid).encode())
        if not genuine or token in self._used or float(ticket.partition(".")[0]) < now:
            return "unknown token"
        self._used = {used: until for used, until in self._used.items() if until >= now}
        self._used[token] = now + self._limits.token_s
        promised = self._reserved.pop(token, None) is not None
        return None if promised else self._refusal(now)

    def note_latency(self, milliseconds: float, now: float) -> None:
        """A turn was answered this fast."""
        self._latencies.append((now, milliseconds))

    def _seal(self, ticket: str, call_sid: str) -> str:
        """What only somebody with the key can add to a ticket for this call."""
        text = f"{ticket}.{call_sid}".encode()
        return hmac.new(self._key or b"open", text, hashlib.sha256).hexdigest()

    def _refusal(self, now: float) -> Refusal | None:
        if self.draining:
            return "draining"
        for token in [token for token, until in self._reserved.items() if until < now]:
            del self._reserved[token]
        if self.live + len(self._reserved) >= self._limits.max_calls:
            return "busy"
        return "overloaded" if self._too_slow(now) else None

    def _too_slow(self, now: float) -> bool:
        while self._latencies and self._latencies[0][0] < now - _MEMORY_S:
            self._latencies.popleft()
        target = self._limits.target_p95_ms
        if target is None or len(self._latencies) < _ENOUGH or self.live == 0:
            return False
        return percentile([value for _, value in self._latencies], 95) > target


class RateLimit:
    """A token bucket: `rate` things a second on average, 10 seconds' worth at once.

    The clock is that of reading: a machine that is busy for seconds finds all at once what came in
    time, and must not hold that against the caller.
    """

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = self._most = rate * _LATEST_S
        self._at = now

    def allows(self, now: float, number: int = 1) -> bool:
        """Whether one more, or this many more, are within the limit."""
        self._left = min(self._most, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < number:
            return False
        self._left -= number
        return True
