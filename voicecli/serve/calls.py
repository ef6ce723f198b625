"""The calls under way as an operator sees them."""

import logging
from collections import deque
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from typing import Final

from pipelines.latency import percentile
from voicecli.serve.ipc import Progress
from voicecli.serve.metrics import Metrics

_PAST: Final = 8
log = logging.getLogger("voicecli.serve")


@dataclass(slots=True)
class LiveCall:
    """One call; durations in milliseconds, moments in seconds of the server's clock."""

    name: str
    call_id: str
    began: float
    state: str = "greeting"
    turn: int = 0
    latencies: list[float] = field(default_factory=list)
    dropped: int = 0
    underruns: int = 0
    ended: float | None = None
    journal: list[str] = field(default_factory=list)
    """Lines of it, in lumps, as far as somebody watched; only ever appended to."""

    @property
    def p95(self) -> float | None:
        """Voice-to-voice latency of its turns so far."""
        return percentile(self.latencies, 95) if self.latencies else None


class Calls:
    """Keeps them, logs what happens to them, and counts it.

    `on_latency` is told every voice-to-voice latency in milliseconds.
    """

    def __init__(self, metrics: Metrics, on_latency: Callable[[float], None]) -> None:
        self._metrics = metrics
        self._on_latency = on_latency
        self._live: dict[str, LiveCall] = {}
        self.past: deque[LiveCall] = deque(maxlen=_PAST)
        """The last calls that have ended."""

    def __len__(self) -> int:
        return len(self._live)

    def __iter__(self) -> Iterator[LiveCall]:
        return iter(tuple(self._live.values()))

    def begin(self, name: str, call_id: str, pid: int, now: float) -> LiveCall:
        """A call was taken."""
        call = self._live[name] = LiveCall(name, call_id, now)
        self._metrics.active_calls.set(len(self._live))
        log.info("call began", extra={"call": name, "pid": pid})
        return call

    def progress(self, call: LiveCall, news: Progress) -> None:
        """The call's process tells what has happened."""
        call.state, call.turn = news.state, news.turn
        call.latencies += news.voice_to_voice_ms
        self._metrics.dropped.inc(max(0, news.dropped - call.dropped))
        self._metrics.underruns.inc(max(0, news.underruns - call.underruns))
        call.dropped, call.underruns = news.dropped, news.underruns
        self._metrics.take(news)
        for value in news.voice_to_voice_ms:
            self._on_latency(value)
            extra = {"call": call.name, "turn": call.turn, "voice_to_voice_ms": value}
            log.info("turn answered", extra=extra)
        for value in news.barge_in_ms:
            log.info("barge-in", extra={"call": call.name, "stopped_after_ms": value})
        for kind in news.failures:
            log.warning("engine failed", extra={"call": call.name, "engine": kind})

    def transferred_again(self, call: LiveCall, *, first: bool) -> None:
        """A transfer was asked for that is under way."""
        self._metrics.transfers_ignored.inc()
        if first:  # of sixty keys, one line
            log.warning("transfer under way: more are ignored", extra={"call": call.name})

    def end(self, call: LiveCall, cause: str, now: float) -> None:
        """The call is over."""
        del self._live[call.name]
        call.ended, call.state = now, cause
        self.past.append(call)
        self._metrics.active_calls.set(len(self._live))
        self._metrics.calls.labels(cause).inc()
        if not call.turn:
            self._metrics.unheard.inc()
            log.warning("no word of the caller's was understood", extra={"call": call.name})
        extra = {
            "call": call.name, "cause": cause, "seconds": round(now - call.began, 1),
            "turns": call.turn, "dropped": call.dropped,
            "voice_to_voice_p95_ms": None if call.p95 is None else round(call.p95, 1),
        }  # fmt: skip
        log.info("call ended", extra=extra)
