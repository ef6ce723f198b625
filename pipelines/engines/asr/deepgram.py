"""Streaming transcripts from Deepgram through its own client.

Messages: https://developers.deepgram.com/reference/speech-to-text/listen-streaming. Needs the extra
`remote`: pip install 'voicecli[remote]'.
"""

import contextlib
from dataclasses import dataclass
from typing import Any

from pipelines.engines import mulaw
from pipelines.engines.asr._deepgram_stream import UTTERANCE_END_S, DeepgramStream, Result
from pipelines.engines.audio import checked
from pipelines.engines.deadline import Deadline
from pipelines.engines.protocols import Hypothesis, Pcm, Transcript
from pipelines.engines.registry import Context
from pipelines.engines.remarks import remark
from pipelines.engines.remote import RemoteError, Service, connect_or_rely, service
from pipelines.turn_taking.bounds import bounded, check_bounds

SAMPLE_RATE = 8000
SLACK_S = 0.1
"""Audio at the very end that Deepgram need not have spoken about for its words to be all."""


@dataclass(frozen=True, slots=True)
class Settings:
    """Keys of the profile's table."""

    model: str = "nova-3"
    """Name of one of Deepgram's models."""
    language: str = "en"
    """Code of the callers' language."""
    keyterms: tuple[str, ...] = ()
    """Names and terms that callers will say."""
    endpointing_ms: int = bounded(300, 10)
    """Silence after which Deepgram settles what was said; when the turn ends is decided here."""
    api_key_env: str = "DEEPGRAM_API_KEY"
    """Environment variable that holds the key."""
    url: str = "wss://api.deepgram.com"
    """Where the service is; another one for tests and for self-hosting."""
    timeout_ms: int = bounded(1000, 1)
    """Longest wait for the connection, and for the last words at the end of a turn."""


class DeepgramAsr:
    """One utterance at a time over one connection that is kept open."""

    sample_rate = SAMPLE_RATE

    def __init__(self, settings: Settings, where: Service) -> None:
        self._settings = settings
        self._where = where
        self._stream: DeepgramStream | None = None
        self._sent = self._begin = 0
        """Samples sent on this connection, which is what Deepgram's times count from, in all and
        before this utterance."""
        self._settled = False
        self.reset()

    def connect(self) -> None:
        """Make the connection.

        Raises:
            ValueError: Deepgram refuses the key.
            RemoteError: it cannot be reached.
        """
        self.close()
        settings = self._settings
        options: dict[str, Any] = {
            "model": settings.model,
            "language": settings.language,
            "encoding": "mulaw",
            "sample_rate": SAMPLE_RATE,
            "channels": 1,
            "interim_results": "true",
            "smart_format": "true",
            "endpointing": settings.endpointing_ms,
            "utterance_end_ms": round(UTTERANCE_END_S * 1000),
            "vad_events": "true",
        }
        if settings.keyterms:
            options["keyterm"] = list(settings.keyterms)
        self._stream = DeepgramStream(self._where, options, settings.timeout_ms / 1000)
        self._sent = self._begin = 0

    def feed(self, pcm: Pcm) -> Hypothesis | None:
        """Take more audio; a hypothesis if Deepgram has sent new words meanwhile.

        Raises:
            ValueError: audio of another shape or dtype; Deepgram refuses the key.
            RemoteError: it cannot be reached, or broke off.
        """
        pcm = checked(pcm)
        if len(pcm):
            if self._stream is None or (self._stream.broken and self._sent == self._begin):
                self.connect()  # idle connections are closed: nothing of this utterance is lost
            self._open().send(mulaw.encode(pcm))
            self._sent += len(pcm)
            self._settled = False
        if self._stream is None or not self._take():
            return None
        return Hypothesis(stable=" ".join(self._final), unstable=self._interim)

    def finish(self) -> Transcript:
        """The words since `reset`: at once if Deepgram has settled them, else when it has.

        Raises:
            RemoteError: Deepgram broke off, or has not spoken in time about all that was sent.
        """
        self._take()
        if self._sent > self._begin and not self._settled:
            self._open().finalize()
            deadline = Deadline(self._where, "transcript", self._settings.timeout_ms)
            while not self._settled and deadline.left_s:
                self._take(deadline)
            if not self._settled:
                if not self._up_to_date:
                    deadline.check()
                remark(f"{self._where.name} did not settle the last words in time")
        return Transcript(" ".join(filter(None, [*self._final, self._interim])))

    def reset(self) -> None:
        """Forget the utterance; what comes late of it is dropped by its time."""
        if self._stream and self._sent > self._begin and not self._settled:
            # Or its last words would come together with the next ones.
            with contextlib.suppress(RemoteError):
                self._stream.finalize()
        self._begin = self._sent
        self._told = 0.0
        """Seconds of audio on this connection up to which Deepgram has spoken about it."""
        self._final: list[str] = []
        self._interim = ""
        self._settled = False

    def close(self) -> None:
        """Hang up."""
        if self._stream is not None:
            self._stream.close()
            self._stream = None

    def _open(self) -> DeepgramStream:
        if self._stream is None:
            raise RemoteError(f"{self._where.name} is not connected", passing=True)
        return self._stream

    @property
    def _up_to_date(self) -> bool:
        """Whether Deepgram has spoken about all that was sent."""
        return self._told + SLACK_S >= self._sent / SAMPLE_RATE

    def _take(self, deadline: Deadline | None = None) -> bool:
        """Take in what Deepgram has sent; whether there was anything of this utterance.

        With a `deadline`, wait until then for something.
        """
        news = False
        while self._stream and (
            result := self._stream.next(deadline.left_s if deadline and not news else 0.0)
        ):
            # Without audio of this utterance in it, it is about the one before.
            if result.end * SAMPLE_RATE > self._begin:
                news = True
                self._note(result)
        return news

    def _note(self, result: Result) -> None:
        if result.is_final:
            self._final += [result.text] if result.text else []
            self._interim = ""
        elif result.text:
            self._interim = result.text
        # The answer to our own `Finalize`; or Deepgram's `speech_final` or `UtteranceEnd`, unless
        # more was sent since.
        self._told = result.end
        self._settled |= result.finalized or (result.speech_over and self._up_to_date)


def build(settings: Settings, context: Context) -> DeepgramAsr:
    """Connect to Deepgram.

    Raises:
        ValueError: a setting out of range, no key or one that is refused, or no deepgram-sdk.
        RemoteError: Deepgram cannot be reached, and there is no fallback.
    """
    check_bounds(settings)
    asr = DeepgramAsr(settings, service(settings.url, settings.api_key_env))
    connect_or_rely(asr.connect, context)
    return asr
