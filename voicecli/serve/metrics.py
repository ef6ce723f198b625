"""The figures that Prometheus collects."""

from typing import Final

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

from voicecli.serve.ipc import Progress

_VOICE_TO_VOICE: Final = (0.2, 0.3, 0.4, 0.5, 0.6, 0.8, 1.0, 1.5, 2.0, 3.0, 5.0)
_LATENESS: Final = (0.001, 0.002, 0.005, 0.01, 0.02, 0.04, 0.08, 0.16)
_GREETING: Final = (0.05, 0.1, 0.2, 0.3, 0.5, 1.0, 2.0)


class Metrics:
    """One server's figures; names begin with voicecli_, durations are in seconds."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        kept = {"namespace": "voicecli", "registry": self._registry}
        self.active_calls = Gauge("active_calls", "Calls under way.", **kept)
        self.calls = Counter("calls", "Calls that have ended, by cause.", ["cause"], **kept)
        self.unheard = Counter(
            "calls_unheard", "Calls that ended without a word of the caller's understood.", **kept
        )
        self.refused = Counter("refused", "Calls and requests refused.", ["reason"], **kept)
        self.cut = Counter(
            "connections_cut", "Connections ended for what their other end did or left undone.",
            ["why"], **kept,
        )  # fmt: skip
        self.unlogged = Counter(
            "log_lines_left_out", "Warnings and errors too many of a kind for the log.", **kept
        )
        self.voice_to_voice = Histogram(
            "voice_to_voice_seconds", "From the caller's last sound to the agent's first.",
            buckets=_VOICE_TO_VOICE, **kept,
        )  # fmt: skip
        self.greeting = Histogram(
            "greeting_seconds", "From start to the greeting.", buckets=_GREETING, **kept
        )
        self.barge_in = Histogram(
            "barge_in_seconds", "From the caller's onset to silence at their ear.",
            buckets=_VOICE_TO_VOICE, **kept,
        )  # fmt: skip
        self.lateness = Histogram(
            "frame_lateness_seconds", "How late 20 ms frames were.", buckets=_LATENESS, **kept
        )
        self.dropped = Counter("dropped_frames", "Audio thrown away, oldest first.", **kept)
        self.underruns = Counter("underruns", "Frames a clause's audio was late for.", **kept)
        self.failures = Counter("engine_failures", "Engines that failed.", ["kind"], **kept)
        self.transfers_ignored = Counter(
            "transfers_ignored", "Transfers asked for while one was under way.", **kept
        )
        self.died = Counter("processes_died", "Processes of calls that died.", **kept)

    def take(self, progress: Progress) -> None:
        """What a call reports, except its counts, which are those of the whole call."""
        for value in progress.voice_to_voice_ms:
            self.voice_to_voice.observe(value / 1000)
        for value in progress.barge_in_ms:
            self.barge_in.observe(value / 1000)
        for value in progress.lateness_ms:
            self.lateness.observe(value / 1000)
        for kind in progress.failures:
            self.failures.labels(kind).inc()
        if progress.greeting_ms is not None:
            self.greeting.observe(progress.greeting_ms / 1000)

    def page(self) -> bytes:
        """Everything in Prometheus' text format."""
        return generate_latest(self._registry)
