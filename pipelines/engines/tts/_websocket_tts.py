"""A voice behind a WebSocket that stays open, a context for each text.

The connection is made before the first call and, since services close idle ones, once more when a
text finds it closed. What differs between services is in their `Dialect`.
"""

from __future__ import annotations

import base64
import binascii
import contextlib
import json
import uuid
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

import numpy as np

from pipelines.engines.closing import closing
from pipelines.engines.deadline import Deadline
from pipelines.engines.protocols import Pcm, StopSignal
from pipelines.engines.remarks import remark
from pipelines.engines.remote import KEYLESS_LOG, RemoteError, Service
from pipelines.engines.text_normalization.normalizer import normalizer
from pipelines.engines.trimming import SilenceTrimmer

if TYPE_CHECKING:
    from websockets.sync.client import ClientConnection

ATTEMPTS = 2
LOOK_S = 0.01
"""How long to wait for the next message between two looks at the stop signal."""
LEAD_MS, TAIL_MS = 5, 100


@dataclass(frozen=True, slots=True)
class Heard:
    """What one message of the service means."""

    context: str
    audio: str = ""
    """Base64 of 16-bit samples."""
    done: bool = False
    problem: str = ""


class Dialect(Protocol):
    """How a service is spoken to."""

    def say(self, context: str, text: str) -> list[dict[str, Any]]:
        """Messages that have `text` spoken, whole, in a new context."""
        ...

    def cancel(self, context: str) -> dict[str, Any]:
        """The message that has a context forgotten."""
        ...

    def read(self, message: dict[str, Any]) -> Heard:
        """What a message of the service means."""
        ...


class WebSocketTts:
    """One voice of one service."""

    def __init__(
        self,
        where: Service,
        headers: Mapping[str, str],
        dialect: Dialect,
        *,
        sample_rate: int,
        timeout_ms: int,
        language: str,
    ) -> None:
        """`where.url` is the WebSocket's address; `timeout_ms` bounds each wait for audio."""
        self.sample_rate = sample_rate
        self._read = normalizer(language)
        self._where, self._headers, self._dialect = where, dict(headers), dialect
        self._timeout_ms = timeout_ms
        self._connection: ClientConnection | None = None
        self._open = contextlib.ExitStack()
        self._inboxes: dict[str, deque[Heard]] = {}
        """What has come for each text under way: one may be begun while another is unfinished."""

    def connect(self, timeout_s: float | None = None) -> None:
        """Make the connection, within the time that there is for audio if no other is given.

        Raises:
            ValueError: the service refuses the key.
            RemoteError: it cannot be reached, or answers with something else than a WebSocket.
        """
        from websockets.exceptions import InvalidStatus  # noqa: PLC0415 (heavy)
        from websockets.sync.client import connect  # noqa: PLC0415

        self._drop_connection()
        try:
            self._connection = self._open.enter_context(
                connect(
                    self._where.url,
                    additional_headers=self._headers,
                    open_timeout=self._timeout_ms / 1000 if timeout_s is None else timeout_s,
                    close_timeout=0.1,  # nobody waits for a goodbye in the middle of a call
                    compression=None,  # it is base64 of noise-like samples
                    logger=KEYLESS_LOG,
                )
            )
        except InvalidStatus as error:
            status, body = error.response.status_code, error.response.body or b""
            refused = self._where.refused(status, body.decode("utf-8", "replace"))
            raise (ValueError(str(refused)) if status in {401, 403} else refused) from None
        except Exception as error:  # edge: refused, unreachable, silent, no HTTP at all
            raise self._where.failed(error) from error

    def synthesize(self, text: str, stop: StopSignal) -> Iterator[Pcm]:
        """Audio of `text` in chunks as they arrive; `stop` cancels the text at the service.

        A text that fails before its first sound, in a way that may pass, is sent once more.

        Raises:
            RemoteError: the service cannot be reached, refuses, sends no audio for too long or none
                at all, or breaks off.
            ValueError: it refuses the key.
        """
        text = " ".join(text.encode("utf-8", "replace").decode().split())
        if not any(char.isalnum() for char in text):
            return
        text = self._read(text)
        deadline = Deadline(self._where, "audio", self._timeout_ms)
        for attempt in range(1, ATTEMPTS + 1):
            begun = False
            try:
                with closing(self._trimmed(text, stop, deadline)) as chunks:
                    for audio in chunks:
                        begun = True
                        yield audio
                        deadline.restart()
            except RemoteError as error:
                if begun or attempt == ATTEMPTS or not error.passing or stop.is_set():
                    raise
                remark(f"{error}; said once more")
                self._drop_connection()
            else:
                return

    def _trimmed(self, text: str, stop: StopSignal, deadline: Deadline) -> Iterator[Pcm]:
        lead, tail = (self.sample_rate * ms // 1000 for ms in (LEAD_MS, TAIL_MS))
        trimmer = SilenceTrimmer(lead=lead, tail=tail)
        with closing(self._chunks(text, stop, deadline)) as chunks:
            for chunk in chunks:
                if len(audible := trimmer.feed(chunk)):
                    yield audible
        if stop.is_set():
            return
        if not len(rest := trimmer.finish()):
            raise RemoteError(f"{self._where.name} made no sound of a text", passing=True)
        yield rest

    def _chunks(self, text: str, stop: StopSignal, deadline: Deadline) -> Iterator[Pcm]:
        if stop.is_set():
            return
        context = uuid.uuid4().hex
        self._inboxes[context] = deque()
        done, odd = False, b""
        try:
            if self._connection is None:
                self.connect(deadline.left_s)
            for message in self._dialect.say(context, text):
                self._send(message)
            while not done and (heard := self._next(context, stop, deadline)) is not None:
                if heard.problem:
                    problem = self._where.without_key(heard.problem)[:160]
                    done = True
                    raise RemoteError(f"{self._where.name}: {problem}", passing=False)
                done = heard.done
                data = odd + self._decoded(heard.audio)
                data, odd = data[: len(data) // 2 * 2], data[len(data) // 2 * 2 :]
                if data and not stop.is_set():
                    yield np.frombuffer(data, "<i2").astype(np.float32) / 32768.0
        finally:
            del self._inboxes[context]
            if not done:
                with contextlib.suppress(RemoteError, ValueError):
                    self._send(self._dialect.cancel(context))

    def _send(self, message: dict[str, Any]) -> None:
        if self._connection is None:
            return  # what waits for the answer finds out
        try:
            self._connection.send(json.dumps(message))
        except Exception as error:  # edge: whatever a broken connection raises
            self._drop_connection()
            raise self._where.failed(error) from error

    def _next(self, context: str, stop: StopSignal, deadline: Deadline) -> Heard | None:
        """The next message for a context; None once `stop` is set."""
        while not stop.is_set():
            deadline.check()
            if self._inboxes[context]:
                return self._inboxes[context].popleft()
            self._receive()
        return None

    def _receive(self) -> None:
        """Wait a moment for a message and put it where it belongs."""
        if self._connection is None:
            raise RemoteError(f"{self._where.name} broke off in the middle", passing=True)
        try:
            message = self._connection.recv(timeout=LOOK_S)
        except TimeoutError:
            return
        except Exception as error:  # edge: as above
            self._drop_connection()
            raise self._where.failed(error) from error
        try:
            heard = self._dialect.read(json.loads(message))
        except (ValueError, AttributeError, TypeError):
            raise RemoteError(f"{self._where.name} sent no JSON object", passing=False) from None
        # What comes without a context, as errors may, is for whoever is waiting.
        for inbox in self._inboxes if not heard.context else [heard.context]:
            if inbox in self._inboxes:  # the rest of a text that was cancelled is for nobody
                self._inboxes[inbox].append(heard)

    def _decoded(self, audio: str) -> bytes:
        try:
            return base64.b64decode(audio, validate=True)
        except (binascii.Error, TypeError):
            raise RemoteError(f"{self._where.name} sent damaged audio", passing=False) from None

    def _drop_connection(self) -> None:
        self._connection = None
        self._open.close()
