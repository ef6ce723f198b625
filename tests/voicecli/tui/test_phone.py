"""The screen of a call from one's own microphone; the call is made by hand."""

import asyncio

import numpy as np
import pytest

from pipelines.turn_taking.events import DtmfReceived
from pipelines.turn_taking.time import MILLISECOND, SECOND, from_ms
from voicecli.carriers.leg import AudioOut, Clear
from voicecli.dial.handset import Handset, HandsetCall
from voicecli.transports.base import FRAME
from voicecli.transports.echo_cancellation import Untouched
from voicecli.transports.file_caller import PlainLeg
from voicecli.transports.microphone import MicrophoneCaller
from voicecli.transports.microphone_files import FileSink, SilentSource
from voicecli.tui.phone import PhoneApp


@pytest.fixture
def call():
    """Two turns, answered after 600 ms and 1.6 s; the agent's audio came late once."""
    call = HandsetCall(Handset("ws://127.0.0.1:8000/media", line="pstn"), print)
    call.user = MicrophoneCaller(SilentSource(), FileSink(), Untouched(), (PlainLeg(), PlainLeg()))
    chance, stereo = np.random.default_rng(1), np.zeros((8000 * 12, 2), np.int16)
    for channel, start, end in ((0, 1, 2), (1, 2.6, 4), (0, 6, 7), (1, 8.6, 9.5)):
        a, b = round(start * 8000), round(end * 8000)
        stereo[a:b, channel] = chance.normal(0, 4000, b - a)
    call.stereo = lambda: stereo
    for at in (2600, 2620, 2680, 2700):
        call.course.buffer.take(AudioOut(b"\x00" * 160), from_ms(at))
    call.course.buffer.take(Clear(), from_ms(2710))
    call.course.now = 12 * SECOND
    call.course.lateness.extend([2 * MILLISECOND] * 20)
    return call


def show(call, *keys, size=(80, 24)):
    """The parts' texts after a measurement and these keys."""
    app = PhoneApp(call)

    async def play():
        async with app.run_test(size=size) as pilot:
            app.measure()
            await app.workers.wait_for_complete()
            await pilot.press(*keys)
            app.feed()
            await pilot.pause()
            names = ("#heading", "#answers", "#faults")
            return [str(app.query_one(name).render()) for name in names]

    return asyncio.run(play())


def test_the_ears_figures_are_shown(call):
    heading, answers, faults = show(call)
    assert "● live 0:12.0  to ws://127.0.0.1:8000/media  line pstn" in heading
    assert "p50 1,090 ms" in answers
    assert "broken" in answers.splitlines()[1]  # the last answer is on top
    assert "acceptable" in answers.splitlines()[2]
    assert "dead air 1" in faults
    assert "underruns 1" in faults
    assert "clears 1" in faults
    assert "ours 2.0 ms" in faults or "ours 2 ms" in faults


def test_it_fits_a_small_terminal_too(call):
    _, answers, _ = show(call, size=(40, 12))
    assert "p50" in answers


def test_keys_are_pressed_on_the_phone(call):
    heading, *_ = show(call, "4", "2", "number_sign", "asterisk")
    assert "pressed 42#*" in heading
    events = call.user.receive(FRAME).events
    assert events == tuple(DtmfReceived(FRAME, digit) for digit in "42#*")


def test_mute_and_hang_up(call):
    heading, *_ = show(call, "m")
    assert "MUTED" in heading
    assert call.user.muted
    show(call, "q")
    assert call.user.finished


def test_the_screen_closes_with_the_call(call):
    app = PhoneApp(call)

    async def play():
        async with app.run_test(size=(80, 24)) as pilot:
            call.over = True
            app.feed()
            await pilot.pause()

    asyncio.run(play())
    assert app.return_code == 0
