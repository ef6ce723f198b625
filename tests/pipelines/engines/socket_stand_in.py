"""A local WebSocket server that answers as it is told."""

import base64
import http
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.sync.server import ServerConnection, serve

Session = Callable[[ServerConnection, dict[str, Any]], None]
"""What to do with a message on a connection."""


@dataclass
class SocketStandIn:
    """A server on this machine; `refusals` are used up one handshake after the other."""

    answer: Session
    url: str = ""
    refusals: list[Response] = field(default_factory=list)
    handshakes: list[Request] = field(default_factory=list)
    messages: list[dict[str, Any]] = field(default_factory=list)
    binary: list[bytes] = field(default_factory=list)
    arrived: threading.Condition = field(default_factory=threading.Condition)

    def wait_for(self, wanted: Callable[[], bool], seconds: float = 5.0) -> bool:
        """Wait until messages that satisfy `wanted` have come."""
        with self.arrived:
            return self.arrived.wait_for(wanted, seconds)


@contextmanager
def socket_stand_in(answer: Session) -> Iterator[SocketStandIn]:
    stand_in = SocketStandIn(answer)

    def shake_hands(_: ServerConnection, request: Request) -> Response | None:
        stand_in.handshakes.append(request)
        return stand_in.refusals.pop(0) if stand_in.refusals else None

    def talk(connection: ServerConnection) -> None:
        try:
            for data in connection:
                message = {"audio": data} if isinstance(data, bytes) else json.loads(data)
                with stand_in.arrived:
                    if isinstance(data, bytes):
                        stand_in.binary.append(data)
                    else:
                        stand_in.messages.append(message)
                    stand_in.arrived.notify_all()
                stand_in.answer(connection, message)
        except ConnectionClosed:
            pass

    with serve(talk, "127.0.0.1", 0, process_request=shake_hands, close_timeout=0.1) as server:
        stand_in.url = f"ws://127.0.0.1:{server.socket.getsockname()[1]}"
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield stand_in


def refusal(status: int, body: str = "") -> Response:
    """An HTTP answer in place of a WebSocket."""
    headers = Headers({"Content-Length": str(len(body)), "Connection": "close"})
    return Response(status, http.HTTPStatus(status).phrase, headers, body.encode())


def tone(text: str, rate: int) -> list[bytes]:
    """60 ms of 16-bit tone for each character, in pieces that cut samples in two."""
    time = np.arange(int(len(text) * 0.06 * rate)) / rate
    samples = (8000 * np.sin(2 * np.pi * 220 * time)).astype("<i2").tobytes()
    size = 4001
    return [samples[start : start + size] for start in range(0, len(samples), size)]


def cartesia(connection: ServerConnection, message: dict[str, Any]) -> None:
    """Answer as Cartesia does."""
    if message.get("cancel"):
        return
    context = message["context_id"]
    for piece in tone(message["transcript"], message["output_format"]["sample_rate"]):
        data = base64.b64encode(piece).decode()
        chunk = {"type": "chunk", "data": data, "done": False, "context_id": context}
        connection.send(json.dumps(chunk))
    connection.send(json.dumps({"type": "done", "done": True, "context_id": context}))


def elevenlabs(connection: ServerConnection, message: dict[str, Any]) -> None:
    """Answer as ElevenLabs does at 16 kHz: audio on a flush, the end on closing."""
    context = message["context_id"]
    if message.get("flush"):
        for piece in tone(message["text"].strip(), 16000):
            audio = {"audio": base64.b64encode(piece).decode(), "contextId": context}
            connection.send(json.dumps(audio))
    if message.get("close_context"):
        connection.send(json.dumps({"isFinal": True, "contextId": context}))


class Deepgram:
    """Answer as Deepgram does: a word for each fifth of a second since the last ones settled."""

    def __init__(self) -> None:
        self.received = self.settled = 0

    def __call__(self, connection: ServerConnection, message: dict[str, Any]) -> None:
        if "audio" in message:
            self.received += len(message["audio"])
            connection.send(json.dumps(self.results()))
        elif message["type"] == "Finalize":
            connection.send(json.dumps(self.results(is_final=True, from_finalize=True)))
            self.settled = self.received

    def results(self, **flags: bool) -> dict[str, Any]:
        words = [f"word{n}" for n in range((self.received - self.settled) * 5 // 8000)]
        alternative = {"transcript": " ".join(words), "confidence": 0.9, "words": []}
        return {
            "type": "Results",
            "channel_index": [0, 1],
            "start": self.settled / 8000,
            "duration": (self.received - self.settled) / 8000,
            "is_final": False,
            "speech_final": False,
            "channel": {"alternatives": [alternative]},
            "metadata": {"request_id": "", "model_info": {}, "model_uuid": ""},
            **flags,
        }
