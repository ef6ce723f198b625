"""What arrives late is heard whole; only what exceeds the time that has passed is dropped."""

import itertools
from dataclasses import replace

import numpy as np
import pytest

from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.events import DtmfReceived, FrameScored
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.time import MILLISECOND, SECOND
from telephony_sim.g711 import ulaw_decode, ulaw_encode
from voicecli.carriers.leg import AudioIn, Dtmf
from voicecli.engines import build_engines
from voicecli.profile import load_profile
from voicecli.transports.arrivals import AT_ONCE, MAX_LATE, MAX_WAITING
from voicecli.transports.capture import Capture
from voicecli.transports.leg_call import LegCall

TICK = 20 * MILLISECOND
WORDS = 5 + np.arange(3000) % 90
"""Of each frame its µ-law code: loud, and unlike its neighbours."""


def frame(number):
    return bytes([int(WORDS[number])] * 160)


def stamp(number):
    return 20 * number


class Line:
    """A caller's end that sends a frame each 20 ms, and a network that holds them up at times."""

    def __init__(self, stamps=stamp, capture=None):
        self.call = LegCall([].append, capture)
        self.ticks = 0
        self.heard = []
        self.events = []
        self._stamps = stamps
        self._number = itertools.count()
        self._held = []

    def send(self, *numbers):
        for number in numbers:
            message = AudioIn(frame(number), self._stamps(number))
            self.call.take(message, self.ticks * TICK + MILLISECOND)

    def tick(self):
        self.ticks += 1
        received = self.call.receive(self.ticks * TICK)
        self.heard += list(received.pcm.reshape(-1, 160)[:, 0])
        self.events += received.events
        return len(received.pcm) // 160

    def speak(self, ticks, *, held=False):
        for _ in range(ticks):
            self._held.append(next(self._number))
            if not held:
                self.release()
            self.tick()

    def be_quiet(self, ticks):
        for _ in range(ticks):
            self.call.take(AudioIn(b"\xff" * 160), self.ticks * TICK + MILLISECOND)
            self.tick()

    def release(self, at_most=1000):
        out, self._held = self._held[:at_most], self._held[at_most:]
        self.send(*out)

    @property
    def numbers(self):
        """The frames heard, None for silence."""
        code = {int(ulaw_decode(np.uint8([c]))[0]): c for c in range(5, 95)}
        return [code.get(int(sample)) for sample in self.heard]


def codes(count):
    return [int(code) for code in WORDS[:count]]


STAMPS = {
    "as Twilio's": stamp,
    "missing": lambda _: 0,
    "standing still": lambda _: 4000,
    "running backwards": lambda number: 100_000 - 20 * number,
    "going back once": lambda number: 20 * number - 4000 * (number > 60),
}


@pytest.mark.parametrize("stamps", STAMPS.values(), ids=STAMPS)
@pytest.mark.parametrize("seconds", [0.1, 0.6, 1, 2, 2.4])
def test_a_stall_loses_nothing_and_leaves_no_gap(seconds, stamps):
    line = Line(stamps)
    line.speak(50)
    line.speak(round(seconds * 50), held=True)
    line.speak(50)
    assert line.numbers == codes(len(line.heard))
    assert len(line.heard) == line.ticks
    assert (line.call.counters.dropped, line.call.counters.missing) == (0, 0)


@pytest.mark.parametrize("piece", [1, 3, 10])
def test_nor_does_one_that_ends_in_pieces(piece):
    line = Line()
    line.speak(50)
    line.speak(40, held=True)
    for _ in range(60):
        line.release(piece + 1)
        line.speak(1, held=True)
    line.speak(1)
    assert line.numbers == codes(len(line.heard))
    assert len(line.heard) == line.ticks


def test_stall_after_stall_is_caught_up_with():
    line = Line()
    for ticks in (20, 7, 31, 90, 3):
        line.speak(20)
        line.speak(ticks, held=True)
    line.speak(30)
    assert line.numbers == codes(line.ticks)


def test_a_burst_is_heard_at_the_pace_of_the_hearing():
    line = Line()
    line.speak(10)
    line.speak(100, held=True)
    line.release()
    assert [line.tick() for _ in range(4)] == [AT_ONCE] * 4


def test_keys_in_the_burst_are_kept():
    line = Line()
    line.speak(10)
    line.speak(30, held=True)
    line.release(10)
    line.call.take(Dtmf("4"), line.ticks * TICK)
    line.release()
    line.call.take(Dtmf("2"), line.ticks * TICK)
    line.speak(5)
    assert [e.digit for e in line.events if isinstance(e, DtmfReceived)] == ["4", "2"]
    assert line.numbers == codes(45)


def test_nothing_is_heard_while_nothing_comes_and_then_it_was_silence():
    line = Line()
    line.speak(50)
    assert [line.tick() for _ in range(MAX_LATE)] == [0] * MAX_LATE
    assert line.tick() == MAX_LATE + 1
    assert [line.tick() for _ in range(10)] == [1] * 10
    assert line.call.counters.missing == MAX_LATE + 11


def test_what_comes_after_that_is_no_more_than_may_wait():
    line = Line()
    line.speak(50)
    line.speak(MAX_LATE + 100, held=True)
    line.release()
    assert line.call.counters.dropped == MAX_LATE + 100 - MAX_WAITING


def test_a_far_end_that_is_known_to_send_silence_is_waited_for_longer():
    line = Line(lambda _: 0)
    line.be_quiet(80)
    line.speak(10)
    line.speak(600, held=True)
    line.speak(40)
    assert line.numbers == [None] * 80 + codes(650)
    assert line.call.counters.dropped == 0


def test_a_far_end_that_leaves_silence_out_is_waited_for_only_once():
    line = Line()
    line.speak(20)
    for _ in range(MAX_LATE + 5):
        line.tick()
    line.speak(20)
    quick = [line.tick() for _ in range(20)]
    assert sum(quick) == 20
    assert quick.index(11) == 10


def test_a_far_end_that_sends_silence_again_is_waited_for_again():
    line = Line()
    line.speak(1)
    for _ in range(MAX_LATE + 5):
        line.tick()
    line.be_quiet(80)
    assert [line.tick() for _ in range(50)] == [0] * 50


def test_what_was_lost_is_silence_in_its_place():
    line = Line()
    line.speak(50)
    for _ in range(12):
        line.tick()
    line.send(*range(62, 64))
    line.tick()
    for number in range(64, 70):
        line.send(number)
        line.tick()
    expected = codes(70)
    expected[50:62] = [None] * 12
    assert line.numbers == expected[: line.ticks]
    assert line.call.counters.missing == 12


def test_without_timestamps_it_is_made_up_for_in_the_next_quiet_moment():
    line = Line(lambda _: 0)
    line.speak(50)
    for _ in range(12):
        line.tick()
    line.speak(30)
    assert line.numbers == codes(80)
    line.call.take(AudioIn(b"\xff" * 160), line.ticks * TICK)
    line.tick()
    assert len(line.heard) == line.ticks


def test_a_loud_line_is_made_up_for_within_a_second_or_so():
    line = Line(lambda _: 0)
    line.speak(50)
    for _ in range(12):
        line.tick()
    line.speak(60)
    assert len(line.heard) == line.ticks


@pytest.mark.parametrize("stamps", [stamp, lambda number: 4_000_000 * number, lambda _: 0])
def test_a_flood_is_bounded_whatever_it_says_of_its_time(stamps):
    line = Line(stamps)
    line.speak(20)
    most = 0
    for _ in range(100):
        line.send(*range(200))
        line.tick()
        most = max(most, len(line.call._arrivals._waiting))
    assert most <= MAX_WAITING
    assert len(line.heard) <= line.ticks
    assert line.call.counters.dropped > 15_000


def test_a_flood_after_a_stall_is_no_more_than_the_stall():
    line = Line()
    line.speak(20)
    line.speak(50, held=True)
    line.send(*range(400))
    assert len(line.call._arrivals._waiting) <= 50 + MAX_WAITING


def test_a_process_that_was_late_itself_drops_nothing():
    call = LegCall([].append)
    for number in range(60):
        call.take(AudioIn(frame(number), stamp(number)), number * TICK)
    heard = [len(call.receive(tick * TICK).pcm) for tick in range(1, 61)]
    assert sum(heard) == 60 * 160
    assert call.counters.dropped == 0


def test_the_recording_has_the_late_audio_where_it_was_said():
    capture = Capture()
    line = Line(capture=capture)
    line.speak(50)
    line.speak(40, held=True)
    line.speak(30)
    kept = capture.stereo()[:, 0]
    sent = ulaw_decode(np.frombuffer(b"".join(frame(n) for n in range(line.ticks)), np.uint8))
    trip = 19 * 8  # samples from the message to the tick that takes it
    assert np.array_equal(kept[160 - trip :], sent[160:])


def test_its_delay_is_not_held_against_the_line():
    line = Line()
    line.speak(10)
    line.speak(30, held=True)
    line.release()
    line.ticks += 1
    assert line.call.receive(line.ticks * TICK).ingress <= TICK


class Speaker(LegCall):
    """Somebody who speaks from 3.0 to 5.0 s and from 5.4 to 6 s, over a line that may stall."""

    def __init__(self, stalls=()):
        super().__init__([].append)
        self._stalls = stalls
        self._held = []

    def receive(self, now):
        number = now // TICK
        loud = 150 <= number < 250 or 270 <= number < 300
        wave = 8000 * np.sin(np.arange(160 * number, 160 * number + 160) / 8) * loud
        self._held.append(AudioIn(ulaw_encode(wave.astype(np.int16)).tobytes(), stamp(number)))
        if not any(start <= now / SECOND < end for start, end in self._stalls):
            for message in self._held:
                self.take(message, now)
            self._held.clear()
        if number > 600:
            self.hang_up("over")
        return super().receive(now)


def journal_of(call):
    profile, journal = load_profile("scripted"), []
    patient = replace(profile.policy.endpointing, delays_ms=((0.0, 900), (1.0, 900)))
    run_virtual(
        replace(profile.policy, endpointing=patient), build_engines(profile), call, journal.append
    )
    return journal


@pytest.mark.parametrize(
    "stalls", [[(4, 4.6)], [(4, 5)], [(4, 6)], [(5.2, 6.5)], [(3.2, 3.5), (3.9, 4.4), (5.1, 6.9)]]
)
def test_the_core_hears_the_same_as_without_the_stall(stalls):
    """Also where the caller paused in it: a turn is not over because nothing comes."""

    def heard(journal):
        frames = [entry for entry in journal if isinstance(entry, FrameScored)]
        return [(f.start, f.end, f.speech, f.sound_until) for f in frames if f.end < 11 * SECOND]

    def ended(journal):
        verdicts = [e.command for e in journal if isinstance(e, Issued)]
        verdicts = [c for c in verdicts if getattr(c, "verdict", "") == "turn_ended"]
        return [(c.speech.start, c.text) for c in verdicts]

    plain, stalled = journal_of(Speaker()), journal_of(Speaker(stalls))
    assert heard(stalled) == heard(plain)
    assert ended(stalled) == ended(plain) != []
