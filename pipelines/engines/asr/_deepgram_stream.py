"""One connection to Deepgram, kept alive and read on threads of its own."""

from __future__ import annotations

import contextlib
import threading
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from typing import Any

from pipelines.engines.remote import RemoteError, Service

UTTERANCE_END_S = 1.0
"""Silence between words after which Deepgram says that the utterance has ended."""
KEEP_ALIVE_S = 4.0
"""Deepgram hangs up after 10 s without audio or a sign of life."""


@dataclass(frozen=True, slots=True)
class Result:
    """One message about what was said."""

    text: str
    end: float
    """Seconds of audio since the connection was made, up to which it tells everything."""
    is_final: bool
    """Whether these words no longer change."""
    speech_over: bool = False
    """Whether the speaker has fallen silent, as Deepgram sees it."""
    finalized: bool = False
    """Whether it answers our own request for the last words."""


class DeepgramStream:
    """Sends µ-law audio and gives results, of which there are a few for each second of audio."""

    def __init__(self, where: Service, options: dict[str, Any], timeout_s: float) -> None:
        """Connect.

        Raises:
            ValueError: the client is not installed, or Deepgram refuses the key.
            RemoteError: it cannot be reached, or not in time.
        """
        self._where, self._timeout_s = where, timeout_s
        self._results: SimpleQueue[Result | RemoteError] = SimpleQueue()
        self._closed = threading.Event()
        self.broken = False
        self._open = contextlib.ExitStack()
        self._socket = self._connect(options)
        for work in (self._read, self._keep_alive):
            threading.Thread(target=work, name="deepgram", daemon=True).start()

    def send(self, audio: bytes) -> None:
        """Send µ-law audio; raises RemoteError if the connection is broken."""
        self._do(lambda: self._socket.send_media(audio))

    def finalize(self) -> None:
        """Ask for the last words of what was sent; raises RemoteError as `send`."""
        self._do(self._socket.send_finalize)

    def next(self, wait_s: float) -> Result | None:
        """The next result, if there is one within so many seconds.

        Raises:
            RemoteError: the connection broke.
        """
        try:
            result = self._results.get(block=wait_s > 0, timeout=wait_s)
        except Empty:
            return None
        if isinstance(result, RemoteError):
            self._results.put(result)  # for whoever asks again
            raise result
        return result

    def close(self) -> None:
        """Hang up."""
        self._closed.set()
        with contextlib.suppress(Exception):
            self._open.close()

    def _connect(self, options: dict[str, Any]) -> Any:
        client = _client(self._where)
        from websockets.exceptions import InvalidStatus  # noqa: PLC0415 (heavy)

        try:
            connection = client.listen.v1.connect(**options)
            return self._within_time(lambda: self._open.enter_context(connection))
        except InvalidStatus as error:
            status = error.response.status_code
            refused = self._where.refused(status)
            raise (ValueError(str(refused)) if status in {401, 403} else refused) from None
        except Exception as error:  # edge: unreachable, silent, no HTTP at all
            raise self._where.failed(error) from error

    def _within_time(self, connect: Callable[[], Any]) -> Any:
        """What `connect` gives; the client itself would wait for 10 s.

        A connection that is made too late is hung up by Deepgram, which never hears from it.
        """
        made: SimpleQueue[Any] = SimpleQueue()

        def work() -> None:
            try:
                made.put(connect())
            except Exception as error:  # noqa: BLE001 (carried over to the caller's thread)
                made.put(error)

        threading.Thread(target=work, name="deepgram", daemon=True).start()
        try:
            result = made.get(timeout=self._timeout_s)
        except Empty:
            raise TimeoutError(f"silent for {self._timeout_s:g} s") from None
        if isinstance(result, Exception):
            raise result
        return result

    def _do(self, work: Callable[[], None]) -> None:
        try:
            work()
        except Exception as error:  # edge: whatever a broken connection raises
            self.broken = True
            raise self._where.failed(error) from error

    def _read(self) -> None:
        try:
            for message in self._socket:
                if result := _result(message):
                    self._results.put(result)
            problem = RemoteError(f"{self._where.name} hung up", passing=True)
        except Exception as error:  # noqa: BLE001 (edge: carried over to the caller's thread)
            problem = self._where.failed(error)
        self.broken = True
        if not self._closed.is_set():
            self._results.put(problem)

    def _keep_alive(self) -> None:
        while not self._closed.wait(KEEP_ALIVE_S) and not self.broken:
            with contextlib.suppress(Exception):  # the reader will say what is wrong
                self._socket.send_keep_alive()


def _client(where: Service) -> Any:
    """Deepgram's client, with the part of it that listens loaded."""
    try:
        with warnings.catch_warnings():
            # Its asynchronous half, which is not used here, is made of names that websockets has
            # deprecated; they still work.
            warnings.simplefilter("ignore", DeprecationWarning)
            import deepgram.listen.v1.client  # noqa: PLC0415 (heavy, and an extra)
            from deepgram.environment import DeepgramClientEnvironment  # noqa: PLC0415
    except ImportError:
        raise ValueError(
            "deepgram-sdk is not installed; get it with: pip install 'voicecli[remote]'"
        ) from None
    url = where.url
    environment = DeepgramClientEnvironment(base=url, production=url, agent=url, agent_rest=url)
    return deepgram.DeepgramClient(api_key=where.key, environment=environment)


def _result(message: Any) -> Result | None:
    """What a message says of speech; None for those about other things."""
    match getattr(message, "type", ""):
        case "Results":
            alternatives = message.channel.alternatives
            return Result(
                text=alternatives[0].transcript.strip() if alternatives else "",
                end=message.start + message.duration,
                is_final=bool(message.is_final),
                speech_over=bool(message.speech_final),
                finalized=bool(message.from_finalize),
            )
        case "UtteranceEnd":
            known = message.last_word_end + UTTERANCE_END_S
            return Result("", known, is_final=False, speech_over=True)
        case _:
            return None
