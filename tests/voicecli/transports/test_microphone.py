"""A call on devices, here stand-ins whose delays are known: a card's buffers as plain numbers."""

import numpy as np
import pytest
import soundfile

from pipelines.turn_taking.events import CallerTyped, CallerTyping, DtmfReceived, InterruptRequested
from pipelines.turn_taking.time import MILLISECOND, from_ms, to_ms
from voicecli.errors import StorageError
from voicecli.lines import open_line
from voicecli.transports.base import FRAME
from voicecli.transports.echo_cancellation import Played, Untouched
from voicecli.transports.file_caller import PlainLeg
from voicecli.transports.microphone import MicrophoneCaller
from voicecli.transports.microphone_files import FileSink, FileSource, SilentSource


class Card:
    """Both devices: the microphone is `age` seconds late, the loudspeaker `delay` seconds."""

    def __init__(self, age: float = 0.0, delay: float = 0.0) -> None:
        self.age, self.delay = age, delay
        self.microphone = np.zeros(160, np.float32)
        self.said: list[np.ndarray] = []

    def listen(self):
        return self.microphone, self.age

    def say(self, frame):
        self.said.append(frame)
        return self.delay

    def played(self):
        return Played(np.zeros(160, np.float32))


def call(card: Card, line: str | None = None) -> MicrophoneCaller:
    legs = open_line(line, 1) if line else (PlainLeg(), PlainLeg())
    return MicrophoneCaller(card, card, Untouched(), legs)


def tick(caller: MicrophoneCaller, number: int, frame=None):
    received = caller.receive(number * FRAME)
    caller.send(frame, number * FRAME)
    return received


BEEP = np.full(160, 8000, np.int16)


def test_the_delay_of_the_microphone_is_part_of_the_way_in():
    caller = call(Card(age=0.035))
    received = [tick(caller, number) for number in range(1, 20)]
    assert {to_ms(r.ingress) for r in received} == {35.0}
    assert all(r.pcm.shape == (160,) and r.pcm.dtype == np.int16 for r in received)


def test_a_late_tick_is_not_taken_for_a_slow_microphone():
    caller = call(Card(age=0.030))
    for number in range(1, 10):
        tick(caller, number)
    late = caller.receive(10 * FRAME + 4 * MILLISECOND)
    assert to_ms(late.ingress) == pytest.approx(30, abs=0.2)


def test_the_agent_is_heard_when_the_card_plays_it_and_the_recording_has_it_there():
    caller = call(Card(delay=0.050))
    for number in range(1, 20):
        tick(caller, number, BEEP if number == 10 else None)
    assert to_ms(caller.egress) == 50
    first = int(np.flatnonzero(caller.stereo()[:, 1] > 4000)[0])
    assert first == (10 * 20 + 50) * 8


def test_the_caller_is_recorded_at_the_moment_of_speaking():
    card = Card(age=0.040)
    caller = call(card)
    for number in range(1, 20):
        card.microphone = np.full(160, 0.5 if number == 10 else 0.0, np.float32)
        tick(caller, number)
    first = int(np.flatnonzero(caller.stereo()[:, 0] > 4000)[0])
    assert first == (10 * 20 - 20 - 40) * 8


def test_a_phone_line_adds_its_own_delay_both_ways():
    caller = call(Card(age=0.030, delay=0.050), line="pstn")
    received = [tick(caller, number, BEEP) for number in range(1, 60)]
    assert received[-1].ingress > from_ms(30 + 20)
    assert caller.egress > from_ms(50 + 20)


def test_the_line_changes_in_the_midst_of_the_call():
    caller = call(Card())
    before = tick(caller, 1).ingress
    caller.change_line(open_line("pstn", 1))
    after = [tick(caller, number) for number in range(2, 40)][-1].ingress
    assert before == 0
    assert after > from_ms(20)


def test_a_muted_microphone_gives_silence():
    card = Card()
    card.microphone = np.full(160, 0.5, np.float32)
    caller = call(card)
    assert tick(caller, 1).pcm.max() > 10_000
    assert caller.levels.caller == pytest.approx(0.5, abs=0.01)
    caller.muted = True
    assert abs(tick(caller, 2).pcm).max() < 16
    assert caller.levels.caller == 0


def test_words_keys_and_requests_arrive_once_in_order_at_the_moment_of_a_tick():
    caller = call(Card())
    caller.type_text("hello")
    caller.press("5")
    caller.interrupt()
    now = FRAME
    events = caller.receive(now).events
    assert events == (CallerTyped(now, "hello"), DtmfReceived(now, "5"), InterruptRequested(now))
    assert caller.receive(2 * FRAME).events == ()


def test_writing_is_told_once_a_frame():
    caller = call(Card())
    caller.typing()
    caller.typing()
    assert caller.receive(FRAME).events == (CallerTyping(FRAME),)
    caller.typing()
    assert caller.receive(2 * FRAME).events == (CallerTyping(2 * FRAME),)


def test_hanging_up_ends_the_call():
    caller = call(Card())
    assert not caller.finished
    caller.hang_up()
    assert caller.finished


def test_a_file_is_spoken_from_the_beginning_and_followed_by_silence(tmp_path):
    path = tmp_path / "hello.wav"
    soundfile.write(path, np.full(400, 0.25), 8000, subtype="PCM_16")
    source = FileSource(path)
    frames = [source.listen()[0] for _ in range(5)]
    joined = np.concatenate(frames)
    assert joined.shape == (800,)
    assert np.allclose(joined[:400], 0.25, atol=1e-4)
    assert not joined[400:].any()
    assert source.ended


def test_a_file_takes_the_place_of_the_loudspeaker(tmp_path):
    path = tmp_path / "agent.wav"
    sink = FileSink(path)
    caller = MicrophoneCaller(SilentSource(), sink, Untouched(), (PlainLeg(), PlainLeg()))
    for number in range(1, 11):
        tick(caller, number, BEEP)
    sink.close()
    heard, rate = soundfile.read(path, dtype="int16")
    assert rate == 8000
    assert heard.shape == (1600,)
    assert abs(heard - 8000.0).max() < 200


def test_a_loudspeaker_file_that_cannot_be_written_is_one_sentence(tmp_path):
    with pytest.raises(StorageError, match="choose another file with --output"):
        FileSink(tmp_path / "nowhere" / "agent.wav")
