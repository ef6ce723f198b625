"""A microphone and a loudspeaker on PulseAudio's null sinks: real devices without hardware."""

import time
from collections.abc import Callable

import numpy as np
import pytest
import soundfile

from tests.voicecli import virtual_sound_card
from tests.voicecli.virtual_sound_card import virtual_card
from tests.waiting import wait_for
from voicecli.transports.sound_card import SoundCard
from voicecli.transports.sound_card_devices import SoundCardError, find_device, list_devices

WHY_NOT = virtual_sound_card.missing()
pytestmark = [pytest.mark.realtime, pytest.mark.skipif(bool(WHY_NOT), reason=WHY_NOT)]


@pytest.fixture(scope="module")
def card():
    with virtual_card() as virtual:
        yield virtual


def run(pair: SoundCard, seconds: float, frame: Callable[[int], np.ndarray]) -> list[np.ndarray]:
    """Tick as a call does; what the microphone heard."""
    heard, due = [], time.monotonic()
    for number in range(round(seconds * 50)):
        due += 0.02
        time.sleep(max(0.0, due - time.monotonic()))
        heard.append(pair.listen()[0])
        pair.played()
        pair.say(frame(number))
    return heard


def beep(number: int) -> np.ndarray:
    moments = (np.arange(160) + 160 * number) / 8000
    return (0.4 * np.sin(2 * np.pi * 440 * moments)).astype(np.float32)


def silence(number: int) -> np.ndarray:
    return np.zeros(160, np.float32)


def test_the_devices_of_the_card_are_found_and_wrong_names_refused(card):
    assert list_devices("input")[0].default
    assert find_device("output", "pulse").name == "pulse"
    with pytest.raises(SoundCardError, match='"tuba" is no loudspeaker; there are:'):
        find_device("output", "tuba")


def test_what_is_said_is_heard_at_the_loudspeaker_without_gaps(card, tmp_path):
    recorder = card.record(tmp_path / "heard.wav")
    pair = SoundCard(None, None, print)
    try:
        assert wait_for(lambda: pair.running)
        pair.go_live()
        run(pair, 3, beep)
        counters = pair.counters
        run(pair, 0.5, silence)
    finally:
        pair.close()
        recorder.terminate()
        recorder.wait()
    heard, rate = soundfile.read(tmp_path / "heard.wav", dtype="float32")
    assert rate == 8000
    loud = np.abs(heard).reshape(-1)[: len(heard) // 80 * 80].reshape(-1, 80).max(axis=1) > 0.1
    beeping = np.flatnonzero(loud)
    assert len(beeping) / 100 > 1.5
    if counters.underruns == 0:  # a busy machine may have had none to give; then gaps are counted
        assert 2.8 <= len(beeping) / 100 <= 3.2
        assert loud[beeping[0] : beeping[-1] + 1].mean() > 0.98
    assert counters.overruns == 0


def test_what_is_spoken_into_the_microphone_reaches_the_call(card, tmp_path):
    path = tmp_path / "speech.wav"
    soundfile.write(path, np.concatenate([beep(n) for n in range(75)]), 8000)
    pair = SoundCard(None, "", print)
    try:
        assert wait_for(lambda: pair.running)
        pair.go_live()
        card.speak(path)
        heard = np.concatenate(run(pair, 2.5, silence))
    finally:
        pair.close()
    loud = np.abs(heard) > 0.1
    assert 1.0 <= loud.reshape(-1, 80).any(axis=1).mean() * 2.5 <= 1.6


def test_a_card_that_goes_away_in_the_midst_of_a_call_is_replaced_with_a_notice(card):
    notices: list[str] = []
    pair = SoundCard(None, None, notices.append)
    try:
        assert wait_for(lambda: pair.running)
        pair.go_live()
        run(pair, 0.2, silence)
        pair._streams.input._stream.stop()  # as when the plug is pulled: the card calls no more
        run(pair, 3, silence)
        assert wait_for(lambda: len(notices) == 2)
        assert "unplugged" in notices[0]
        assert notices[1].startswith("Now using")
        assert wait_for(lambda: pair.running)
        run(pair, 0.2, beep)
        assert pair.counters.reopened == 1
    finally:
        pair.close()


def test_another_device_can_be_chosen_in_the_midst_of_a_call(card):
    notices: list[str] = []
    pair = SoundCard(None, None, notices.append)
    try:
        assert wait_for(lambda: pair.running)
        pair.go_live()
        pair.choose("output", "pulse")
        run(pair, 0.1, silence)
        assert wait_for(lambda: pair.running and pair.names == ("default", "pulse"))
        assert notices == ["Now using default and pulse."]
    finally:
        pair.close()
