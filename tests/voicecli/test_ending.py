"""Signals and closed terminals end every verb cleanly, and `nohup` is respected."""

import asyncio
import os
import pty
import select
import signal
import subprocess
import sys
import time
from contextlib import contextmanager
from pathlib import Path

import pytest

from tests.voicecli.serve.conftest import PROFILE, Server, call

pytestmark = pytest.mark.realtime

HANGUPS = [signal.SIGHUP, signal.SIGTERM, signal.SIGINT]


def family(pid):
    """The process and all below it."""
    found = [pid]
    for task in Path(f"/proc/{pid}/task").glob("*/children"):
        for child in task.read_text().split():
            found += family(int(child))
    return found


def gone(pid):
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "Z"
    except OSError:
        return True


def await_gone(pids, seconds=10):
    until = time.monotonic() + seconds
    while (left := [pid for pid in pids if not gone(pid)]) and time.monotonic() < until:
        time.sleep(0.05)
    assert left == []


@contextmanager
def server_in(folder, *options):
    server = Server(folder, "--max-calls", "1", *options)
    try:
        yield server
    finally:
        server.stop()


@pytest.mark.parametrize("number", [signal.SIGHUP, signal.SIGTERM])
def test_a_signal_to_all_of_a_servers_processes_lets_its_calls_end(tmp_path, number):
    """So does a terminal that is closed, or a service manager that stops."""

    async def scenario():
        async with call(server, "CAlast") as phone:
            await phone.hear()
            for pid in family(server.process.pid):
                os.kill(pid, number)
            server.wait_for("draining")
            if number == signal.SIGHUP:
                server.signal(number)  # kernel and shell both say so: that is not a second wish
            await phone.speak(1)
            assert server.process.poll() is None
            assert await phone.hang_up() == (1000, "the caller hung up")

    with server_in(tmp_path) as server:
        asyncio.run(scenario())
        assert server.wait() == 0
        assert "Traceback" not in server.log


def test_a_closed_terminal_ends_a_server_with_its_screen(tmp_path):
    (tmp_path / "brief.toml").write_text(PROFILE)
    child, terminal = pty.fork()
    if child == 0:
        os.chdir(Path(__file__).parents[2])
        os.environ["TERM"] = "xterm-256color"
        command = [sys.executable, "-m", "voicecli.cli", "serve", "--port", "0", "--no-record",
                   "-p", str(tmp_path / "brief.toml"), "--max-calls", "1"]  # fmt: skip
        os.execv(command[0], command)  # noqa: S606 - as a shell does
    shown, until = b"", time.monotonic() + 40
    while b"ready" not in shown and time.monotonic() < until:
        if select.select([terminal], [], [], 0.2)[0]:
            shown += os.read(terminal, 65_536)
    processes = family(child)
    os.close(terminal)
    _, status = os.waitpid(child, 0)
    assert os.waitstatus_to_exitcode(status) == 0
    assert len(processes) >= 3
    await_gone(processes)


def test_nohup_keeps_a_server_when_the_terminal_goes(tmp_path):
    before = signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with server_in(tmp_path) as server:
            server.signal(signal.SIGHUP)
            time.sleep(0.5)
            assert server.get("/readyz") == (200, "ready")
            server.signal(signal.SIGTERM)
            assert server.wait() == 0
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_server_whose_log_nobody_reads_goes_on_and_ends_well(tmp_path):
    with server_in(tmp_path, "--no-record") as server:
        os.close(os.dup(server.process.stdout.fileno()))
        server.process.stdout.close()

        async def scenario():
            async with call(server) as phone:
                await phone.hear()
                assert await phone.hang_up() == (1000, "the caller hung up")

        asyncio.run(scenario())
        server.signal(signal.SIGTERM)
        assert server.process.wait(15) == 0


@pytest.mark.parametrize("number", HANGUPS)
def test_a_replay_that_is_told_to_end_leaves_no_draft_and_says_no_traceback(tmp_path, number):
    (tmp_path / "brief.toml").write_text(PROFILE)
    out = tmp_path / "out"
    command = [sys.executable, "-m", "voicecli.cli", "replay", "plain_turns", "--realtime",
               "-p", str(tmp_path / "brief.toml"), "-o", str(out)]  # fmt: skip
    running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL)
    time.sleep(4)  # it takes the call's length
    running.send_signal(number)
    _, said = running.communicate(timeout=20)
    assert running.returncode == 130, said
    assert b"Traceback" not in said
    assert list(tmp_path.rglob(".*")) == []


@pytest.mark.parametrize("number", HANGUPS)
def test_a_dialled_call_that_is_told_to_end_ends(tmp_path, number):
    with server_in(tmp_path) as server:
        command = [sys.executable, "-m", "voicecli.cli", "dial", server.media, "plain_turns"]
        running = subprocess.Popen(command, stderr=subprocess.PIPE, stdout=subprocess.DEVNULL,
                                   cwd=Path(__file__).parents[2])  # fmt: skip
        server.wait_for("call began")
        running.send_signal(number)
        _, said = running.communicate(timeout=20)
        assert running.returncode == 130, said
        assert b"Traceback" not in said
        server.wait_for("call ended")


@pytest.mark.parametrize("number", [signal.SIGKILL, *HANGUPS])
@pytest.mark.parametrize("everybody", [False, True])
def test_a_search_that_is_told_to_end_or_killed_leaves_no_worker(tmp_path, number, everybody):
    root = Path(__file__).parents[2]
    voicecli = [sys.executable, "-m", "voicecli.cli"]
    subprocess.run([*voicecli, "replay", "plain_turns", "-p", "scripted", "-q", "-o", tmp_path],
                   cwd=root, check=True, capture_output=True)  # fmt: skip
    running = subprocess.Popen(
        [*voicecli, "tune", tmp_path / "plain_turns", "--workers", "2", "--runs", "20000"],
        cwd=root, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
    )  # fmt: skip
    until = time.monotonic() + 30
    while len(family(running.pid)) < 4 and time.monotonic() < until:  # with its helper
        time.sleep(0.05)
    time.sleep(2)
    processes = family(running.pid)
    for pid in processes if everybody and number != signal.SIGKILL else processes[:1]:
        os.kill(pid, number)
    _, said = running.communicate(timeout=30)
    assert running.returncode == (-9 if number == signal.SIGKILL else 130)
    assert b"Traceback" not in said
    await_gone(processes)
