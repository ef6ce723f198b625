"""A local HTTP server that answers as it is told, well or badly."""

import io
import json
import threading
import wave
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

PATIENCE_S = 10.0
"""How long a stalling server waits for its client to go away before a test counts as failed."""


@dataclass
class Request:
    path: str
    headers: dict[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


class Reply:
    """What the server does with one request, through the handler's socket."""

    def __init__(self, handler: BaseHTTPRequestHandler) -> None:
        self._handler = handler
        self.hung_up = threading.Event()

    def send(self, status: int, kind: str, body: str | bytes = b"") -> None:
        data = body.encode() if isinstance(body, str) else body
        self._handler.send_response(status)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Content-Length", str(len(data)))
        self._handler.end_headers()
        self._handler.wfile.write(data)

    def start(self, kind: str) -> None:
        """Begin a body of unknown length, which lasts until the connection is closed."""
        self._handler.send_response(200)
        self._handler.send_header("Content-Type", kind)
        self._handler.send_header("Connection", "close")
        self._handler.end_headers()
        self._handler.close_connection = True

    def write(self, data: str | bytes) -> None:
        self._handler.wfile.write(data.encode() if isinstance(data, str) else data)
        self._handler.wfile.flush()

    def stall(self) -> None:
        """Say nothing more until the client hangs up."""
        self._handler.connection.settimeout(PATIENCE_S)
        if self._handler.connection.recv(1) == b"":
            self.hung_up.set()
        self._handler.close_connection = True

    def drop(self) -> None:
        """Close the connection without a word."""
        self._handler.close_connection = True


Answer = Callable[[Request, Reply], None]


@dataclass
class HttpStandIn:
    """A server on this machine; `answers` are used up one request after the other, then `usual`."""

    usual: Answer
    url: str = ""
    answers: list[Answer] = field(default_factory=list)
    requests: list[Request] = field(default_factory=list)
    replies: list[Reply] = field(default_factory=list)


@contextmanager
def http_stand_in(usual: Answer) -> Iterator[HttpStandIn]:
    """Run one; GET requests are answered with an empty list of models and not noted."""
    stand_in = HttpStandIn(usual)

    class Handler(BaseHTTPRequestHandler):
        protocol_version = "HTTP/1.1"

        def do_GET(self) -> None:
            Reply(self).send(200, "application/json", '{"object": "list", "data": []}')

        def do_POST(self) -> None:
            body = self.rfile.read(int(self.headers["Content-Length"]))
            request = Request(self.path, dict(self.headers.items()), body)
            stand_in.requests.append(request)
            reply = Reply(self)
            stand_in.replies.append(reply)
            answer = stand_in.answers.pop(0) if stand_in.answers else stand_in.usual
            answer(request, reply)

        def log_message(self, *_: object) -> None:
            pass

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    server.daemon_threads = True
    stand_in.url = f"http://127.0.0.1:{server.server_port}/v1"
    threading.Thread(target=server.serve_forever, args=(0.01,), daemon=True).start()
    try:
        yield stand_in
    finally:
        server.shutdown()
        server.server_close()


def status(code: int, body: str = "", kind: str = "application/json") -> Answer:
    """Answer with an HTTP status."""
    return lambda _, reply: reply.send(code, kind, body)


def web_page(_: Request, reply: Reply) -> None:
    """What a wrong address, or a company's proxy, answers."""
    reply.send(200, "text/html", "<!doctype html><title>Welcome</title>")


def nothing(_: Request, reply: Reply) -> None:
    """Accept and never answer."""
    reply.stall()


def dropped(_: Request, reply: Reply) -> None:
    """Close the connection at once."""
    reply.drop()


def chat_event(text: str | None, finish: str | None = None) -> str:
    return delta_event({} if text is None else {"content": text}, finish)


def delta_event(delta: dict[str, Any], finish: str | None = None) -> str:
    choice = {"index": 0, "delta": delta, "finish_reason": finish}
    data = {"object": "chat.completion.chunk", "choices": [choice]}
    return f"data: {json.dumps(data)}\n\n"


def chat(*pieces: str, ending: str = "data: [DONE]\n\n", stalls: bool = False) -> Answer:
    """Answer as a chat server does: role, pieces, reason to finish, [DONE]."""

    def answer(_: Request, reply: Reply) -> None:
        reply.start("text/event-stream; charset=utf-8")
        reply.write(": a comment, as some servers send to keep connections alive\n\n")
        reply.write(chat_event(""))
        for piece in pieces:
            reply.write(chat_event(piece))
        if stalls:
            reply.stall()
        elif ending:
            reply.write(chat_event(None, "stop") + ending)

    return answer


def tool_calls(*calls: tuple[str, str], cut: int = 7, text: str = "") -> Answer:
    """Answer as a chat server does that asks for tools: side by side, the arguments in pieces."""

    def delta(index: int, **function: str) -> dict[str, Any]:
        return {"index": index, "function": function}

    def answer(_: Request, reply: Reply) -> None:
        reply.start("text/event-stream")
        if text:
            reply.write(chat_event(text))
        for index, (name, _arguments) in enumerate(calls):
            opened = {
                **delta(index, name=name, arguments=""),
                "id": f"c{index}",
                "type": "function",
            }
            reply.write(delta_event({"tool_calls": [opened]}))
        longest = max(len(arguments) for _, arguments in calls)
        for start in range(0, longest, cut):
            pieces = [delta(i, arguments=arguments[start : start + cut])
                      for i, (_, arguments) in enumerate(calls) if arguments[start:]]  # fmt: skip
            reply.write(delta_event({"tool_calls": pieces}))
        reply.write(chat_event(None, "tool_calls") + "data: [DONE]\n\n")

    return answer


def transcription(request: Request, reply: Reply) -> None:
    """Answer as a transcription server does: a word for each fifth of a second."""
    sound = request.body[request.body.index(b"RIFF") :]
    with wave.open(io.BytesIO(sound)) as file:
        words = file.getnframes() * 5 // file.getframerate()
    text = " ".join(f"word{number}" for number in range(words))
    reply.send(200, "application/json", json.dumps({"text": text}))
