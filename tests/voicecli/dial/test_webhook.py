"""A webhook that means harm: a sentence, in bounded time and memory."""

import asyncio
import gzip
import socket
import threading
from contextlib import suppress

import pytest

from voicecli.carriers.errors import DialError
from voicecli.carriers.twilio import dialler
from voicecli.carriers.twilio.dialler import TwilioDialler
from voicecli.dial import phone

OK = b"HTTP/1.1 200 OK\r\nContent-Type: text/xml\r\n"
TWIML = b'<Response><Connect><Stream url="ws://127.0.0.1:1/"/></Connect></Response>'
STREAM = OK + b"Content-Length: %d\r\n\r\n%s" % (len(TWIML), TWIML)


class Answering:
    """Whoever asks is sent these bytes, and then these again and again until they go."""

    def __init__(self, first, again=b""):
        self.sent = 0
        self._say = first, again
        self._peers = []
        self._listener = socket.create_server(("127.0.0.1", 0))
        self.url = f"http://127.0.0.1:{self._listener.getsockname()[1]}/voice"
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        first, again = self._say
        with suppress(OSError):
            while True:
                peer, _ = self._listener.accept()
                self._peers.append(peer)
                threading.Thread(
                    target=self._answer, args=(peer, first, again), daemon=True
                ).start()

    def _answer(self, peer, first, again):
        with suppress(OSError):
            peer.recv(65_536)
            peer.sendall(first)
            while again:
                peer.sendall(again)
                self.sent += len(again)
            while peer.recv(65_536):
                pass

    def close(self):
        for end in (self._listener, *self._peers):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
            end.close()


@pytest.fixture
def ask(monkeypatch):
    """What `find_stream` makes of a webhook that answers so."""
    monkeypatch.setattr(dialler, "_TIMEOUT_S", 1.0)
    monkeypatch.setattr(phone, "_CONNECT_S", 1.0)
    servers = []

    def ask(first, again=b""):
        servers.append(Answering(first, again))
        return asyncio.run(phone.find_stream(TwilioDialler(None), servers[-1].url, "CA1"))

    ask.servers = servers
    yield ask
    for server in servers:
        server.close()


def test_twiml_is_followed(ask):
    assert ask(STREAM).url == "ws://127.0.0.1:1/"


@pytest.mark.parametrize(
    ("first", "again"),
    [
        (OK + b"\r\n", b"a" * 65_536),
        (OK + b"Transfer-Encoding: chunked\r\n\r\n", b"10000\r\n" + b"a" * 65_536 + b"\r\n"),
        (b"HTTP/1.1 307 x\r\nLocation: /voice\r\n\r\n", b"a" * 65_536),
        (OK, b"X: " + b"a" * 60_000 + b"\r\n"),
        (b"HTTP/1.1 200 OK\r\nX: ", b"a"),
        (b"", b"HTTP/1.1 100 Continue\r\n\r\n"),
        (OK + b"Content-Length: 60000\r\n\r\n", b""),
        (b"", b""),
    ],
    ids=["body", "chunks", "redirection's body", "head", "header", "continue", "half", "nothing"],
)
def test_what_never_ends_does_so_for_us(ask, first, again):
    with pytest.raises(DialError, match=r"instead of TwiML|has not answered|does not answer"):
        ask(first, again)
    assert ask.servers[-1].sent < 64_000_000


@pytest.mark.parametrize(
    "answer",
    [
        OK + b"Content-Encoding: gzip\r\n\r\n" + gzip.compress(TWIML + b" " * 50_000_000),
        b"HTTP/1.1 307 x\r\nLocation: file:///etc/passwd\r\nContent-Length: 0\r\n\r\n",
        OK + b"Content-Length: 60000\r\n\r\n" + b"<a>" * 20_000,
        OK + b"Content-Length: 41\r\n\r\n<?xml version='1.0' encoding='no-such'?><",
        OK + b"Content-Length: 40\r\n\r\n<?xml version='1.0' encoding='utf-7'?><a",
        OK + b"Content-Type: text/xml; charset=no-such\r\nContent-Length: 2\r\n\r\n\xff\xfe",
        STREAM.replace(b"ws://127.0.0.1:1/", b"abcdefgh&#x110000;"),
    ],
    ids=["packed", "file", "deep", "encoding", "multi-byte encoding", "charset", "character"],
)
def test_what_is_no_twiml_is_a_sentence(ask, answer):
    with pytest.raises(DialError) as refused:
        ask(answer)
    assert len(str(refused.value)) < 300


def test_a_redirection_that_leads_to_twiml_is_followed(ask):
    onward = Answering(STREAM)
    head = f"HTTP/1.1 307 x\r\nLocation: {onward.url}\r\nContent-Length: 0\r\n\r\n"
    assert ask(head.encode()).url == "ws://127.0.0.1:1/"
    onward.close()
