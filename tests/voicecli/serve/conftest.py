"""A real server as a child process, and a caller's end to talk to it with."""

import asyncio
import os
import re
import select
import signal
import subprocess
import sys
from contextlib import asynccontextmanager, suppress
from urllib.parse import urlencode
from urllib.request import Request, urlopen

import pytest
from twilio.request_validator import RequestValidator
from websockets.asyncio.client import connect
from websockets.exceptions import ConnectionClosed

from voicecli.carriers.leg import AudioIn, AudioOut, LegEnded, LegStarted, Mark, MarkPlayed
from voicecli.carriers.twilio.codec import CallerEnd

PROFILE = """
name = "brief"

[agent]
greeting = "Hello, how can I help you today?"
apology = "Sorry!"

[vad]
engine = "scripted"

[asr]
engine = "scripted"

[llm]
engine = "scripted"

[tts]
engine = "scripted"
ms_per_char = 20.0

[turn_detectors.scripted]
"""
TOKEN = "0123456789abcdef0123456789abcdef"  # noqa: S105 - made up


class Server:
    """`voicecli serve` on a free port."""

    def __init__(
        self, folder, *options, token=None, account=None, asterisk=None, profile=PROFILE,
        descriptors=None,
    ):  # fmt: skip
        path = folder / "brief.toml"
        path.write_text(profile)
        self.recordings = folder / "calls"
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TWILIO_")}
        if token:
            environment["TWILIO_AUTH_TOKEN"] = token
        if account:
            environment["TWILIO_ACCOUNT_SID"] = account
        if asterisk:
            environment["ASTERISK_PASSWORD"] = asterisk
        command = [
            sys.executable, "-m", "voicecli.cli", "serve", "--profile", str(path),
            "--port", "0", "--out", str(self.recordings), *options,
        ]  # fmt: skip
        if descriptors:
            command = ["sh", "-c", f'ulimit -n {descriptors}; exec "$@"', "sh", *command]
        self._token = token
        self._public = (
            options[options.index("--public-url") + 1] if "--public-url" in options else ""
        )
        self.log = ""
        self.process = subprocess.Popen(
            command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, env=environment
        )
        self.port = int(self.wait_for(r"ready .*?http://127\.0\.0\.1:(\d+)")[1])

    @property
    def http(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def media(self):
        return f"ws://127.0.0.1:{self.port}/media"

    def get(self, path):
        with urlopen(self.http + path, timeout=5) as answer:  # noqa: S310 - our own server
            return answer.status, answer.read().decode()

    def ask_webhook(self, path, **form):
        """What a webhook answers to a signed form."""
        sign = RequestValidator(self._token).compute_signature
        signature = sign((self._public or self.http) + path, form)
        request = Request(self.http + path, urlencode(form).encode())  # noqa: S310
        request.add_header("X-Twilio-Signature", signature)
        with urlopen(request, timeout=5) as answer:  # noqa: S310 - our own server
            return answer.read().decode()

    def metric(self, name):
        _, page = self.get("/metrics")
        found = re.search(rf"^voicecli_{re.escape(name)} (\S+)$", page, re.MULTILINE)
        return float(found[1]) if found else 0.0

    def wait_for(self, pattern, seconds=30):
        """The first match in the log."""
        out = self.process.stdout
        while (found := re.search(pattern, self.log)) is None:
            ready, _, _ = select.select([out], [], [], seconds)
            chunk = os.read(out.fileno(), 65_536).decode() if ready else ""
            if not chunk:
                raise AssertionError(f"{pattern!r} is not in the log:\n{self.log}")
            self.log += chunk
        return found

    def signal(self, number):
        self.process.send_signal(number)

    def wait(self, seconds=15):
        code = self.process.wait(seconds)
        self.log += self.process.stdout.read().decode()
        return code

    def stop(self):
        if self.process.poll() is None:
            self.signal(signal.SIGTERM)
            self.signal(signal.SIGTERM)
            try:
                self.process.wait(10)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
        self.process.stdout.close()


@pytest.fixture
def serve(tmp_path):
    """Start a server with these options."""
    servers = []

    def start(*options, **secrets):
        servers.append(Server(tmp_path, *options, **secrets))
        return servers[-1]

    yield start
    for server in servers:
        server.stop()


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One server for tests that do not change it."""
    running = Server(tmp_path_factory.mktemp("serve"), "--max-calls", "2")
    yield running
    running.stop()


class Phone:
    """The caller's end of one stream."""

    def __init__(self, socket, call_sid):
        self.socket = socket
        self.call_sid = call_sid
        self.end = CallerEnd("MZ" + "1" * 32, "AC1")
        self.heard = b""
        self._sent = 0
        self._echoing = True

    async def begin(self, **parameters):
        await self.say(LegStarted(self.call_sid, parameters))

    async def say(self, message):
        for text in self.end.send(message):
            await self.socket.send(text)

    async def hear(self, kind=AudioOut, seconds=5):
        """The next message of a kind; marks are echoed at once."""
        async with asyncio.timeout(seconds):
            while True:
                (message,) = self.end.receive(await self.socket.recv())
                if isinstance(message, AudioOut):
                    self.heard += message.payload
                if isinstance(message, Mark) and self._echoing:
                    await self.say(MarkPlayed(message.name))
                if isinstance(message, kind):
                    return message

    async def speak(self, seconds):
        """Silence in real time."""
        for _ in range(round(seconds * 50)):
            await self.say(AudioIn(b"\xff" * 160, self._sent))
            self._sent += 20
            await asyncio.sleep(0.02)

    async def closed(self, seconds=8):
        """The code and reason with which the server closes."""
        with suppress(ConnectionClosed):
            while True:
                await self.hear(seconds=seconds)
        return self.socket.close_code, self.socket.close_reason

    async def hang_up(self):
        self._echoing = False
        await self.say(LegEnded())
        return await self.closed()


@asynccontextmanager
async def ring(server, call_sid="CA1", **headers):
    async with connect(server.media, additional_headers=headers, compression=None) as socket:
        yield Phone(socket, call_sid)


@asynccontextmanager
async def call(server, call_sid="CA1"):
    async with ring(server, call_sid) as phone:
        await phone.begin()
        yield phone
