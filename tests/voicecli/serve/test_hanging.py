"""Processes that hang: noticed, replaced, and told from those that only had no processor."""

import asyncio
import os
import signal
from pathlib import Path
from urllib.error import HTTPError

import pytest

from tests.voicecli.serve.conftest import PROFILE, call
from voicecli.carriers.leg import AudioOut

pytestmark = pytest.mark.realtime

STUCK = """
import ctypes, pathlib, threading, time
from multiprocessing import parent_process
from voicecli.tools import tool

@tool
def wait() -> str:
    'Wait.'
    return ""

def watch():
    while not pathlib.Path({flag!r}).exists():
        time.sleep(0.05)
    pathlib.Path({flag!r}).unlink()
    ctypes.PyDLL(None).sleep(3600)  # C code that keeps the interpreter's lock

if parent_process():
    threading.Thread(target=watch, daemon=True).start()
"""
APOLOGY_BYTES = len("Sorry!") * 20 * 8


def pid_of(server, call_sid):
    return int(server.wait_for(rf"call began.*{call_sid}.*pid=(\d+)")[1])


async def apologised(phone, seconds=8):
    """What the caller hears from now until the server closes."""
    heard = len(phone.heard)
    assert await phone.closed(seconds) == (1011, "the call's process died")
    return len(phone.heard) - heard >= APOLOGY_BYTES - 160


def ready(server):
    try:
        return server.get("/readyz")[0] == 200
    except HTTPError as error:
        return error.code != 503


async def until(condition, seconds):
    async with asyncio.timeout(seconds):
        while not condition():
            await asyncio.sleep(0.1)


def test_a_stopped_process_takes_its_own_call_only_and_its_caller_hears_so(serve):
    server = serve("--max-calls", "2", "--no-record")

    async def scenario():
        async with call(server, "CAone") as one, call(server, "CAtwo") as two:
            await one.hear()
            await two.hear()
            os.kill(pid_of(server, "CAtwo"), signal.SIGSTOP)
            speaking = asyncio.create_task(one.speak(5))
            assert await apologised(two)
            await speaking
            assert await one.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())
    server.wait_for("said nothing for 3 s and was killed; another takes its place")
    assert "timed out" not in server.log


def test_an_engine_that_keeps_the_interpreters_lock_is_noticed(serve, tmp_path):
    flag, tools = tmp_path / "stuck", tmp_path / "stuck.py"
    tools.write_text(STUCK.format(flag=str(flag)))
    profile = f'{PROFILE}\n[tools]\nfile = "{tools}"\n'
    server = serve("--max-calls", "1", "--no-record", profile=profile)

    async def scenario():
        async with call(server, "CAstuck") as phone:
            await phone.hear()
            flag.touch()
            assert await apologised(phone)
        await until(lambda: ready(server), 10)
        async with call(server, "CAnext") as phone:
            await phone.hear()
            assert await phone.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())


def test_an_idle_process_that_hangs_takes_no_call_and_is_replaced(serve):
    server = serve("--max-calls", "1", "--no-record")

    async def scenario():
        async with call(server, "CAfirst") as phone:
            await phone.hear()
            await phone.hang_up()
        pid = pid_of(server, "CAfirst")
        assert ready(server)
        os.kill(pid, signal.SIGSTOP)
        await until(lambda: not ready(server), 4)
        async with call(server, "CAdoubt") as phone:
            assert await phone.closed() == (1013, "busy")
        await until(lambda: ready(server), 10)
        async with call(server, "CAnext") as phone:
            await phone.hear()
            assert pid_of(server, "CAnext") != pid
            await phone.hang_up()
        with pytest.raises(ProcessLookupError):
            os.kill(pid, 0)

    asyncio.run(scenario())
    assert server.metric("processes_died_total") == 1


def test_a_process_that_waits_for_calls_is_left_alone(serve):
    server = serve("--max-calls", "1", "--no-record")

    async def scenario():
        await asyncio.sleep(4)
        async with call(server) as phone:
            await phone.hear(AudioOut)
            await phone.speak(4)
            await phone.hang_up()

    asyncio.run(scenario())
    assert server.metric("processes_died_total") == 0


def test_a_server_that_had_no_processor_blames_none_of_its_processes(serve):
    """The whole family stands still, as on a machine that sleeps; then only the server does."""
    server = serve("--max-calls", "1", "--no-record")

    async def scenario():
        async with call(server, "CAcalm") as phone:
            await phone.hear()
            await phone.speak(0.5)
            child = pid_of(server, "CAcalm")
            for family in ((server.process.pid, child), (server.process.pid,)):
                for pid in family:
                    os.kill(pid, signal.SIGSTOP)
                await asyncio.sleep(4)
                for pid in family:
                    os.kill(pid, signal.SIGCONT)
                await phone.speak(1)
            assert await phone.hang_up() == (1000, "the caller hung up")

    asyncio.run(scenario())
    assert server.metric("processes_died_total") == 0


def test_a_process_that_is_slow_to_hang_up_is_left_alone(serve):
    """As on a machine without a processor to spare: it reports late, and has the next call."""
    server = serve("--max-calls", "1", "--no-record")

    async def scenario():
        async with call(server, "CAslow") as phone:
            await phone.hear()
            pid = pid_of(server, "CAslow")
            os.kill(pid, signal.SIGSTOP)
            assert await phone.hang_up() == (1000, "the caller hung up")
            os.kill(pid, signal.SIGCONT)
        await until(lambda: ready(server), 10)
        async with call(server, "CAnext") as phone:
            await phone.hear()
            assert pid_of(server, "CAnext") == pid
            await phone.hang_up()

    asyncio.run(scenario())
    server.wait_for("takes long to hang up")
    assert server.metric("processes_died_total") == 0


def test_a_process_that_died_leaves_no_descriptor_open(serve):
    server = serve("--max-calls", "1", "--no-record")

    def descriptors():
        return len(list(Path(f"/proc/{server.process.pid}/fd").iterdir()))

    async def scenario():
        async with call(server, "CAfirst") as phone:
            await phone.hear()
            before = descriptors()
            os.kill(pid_of(server, "CAfirst"), signal.SIGKILL)
            await phone.closed()
        await until(lambda: ready(server), 20)
        async with call(server, "CAnext") as phone:
            await phone.hear()
            assert descriptors() == before
            await phone.hang_up()

    asyncio.run(scenario())
