"""A microphone and a loudspeaker on a machine that has neither: PulseAudio's null sinks."""

import os
import shutil
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path

NEEDED = ("pulseaudio", "pactl", "paplay", "parecord", "pacat")


def missing() -> str:
    """Why there can be no virtual sound card here, or nothing."""
    lacking = [tool for tool in NEEDED if shutil.which(tool) is None]
    if lacking:
        return f"a virtual sound card needs {', '.join(lacking)}: apt-get install pulseaudio-utils"
    try:
        import sounddevice  # noqa: F401, PLC0415 - whether PortAudio is there
    except OSError:
        return "PortAudio is missing: apt-get install libportaudio2"
    return ""


class VirtualCard:
    """The loudspeaker `speaker` and the microphone `mic`, in which `mic_feed` is heard."""

    def __init__(self, folder: Path, stack: ExitStack) -> None:
        self._stack = stack
        self.environment = {
            **os.environ,
            "XDG_RUNTIME_DIR": str(folder),
            "XDG_CONFIG_HOME": str(folder),
        }
        (folder / "pulse").mkdir()
        (folder / "pulse" / "client.conf").write_text("autospawn = no\n")
        self.start_system()
        with suppress(subprocess.CalledProcessError):  # a daemon without it does not suspend
            self._run("pactl", "unload-module", "module-suspend-on-idle")
        self.load("module-null-sink", "sink_name=speaker")
        self.load("module-null-sink", "sink_name=mic_feed")
        self.load("module-remap-source", "source_name=mic", "master=mic_feed.monitor")
        self._run("pactl", "set-default-sink", "speaker")
        self._run("pactl", "set-default-source", "mic")
        for sink in ("speaker", "mic_feed"):  # a null sink nobody hurries works two seconds ahead
            self.start("pacat", "--playback", f"--device={sink}", "--latency-msec=10", "/dev/zero")

    def load(self, *module: str) -> str:
        """Load a module; its number."""
        return self._run("pactl", "load-module", *module)

    def number_of(self, argument: str) -> str:
        """The number of the module that was loaded with this argument."""
        modules = self._run("pactl", "list", "short", "modules").splitlines()
        return next(line.split("\t")[0] for line in modules if argument in line.split())

    def unload(self, module: str) -> None:
        """Unload a module by its number."""
        self._run("pactl", "unload-module", module)

    def start(self, *command: str) -> "subprocess.Popen[bytes]":
        """Run a program until the card is put away."""
        process = subprocess.Popen(
            command, env=self.environment, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
        )
        self._stack.callback(process.wait)
        self._stack.callback(process.terminate)
        return process

    def speak(self, path: Path) -> "subprocess.Popen[bytes]":
        """Play a file into the microphone."""
        return self.start("paplay", "--device=mic_feed", "--latency-msec=20", str(path))

    def hear_speaker(self, level_db: float) -> None:
        """Have the microphone hear the loudspeaker at that level, as in a room."""
        # A room's delay does not change; without adjust_time=0 PulseAudio's does, by resampling.
        self.load(
            "module-loopback", "source=speaker.monitor", "sink=mic_feed", "latency_msec=30",
            "adjust_time=0",
        )  # fmt: skip
        loop = self._run("pactl", "list", "short", "sink-inputs").splitlines()[-1].split()[0]
        self._run("pactl", "set-sink-input-volume", loop, f"{level_db}dB")

    def record(self, path: Path) -> "subprocess.Popen[bytes]":
        """Record what the loudspeaker plays, until terminated: mono, 16-bit, 8000 Hz."""
        return self.start(
            "parecord", "--device=speaker.monitor", "--rate=8000", "--channels=1",
            "--format=s16le", "--file-format=wav", "--latency-msec=20", str(path),
        )  # fmt: skip

    def start_system(self) -> None:
        """Start the sound system, which has no devices yet."""
        # Our own child, to be waited for: a daemon still writes while its folder is removed.
        daemon = self._system = self.start("pulseaudio", "--daemonize=no", "--exit-idle-time=-1")
        ready_by = time.monotonic() + 20
        while daemon.poll() is None and time.monotonic() < ready_by:
            with suppress(subprocess.CalledProcessError):
                self._run("pactl", "info")
                return
            time.sleep(0.05)
        msg = f"pulseaudio did not start (status {daemon.poll()})"
        raise RuntimeError(msg)

    def stop_system(self) -> None:
        """Have the whole sound system go away."""
        self._system.terminate()
        self._system.wait()

    def _run(self, *command: str) -> str:
        done = subprocess.run(
            command, env=self.environment, capture_output=True, text=True, check=True, timeout=20
        )
        return done.stdout.strip()


@contextmanager
def virtual_card() -> Iterator[VirtualCard]:
    """A sound card of its own, with this process's environment pointed at it."""
    with ExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="card-")))
        card = VirtualCard(folder, stack)
        before = dict(os.environ)
        os.environ.update(card.environment)
        try:
            _rescan()
            yield card
        finally:
            os.environ.clear()
            os.environ.update(before)
            _rescan()


def _rescan() -> None:
    import sounddevice  # noqa: PLC0415 - PortAudio looks for devices when it is loaded

    sounddevice._terminate()
    sounddevice._initialize()
