"""Calls from one's own microphone, played by files here, and on a virtual sound card."""

import asyncio

import numpy as np
import pytest
import soundfile
from typer.testing import CliRunner

from pipelines.turn_taking.time import MILLISECOND, SECOND
from tests.voicecli import virtual_sound_card
from tests.voicecli.dial.conftest import tone
from tests.voicecli.virtual_sound_card import virtual_card
from tests.waiting import wait_for
from voicecli.carriers.errors import DialError
from voicecli.carriers.leg import AudioOut, Dtmf, LegEnded, Mark, MarkPlayed
from voicecli.cli import app
from voicecli.dial.handset import Handset, HandsetCall
from voicecli.dial.measure import Measured, measure_unscripted
from voicecli.dial.run import result_of
from voicecli.errors import UsageError

pytestmark = pytest.mark.realtime
WHY_NOT = virtual_sound_card.missing()


@pytest.fixture
def words(tmp_path):
    """Half a second of noise after a quarter of a second."""
    pcm = np.zeros(8000 * 2, np.int16)
    pcm[2000:6000] = np.random.default_rng(1).normal(0, 5000, 4000)
    soundfile.write(tmp_path / "words.wav", pcm, 8000)
    return tmp_path / "words.wav"


async def answer(agent):
    """Speak when the caller has."""
    while agent.caller_level() < 2000:
        await asyncio.sleep(0.005)
    while agent.caller_level() > 2000:
        await asyncio.sleep(0.005)
    await asyncio.sleep(0.2)
    await agent.send(AudioOut(tone(400).tobytes()))
    await agent.send(Mark("said"))


def hold(call, until):
    call.start()
    assert wait_for(until)
    call.hang_up()
    assert call.join(10)


def test_what_is_said_and_pressed_reaches_the_agent_and_its_answer_the_ear(
    stranger, words, tmp_path
):
    agent = stranger(answer)
    call = HandsetCall(Handset(agent.url, str(words), str(tmp_path / "ear.wav")), print)
    call.start()
    assert wait_for(lambda: call.user is not None and call.course.now >= SECOND)
    call.user.press("5")
    assert wait_for(lambda: MarkPlayed("said") in agent.heard)
    said = call.course.now
    assert wait_for(lambda: call.course.now >= said + SECOND // 2)
    call.hang_up()
    assert call.join(10)
    assert call.error is None
    assert call.result.ending == "caller hung up"
    assert Dtmf("5") in agent.heard
    assert MarkPlayed("said") in agent.heard
    assert isinstance(agent.heard[-1], LegEnded)
    ear, _ = soundfile.read(tmp_path / "ear.wav", dtype="int16")
    assert np.abs(ear).max() > 4000
    result = result_of(call, tmp_path / "out")
    (latency,) = result.measured.voice_to_voice
    assert 150 * MILLISECOND < latency < 600 * MILLISECOND
    assert (tmp_path / "out" / f"{result.name}.wav").is_file()


def test_nobody_there_is_one_sentence(words):
    call = HandsetCall(Handset("ws://127.0.0.1:9/media", str(words), "none"), print)
    hold(call, lambda: call.over)
    with pytest.raises(DialError, match="nobody answers"):
        result_of(call, None)


def test_a_call_can_be_given_up_before_anybody_answers(words):
    call = HandsetCall(Handset("ws://127.0.0.1:9/media", str(words), "none"), print)
    call.hang_up()
    hold(call, lambda: True)
    assert call.result is None


def test_the_command_calls_without_a_screen_and_reports(stranger, words, tmp_path):
    agent = stranger(answer)
    done = CliRunner().invoke(
        app,
        ["dial", agent.url, "--input", str(words), "--output", "none", "--max-duration", "2",
         "-o", str(tmp_path), "--json", str(tmp_path / "r.json"), "--assert", "turns == 1"],
    )  # fmt: skip
    assert done.exit_code == 0, done.output
    assert "kept: " in done.output
    assert (tmp_path / "r.json").is_file()


def test_a_microphone_is_one_call():
    done = CliRunner().invoke(app, ["dial", "ws://x", "--mic", "--calls", "2"])
    assert isinstance(done.exception, UsageError)


@pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)
def test_a_voice_in_the_room_is_answered_over_the_loudspeaker(stranger, words, tmp_path):
    agent = stranger(answer)
    with virtual_card() as card:
        recorder = card.record(tmp_path / "heard.wav")
        call = HandsetCall(Handset(agent.url), print)
        call.start()
        assert wait_for(lambda: call.course.now >= SECOND)
        card.speak(words)
        assert wait_for(lambda: MarkPlayed("said") in agent.heard)
        said = call.course.now
        assert wait_for(lambda: call.course.now >= said + SECOND // 2)
        call.hang_up()
        assert call.join(10)
        recorder.terminate()
        recorder.wait()
    assert call.error is None
    loudspeaker, _ = soundfile.read(tmp_path / "heard.wav", dtype="int16")
    assert np.abs(loudspeaker).max() > 1000
    assert len(measure_unscripted(call.stereo()).voice_to_voice) == 1


def noise(*stretches, seconds=10):
    chance, channel = np.random.default_rng(1), np.zeros(8000 * seconds, np.int16)
    for start, end in stretches:
        a, b = round(start * 8000), round(end * 8000)
        channel[a:b] = chance.normal(0, 4000, b - a)
    return channel


def test_a_pause_of_ones_own_is_not_an_unanswered_turn():
    said, heard = noise((1, 1.5), (2.2, 3), (6, 7)), noise((3.6, 4.5), (7.5, 8))
    found = measure_unscripted(np.stack([said, heard], axis=1))
    assert (found.turns, found.unanswered) == (2, 0)
    assert found.voice_to_voice == pytest.approx(
        [600 * MILLISECOND, 500 * MILLISECOND], abs=25 * MILLISECOND
    )


def test_whoever_says_it_again_had_no_answer():
    found = measure_unscripted(np.stack([noise((1, 1.5), (4.5, 5)), noise((5.5, 6))], axis=1))
    assert (found.turns, found.unanswered) == (2, 1)


def test_nothing_said_is_nothing_measured():
    assert measure_unscripted(np.zeros((0, 2), np.int16)) == Measured()
