"""Decides whether a call is taken.

Sans-I/O: the time is an argument, in seconds. What counts is `now`, of a clock that never jumps;
only tokens tell the time of day (`wall`), for they may come to another server of the number.
"""

import hashlib
import hmac
import secrets
from collections import Counter, deque
from typing import Final, Literal, TypeAlias

from pipelines.latency import percentile
from voicecli.serve.settings import Limits

_MEMORY_S: Final = 60.0
_SKEW_S: Final = 60.0
"""By which the clocks of a number's servers may differ."""
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
        """Until when there is a place for a call, by its id, or token if it has none."""
        self._carried: Counter[str] = Counter()
        self._used: dict[str, float] = {}
        self._latencies: deque[tuple[float, float]] = deque()
        self.draining = False

    @property
    def live(self) -> int:
        """Calls under way."""
        return self._carried.total()

    def begin(self, call_id: str) -> None:
        """A call is carried from now on."""
        self._carried[call_id] += 1

    def end(self, call_id: str) -> None:
        """It is over."""
        self._carried[call_id] -= 1
        self._carried += Counter()  # keeps what is positive

    def reserve(self, call_id: str, now: float, wall: float) -> tuple[str, Refusal | None]:
        """Promise a place to the call that a webhook announces; one, however often it does.

        Returns:
            The token with which its stream must begin, or the reason why there is no place.
        """
        refusal = self._refusal(call_id, now)
        if refusal is not None:
            return "", refusal
        ticket = f"{wall + self._limits.token_s:.0f}.{secrets.token_urlsafe(16)}"
        token = f"{ticket}.{self._seal(ticket, call_id)}"
        self._reserved[call_id or token] = now + self._limits.token_s
        return token, None

    def redeem(self, token: str, call_id: str, now: float, wall: float) -> Refusal | None:
        """Why a stream may not begin; None if it may. A token is good once, and for one call."""
        genuine = self._genuine(token, call_id)
        if self._key is not None and not (genuine and self._is_fresh(token, now, wall)):
            return "unknown token"
        promised = genuine and self._reserved.pop(call_id or token, None) is not None
        return None if promised else self._refusal(call_id, now)

    def note_latency(self, milliseconds: float, now: float) -> None:
        """A turn was answered this fast."""
        self._latencies.append((now, milliseconds))

    def _is_fresh(self, token: str, now: float, wall: float) -> bool:
        """Whether a genuine token is good; it no longer is."""
        left = float(token.partition(".")[0]) - wall
        longest = self._limits.token_s + _SKEW_S  # else a clock was put back
        self._used = {used: until for used, until in self._used.items() if until >= now}
        if token in self._used or not 0 <= left <= longest:
            return False
        self._used[token] = now + 2 * longest
        return True

    def _genuine(self, token: str, call_id: str) -> bool:
        ticket, _, seal = token.rpartition(".")
        return hmac.compare_digest(_bytes(seal), _bytes(self._seal(ticket, call_id)))

    def _seal(self, ticket: str, call_id: str) -> str:
        """What only somebody with the key can add to a ticket for this call."""
        text = _bytes(f"{ticket}.{call_id}")
        return hmac.new(self._key or b"open", text, hashlib.sha256).hexdigest()

    def _refusal(self, call_id: str, now: float) -> Refusal | None:
        if self.draining:
            return "draining"
        self._reserved = {call: until for call, until in self._reserved.items() if until >= now}
        has_place = self._key is not None and call_id in self._carried
        promised = self._reserved.keys() - self._carried.keys() - {call_id}
        if not has_place and self.live + len(promised) >= self._limits.max_calls:
            return "busy"
        return "overloaded" if self._too_slow(now) else None

    def _too_slow(self, now: float) -> bool:
        while self._latencies and self._latencies[0][0] < now - _MEMORY_S:
            self._latencies.popleft()
        target = self._limits.target_p95_ms
        if target is None or len(self._latencies) < _ENOUGH or self.live == 0:
            return False
        return percentile([value for _, value in self._latencies], 95) > target


def _bytes(text: str) -> bytes:
    """Of any text; one from JSON may hold half of a character."""
    return text.encode("utf-8", "surrogatepass")


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
