"""Whole programs in a terminal of their own: from the microphone to the number and back."""

import fcntl
import os
import pty
import re
import select
import socket
import struct
import subprocess
import sys
import termios
import time
from contextlib import contextmanager

import pytest

from tests.voicecli.serve import twilio_stand_in
from tests.voicecli.serve.conftest import PROFILE, TOKEN
from tests.voicecli.serve.twilio_stand_in import NUMBER, OLD, SID

pytestmark = pytest.mark.realtime
_ESCAPES = re.compile(r"\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][A-Z0-9]|\x1b[=>]")


class Terminal:
    """A program that believes that somebody looks at it."""

    def __init__(self, *command, environment):
        self._ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 30, 100, 0, 0))
        self.process = subprocess.Popen(
            command, stdin=theirs, stdout=theirs, stderr=theirs, env=environment,
            start_new_session=True,
        )  # fmt: skip
        os.close(theirs)
        self.shown = ""

    def press(self, keys):
        os.write(self._ours, keys.encode())

    def wait_for(self, pattern, seconds=30):
        """Until it has been on the screen since the last time."""
        until = time.monotonic() + seconds
        while re.search(pattern, self.shown, re.DOTALL) is None:
            assert time.monotonic() < until, f"{pattern!r} is not in:\n{self.shown[-3000:]}"
            self._read(0.2)
        self.shown = ""

    def _read(self, seconds):
        ready, _, _ = select.select([self._ours], [], [], seconds)
        try:
            text = os.read(self._ours, 65_536).decode(errors="replace") if ready else ""
        except OSError:  # the program has ended
            text = ""
        self.shown += _ESCAPES.sub("", text)

    def end(self, seconds=15):
        """The exit code."""
        until = time.monotonic() + seconds
        while self.process.poll() is None and time.monotonic() < until:
            self._read(0.1)
        return self.process.poll()

    def close(self):
        if self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        os.close(self._ours)


@pytest.fixture
def terminal(tmp_path):
    """Run `voicecli` in a terminal, with these secrets in the environment."""

    @contextmanager
    def run(*arguments, **secrets):
        (tmp_path / "brief.toml").write_text(PROFILE)
        environment = {k: v for k, v in os.environ.items() if not k.startswith("TWILIO_")}
        environment |= {"VOICECLI_HOME": str(tmp_path / "home"), "TERM": "xterm-256color"} | secrets
        command = [sys.executable, "-m", "voicecli.cli", *arguments]
        opened = Terminal(*command, "-p", str(tmp_path / "brief.toml"), environment=environment)
        try:
            yield opened
        finally:
            opened.close()

    return run


def test_serve_shows_its_calls_in_a_terminal_and_ends_with_q(terminal):
    with terminal("serve", "--port", "0", "--no-record", "--max-calls", "1") as screen:
        screen.wait_for("ready.*No call yet: voicecli dial ws://127.0.0.1:")
        screen.press("q")
        assert screen.end() == 0
        assert "ready" in screen.shown  # the log stays when the screen is gone


def test_f_puts_the_agent_on_the_number_and_back(terminal):
    with socket.socket() as probe:
        if probe.connect_ex(("127.0.0.1", 8000)) == 0:
            pytest.skip("port 8000, to which one's own tunnel would lead, is in use")
    with twilio_stand_in.running() as twilio:
        secrets = {
            "TWILIO_ACCOUNT_SID": SID, "TWILIO_AUTH_TOKEN": TOKEN,
            "VOICECLI_TWILIO_API": twilio["url"],
        }  # fmt: skip
        arguments = ("talk", "--input", "none", "--output", "none", "--no-record")
        with terminal(*arguments, "--public-url", "https://agent.example", **secrets) as screen:
            screen.wait_for("live")
            screen.press("f")
            screen.wait_for(re.escape(f"ring {NUMBER}"))
            assert twilio["voice_url"] == "https://agent.example/voice"
            screen.press("f")
            screen.wait_for("webhook put back.*live")
            assert twilio["voice_url"] == OLD
            screen.press("q")
            assert screen.end() == 0


def test_talk_on_the_phone_without_an_account_says_what_to_set_and_what_works(terminal):
    with terminal("talk", "--phone") as screen:
        screen.wait_for(
            "set TWILIO_ACCOUNT_SID, TWILIO_AUTH_TOKEN and NGROK_AUTHTOKEN.*voicecli dial ws://"
        )
        assert screen.end() == 2
