"""Which silence of a process speaks against it; no test here waits for it."""

import asyncio
import os
import signal
import sys
import threading

import pytest

from tests.voicecli.serve.conftest import PROFILE
from tests.waiting import wait_for
from voicecli.errors import EngineError
from voicecli.profile import load_profile
from voicecli.serve.pool import CallPool
from voicecli.serve.settings import Recording
from voicecli.serve.watchdog import CHECK_S, LOADING, WARM, Thread, Watchdog, threads_of

HANGS = """
import pathlib, time
from multiprocessing import parent_process
from voicecli.tools import tool

@tool
def wait() -> str:
    'Wait.'
    return ""

if parent_process() and pathlib.Path({flag!r}).exists():
    time.sleep(3600)
"""


def seconds_until_hung(patience, *looks):
    """How long a process lives of which these looks are seen, the last of them for ever."""
    left = list(looks)
    dog = Watchdog(lambda: left.pop(0) if len(left) > 1 else left[0])
    if patience is WARM:
        dog.heard()
    checks = 1
    while not dog.check(patience):
        checks += 1
        assert checks < 10_000
    return checks * CHECK_S


def waiting(*seconds):
    """Looks at a process one of whose threads has waited so long for a processor."""
    return [
        {"1": Thread(0.0, 0.0, False), "2": Thread(n / 100, waited, False)}
        for n, waited in enumerate(seconds)
    ]


def test_a_process_that_does_nothing_has_hung_after_three_seconds():
    assert seconds_until_hung(WARM, {"1": Thread(1.0, 0.5, False)}) == 3
    assert seconds_until_hung(WARM, {}) == 3  # a system that does not tell


def test_a_process_that_computes_for_ever_has_hung_as_soon():
    spins = [{"1": Thread(n * CHECK_S, 7.0, True)} for n in range(99)]
    assert seconds_until_hung(WARM, *spins) == 3


def test_what_a_process_waits_for_a_processor_does_not_count():
    assert seconds_until_hung(WARM, *waiting(0, 0.5, 1.0, 1.5, 2.0)) == 5
    assert seconds_until_hung(WARM, *waiting(0, 0.25, 0.5, 0.75)) == 4


def test_a_wait_that_has_not_ended_and_so_is_not_noted_does_not_count_either():
    waits = {"1": Thread(1.0, 0.5, False), "2": Thread(1.0, 0.5, True)}
    assert seconds_until_hung(WARM, waits) == WARM.most_s


def test_waits_of_before_the_silence_excuse_nothing():
    assert seconds_until_hung(WARM, {"1": Thread(1.0, 60.0, False)}) == 3


def test_patience_ends_even_with_one_that_gets_no_processor_at_all():
    assert seconds_until_hung(WARM, *waiting(*range(99))) == WARM.most_s


def test_loading_may_take_minutes_and_what_it_waits_for_a_processor_on_top():
    assert seconds_until_hung(LOADING, {"1": Thread(9.0, 0.5, False)}) == 180.5
    assert seconds_until_hung(LOADING, *waiting(60, 60)) == 180 + 60
    assert seconds_until_hung(LOADING, *waiting(*range(300, 2000))) == LOADING.most_s


def test_a_word_ends_the_silence():
    dog = Watchdog(dict)
    for _ in range(100):
        assert not any(dog.check(WARM) for _ in range(5))
        dog.heard()


@pytest.mark.skipif(sys.platform != "linux", reason="other systems have no /proc")
def test_the_system_tells_what_threads_do():
    go = threading.Event()
    thread = threading.Thread(target=go.wait)
    thread.start()

    def look(of):
        return threads_of(os.getpid())[str(of)]

    main = threading.get_native_id()
    try:
        assert wait_for(lambda: not look(thread.native_id).runnable)
        before = look(main)
        assert before.runnable
        assert wait_for(lambda: look(main).ran_s > before.ran_s)
    finally:
        go.set()
        thread.join()
    assert threads_of(2**22 + 1) == {}


@pytest.mark.realtime
def test_a_process_that_hangs_while_it_loads_is_replaced(tmp_path):
    """The processes are real; the checks of minutes are made at once."""
    flag, tools, profile = (tmp_path / name for name in ("hang", "tools.py", "brief.toml"))
    tools.write_text(HANGS.format(flag=str(flag)))
    profile.write_text(f'{PROFILE}\n[tools]\nfile = "{tools}"\n')
    troubles = []

    async def until(condition):
        async with asyncio.timeout(60):
            while not condition():
                await asyncio.sleep(0.02)

    async def scenario():
        pool = CallPool(1, load_profile(str(profile)), Recording(None), troubles.append)
        await pool.start()
        try:
            assert pool.loaded
            (first,) = pool.pids
            flag.touch()
            os.kill(first, signal.SIGKILL)
            await until(lambda: list(pool.pids.values()) == ["loading"])
            (second,) = pool.pids
            for _ in range(round(LOADING.hung_s / CHECK_S)):
                assert not pool.loaded  # what /readyz tells
                assert pool.acquire() is None
                pool.check()
            flag.unlink()
            await until(lambda: pool.idle == 1)
            assert not {first, second} & set(pool.pids)
        finally:
            await pool.close()

    asyncio.run(scenario())
    assert "ended with -9; another takes its place" in troubles[0]
    assert "was not ready after 180 s and was killed" in troubles[1]
    assert len(troubles) == 2  # each is counted and logged


@pytest.mark.realtime
def test_a_server_whose_processes_hang_from_the_first_ends_in_a_sentence(tmp_path):
    flag, tools, profile = (tmp_path / name for name in ("hang", "tools.py", "brief.toml"))
    tools.write_text(HANGS.format(flag=str(flag)))
    profile.write_text(f'{PROFILE}\n[tools]\nfile = "{tools}"\n')
    flag.touch()

    async def scenario():
        pool = CallPool(2, load_profile(str(profile)), Recording(None), print)
        starting = asyncio.create_task(pool.start())
        async with asyncio.timeout(60):
            while len(pool.pids) < 2:
                await asyncio.sleep(0.02)
        while not starting.done():
            pool.check()
            await asyncio.sleep(0)
        await starting

    with pytest.raises(EngineError, match="was not ready after 180 s and was killed"):
        asyncio.run(scenario())
