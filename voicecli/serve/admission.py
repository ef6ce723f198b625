"""Decides whether a call is taken; changes with the reasons to refuse one.

Sans-I/O: the time is an argument, in seconds on any steady clock.
"""

import secrets
from collections import deque
from dataclasses import dataclass
from typing import Final, Literal, TypeAlias

from pipelines.latency import percentile
from voicecli.serve.settings import Limits

_MEMORY_S: Final = 60.0
_ENOUGH: Final = 10
"""Turns within the last minute needed to judge the latency."""

Refusal: TypeAlias = Literal["busy", "draining", "overloaded", "unknown token"]


@dataclass(frozen=True, slots=True)
class _Reservation:
    call_sid: str
    expires: float


class Admission:
    """Counts calls and promises of calls.

    Args:
        limits: how many, how slow, how long a promise holds.
        open_to_all: whether a stream may begin without a token (`--insecure`).
    """

    def __init__(self, limits: Limits, *, open_to_all: bool) -> None:
        self._limits = limits
        self._open_to_all = open_to_all
        self._reserved: dict[str, _Reservation] = {}
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
        token = secrets.token_urlsafe(24)
        self._reserved[token] = _Reservation(call_sid, now + self._limits.token_s)
        return token, None

    def redeem(self, token: str, call_sid: str, now: float) -> Refusal | None:
        """Why a stream may not begin; None if it may. A token is good once, and for one call."""
        reservation = self._reserved.pop(token, None)
        if reservation is not None:
            good = reservation.call_sid == call_sid and reservation.expires >= now
            return None if good else "unknown token"
        return self._refusal(now) if self._open_to_all else "unknown token"

    def note_latency(self, milliseconds: float, now: float) -> None:
        """A turn was answered this fast."""
        self._latencies.append((now, milliseconds))

    def _refusal(self, now: float) -> Refusal | None:
        if self.draining:
            return "draining"
        for token in [t for t, kept in self._reserved.items() if kept.expires < now]:
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
    """A token bucket: `rate` messages a second on average, a second's worth at once."""

    def __init__(self, rate: float, now: float) -> None:
        self._rate = rate
        self._left = rate
        self._at = now

    def allows(self, now: float) -> bool:
        """Whether one more message is within the limit."""
        self._left = min(self._rate, self._left + (now - self._at) * self._rate)
        self._at = now
        if self._left < 1:
            return False
        self._left -= 1
        return True
