"""No sound card, one that goes away, a closed terminal, a full disk: never a traceback."""

import fcntl
import os
import pty
import re
import signal
import subprocess
import sys
import termios
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from tests.voicecli import virtual_sound_card
from tests.voicecli.virtual_sound_card import virtual_card
from tests.waiting import wait_for
from voicecli.profile import load_profile
from voicecli.recording.bundle import read_bundle
from voicecli.talk.live_call import LiveCall, Stage
from voicecli.talk.setting import TalkSetting
from voicecli.transports.sound_card import SoundCard
from voicecli.transports.sound_card_clock_drift import Incoming
from voicecli.transports.sound_card_devices import SoundCardError, find_device, portaudio
from voicecli.transports.sound_card_streams import InputStream, OutputStream

WHY_NOT = virtual_sound_card.missing()
PROGRAM = Path(sys.executable).with_name("voicecli")
ROOT = Path(__file__).parents[3]

pytestmark = pytest.mark.realtime
on_a_card = pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)


def headless(*arguments: object, **environment: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [PROGRAM, "talk", "--headless", "--profile", "scripted", "--for", "1",
         *map(str, arguments)],
        capture_output=True, text=True, timeout=60, check=False,
        env={**os.environ, **environment},
    )  # fmt: skip


@pytest.fixture
def no_portaudio(tmp_path) -> dict[str, str]:
    """The environment of a computer on which the library is not installed."""
    hidden = "import ctypes.util\nctypes.util.find_library = lambda name: None\n"
    (tmp_path / "hide").mkdir()
    (tmp_path / "hide" / "sitecustomize.py").write_text(hidden)
    return {"PYTHONPATH": os.pathsep.join([str(tmp_path / "hide"), os.getenv("PYTHONPATH", "")])}


@pytest.fixture
def no_devices(tmp_path) -> dict[str, str]:
    """The environment of a computer whose sound system has nothing to offer."""
    return {"PULSE_SERVER": "unix:/nonexistent", "XDG_RUNTIME_DIR": str(tmp_path)}


class TestWithoutASoundCard:
    def test_without_portaudio_it_says_how_to_get_it_and_nothing_else(self, no_portaudio):
        done = headless("--no-record", **no_portaudio)
        assert done.returncode == 11
        [sentence] = done.stderr.strip().splitlines()
        assert "apt-get install libportaudio2" in sentence
        assert sentence.endswith("voicecli talk --text")
        assert done.stdout == ""

    def test_without_portaudio_files_and_typing_still_work(self, no_portaudio, tmp_path):
        done = headless("--output", tmp_path / "a.wav", "--record", tmp_path, **no_portaudio)
        assert done.returncode == 0, done.stderr
        assert "PortAudio" in done.stdout
        assert "voicecli replay" in done.stdout

    @on_a_card
    def test_without_any_device_it_names_what_works_without_one(self, no_devices):
        done = headless("--no-record", **no_devices)
        assert done.returncode == 11
        assert done.stdout == ""
        [sentence] = done.stderr.strip().splitlines()
        assert "no loudspeaker; --output FILE works without one" in sentence
        assert sentence.endswith("voicecli talk --text")

    @on_a_card
    def test_without_a_microphone_it_says_so_and_the_call_goes_on(self, no_devices, tmp_path):
        done = headless("--output", "none", "--record", tmp_path, **no_devices)
        assert done.returncode == 0, done.stderr
        assert done.stdout.startswith("This computer has no microphone: press t to type")


@pytest.fixture(scope="module")
def card():
    with virtual_card() as virtual:
        yield virtual


@on_a_card
class TestDevices:
    def test_a_device_that_is_busy_is_named_with_what_to_do(self, card, monkeypatch):
        def busy(**_):
            raise portaudio().PortAudioError("Error opening InputStream: Device unavailable", -9985)

        monkeypatch.setattr(portaudio(), "InputStream", busy)
        with pytest.raises(SoundCardError, match=r"Device unavailable.*close other programs"):
            SoundCard(None, None, print)

    @pytest.mark.parametrize("rate", [11_025, 22_050, 96_000, 192_000])
    def test_any_rate_is_resampled_to_the_calls(self, card, rate):
        sink = OutputStream(replace(find_device("output", None), rate=rate))
        source = InputStream(replace(find_device("input", None), rate=rate))
        try:
            assert wait_for(lambda: source.callbacks > 1 and sink.callbacks > 1)
            source.live = True
            incoming = Incoming(source.ring, rate)
            incoming.restart()
            assert wait_for(lambda: source.ring.written > rate * 0.2)
            frames = [incoming.frame() for _ in range(5)]
            assert {frame.shape for frame in frames} == {(160,)}
        finally:
            sink.close()
            source.close()

    def test_an_interface_of_32_channels_is_used_like_any_other(self, card):
        module = card.load("module-null-sink", "sink_name=wide", "channels=32", "rate=192000")
        card._run("pactl", "set-default-sink", "wide")
        pair = SoundCard(None, None, print)
        try:
            assert find_device("output", None).channels == 32
            assert wait_for(lambda: pair.running)
            pair.go_live()
            heard = [pair.listen()[0] for _ in range(5)]
            delay = pair.say(np.zeros(160, np.float32))
            assert len(heard) == 5
            assert 0 <= delay < 1
        finally:
            pair.close()
            card._run("pactl", "set-default-sink", "speaker")
            card.unload(module)


@on_a_card
def test_a_call_survives_each_device_and_then_the_sound_system_going_away():
    """Unplugged for real: sink, source, at last the whole daemon, which then comes back."""
    notices: list[str] = []
    with virtual_card() as card:
        call = LiveCall(TalkSetting(load_profile("scripted"), "clean"), notices.append)
        call.start()
        assert wait_for(lambda: call.stage is Stage.TALKING and call.now > 1_000_000_000)

        def goes_on(seconds: float) -> bool:
            since = call.now
            return wait_for(lambda: call.now - since > seconds * 1e9, 3 * seconds)

        card.unload(card.number_of("sink_name=speaker"))
        assert goes_on(1)
        card.load("module-null-sink", "sink_name=headset")
        card._run("pactl", "set-default-sink", "headset")
        card.unload(card.number_of("source_name=mic"))
        assert goes_on(1)
        assert call.error is None
        card.stop_system()
        assert wait_for(lambda: any("unplugged" in notice for notice in notices))
        assert wait_for(lambda: call.device_names == ("none", "none"))
        assert goes_on(1)
        card.start_system()
        card.load("module-null-sink", "sink_name=speaker")
        assert wait_for(lambda: notices[-1].startswith("Now using"))
        assert goes_on(1)
        call.hang_up()
        assert call.join(10)
    assert call.error is None


class Terminal:
    """A pseudo-terminal with voicecli on its screen."""

    def __init__(self, record: Path, columns: int, rows: int) -> None:
        self._end, self.theirs = pty.openpty()
        size = rows.to_bytes(2, "little") + columns.to_bytes(2, "little") + bytes(4)
        fcntl.ioctl(self.theirs, termios.TIOCSWINSZ, size)
        self.before = termios.tcgetattr(self.theirs)
        self._seen = bytearray()
        command = [PROGRAM, "talk", "--profile", "scripted", "--input", "none", "--output", "none"]
        self.process = subprocess.Popen(
            [*command, "--record", record],
            stdin=self.theirs, stdout=self.theirs, stderr=self.theirs,
            start_new_session=True, env={**os.environ, "TERM": "xterm-256color"},
            preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0),  # noqa: PLW1509 - no lock in it
        )  # fmt: skip
        threading.Thread(target=self._read, daemon=True).start()

    def _read(self) -> None:
        try:
            while piece := os.read(self._end, 65_536):
                self._seen += piece
        except OSError:
            pass  # closed

    def press(self, keys: bytes) -> None:
        os.write(self._end, keys)

    def shows(self, text: str, seconds: float = 30) -> bool:
        return wait_for(lambda: text in self.text, seconds)

    @property
    def text(self) -> str:
        return re.sub(r"\x1b\[[0-9;?<>=]*[A-Za-z]", "", self._seen.decode("utf-8", "replace"))

    @property
    def restored(self) -> bool:
        off = b"\x1b[?1049l"
        return termios.tcgetattr(self.theirs) == self.before and off in self._seen

    def close(self) -> None:
        os.close(self._end)
        self._end = -1

    def put_away(self) -> None:
        if self.process.poll() is None:
            self.process.kill()
        self.process.wait()
        if self._end >= 0:
            self.close()
        os.close(self.theirs)


@contextmanager
def terminal(record: Path, columns: int = 80, rows: int = 24) -> Iterator[Terminal]:
    opened = Terminal(record, columns, rows)
    try:
        assert opened.shows("agent speaks" if rows >= 18 else "Hello"), opened.text[-2000:]
        yield opened
    finally:
        opened.put_away()


def the_call(record: Path):
    [folder] = record.iterdir()
    return read_bundle(folder)


class TestTheTerminal:
    def test_q_quits_with_a_summary_and_the_command_that_replays_the_call(self, tmp_path):
        with terminal(tmp_path / "calls") as screen:
            screen.press(b"q")
            assert screen.process.wait(15) == 0
            assert screen.shows("voicecli replay '")
            assert screen.restored
            assert "Traceback" not in screen.text
        assert not the_call(tmp_path / "calls").header.partial

    def test_ctrl_c_twice_quits_at_once_and_restores_the_terminal(self, tmp_path):
        with terminal(tmp_path / "calls") as screen:
            screen.press(b"\x03\x03")
            assert screen.process.wait(15) == 0
            assert screen.restored
            assert "Traceback" not in screen.text
        assert not the_call(tmp_path / "calls").header.partial

    @pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
    def test_a_closed_terminal_ends_the_call_and_its_recording_is_whole(self, tmp_path, number):
        with terminal(tmp_path / "calls") as screen:
            if number == signal.SIGHUP:
                screen.close()  # the system sends the signal, and the terminal is gone
            else:
                screen.process.send_signal(number)
            screen.process.wait(15)
        bundle = the_call(tmp_path / "calls")
        assert not bundle.header.partial
        assert type(bundle.entries[-1]).__name__ == "CallEnded"

    def test_a_terminal_of_40_by_10_shows_the_conversation(self, tmp_path):
        with terminal(tmp_path / "calls", 40, 10) as screen:
            screen.press(b"q")
            assert screen.process.wait(15) == 0
            assert screen.restored
            assert "Traceback" not in screen.text


def test_a_disk_that_fills_up_costs_one_sentence_and_the_call_goes_on(tmp_path):
    small = tmp_path / "small"
    small.mkdir()
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", small], capture_output=True, check=False
    )
    if mounted.returncode:
        pytest.skip("only root may mount a small disk")
    try:
        done = headless("--for", 5, "--input", "none", "--output", "none", "--record", small)
        said = " ".join(done.stdout.split())
        assert done.returncode == 7
        assert said.count("No space left on device") == 1
        assert "The call goes on." in said
        assert "call 5." in said
        [kept] = small.iterdir()
        assert read_bundle(kept).header.partial
    finally:
        subprocess.run(["umount", small], check=True)
