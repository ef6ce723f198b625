"""A call on a media stream: frames become ticks, marks say what was heard, clear empties all.

The whole calls run on the virtual clock, with a far end that plays, echoes and clears like Twilio.
"""

import numpy as np
import pytest

from pipelines.runtime.transport import EchoingTransport
from pipelines.runtime.virtual import run_virtual
from pipelines.turn_taking.events import (
    CallEnded,
    DtmfReceived,
    MarkReached,
    PlayoutCleared,
    PlayoutStarted,
)
from pipelines.turn_taking.journal import Issued
from pipelines.turn_taking.time import MILLISECOND, SECOND
from telephony_sim.g711 import ulaw_decode, ulaw_encode
from voicecli.carriers.leg import (
    AudioIn,
    AudioOut,
    Clear,
    Dtmf,
    LegEnded,
    LegTraits,
    Mark,
    MarkPlayed,
)
from voicecli.engines import build_engines
from voicecli.profile import load_profile
from voicecli.transports.arrivals import CATCH_UP_TICKS, MAX_WAITING
from voicecli.transports.leg_call import AHEAD, LegCall

TICK = 20 * MILLISECOND


def frame(level):
    return AudioIn(ulaw_encode(np.full(160, level, np.int16)).tobytes())


def level(received):
    return int(received.pcm[0])


@pytest.fixture
def sent():
    return []


@pytest.fixture
def call(sent):
    return LegCall(sent.append)


def test_it_is_a_transport_whose_far_side_echoes(call):
    assert isinstance(call, EchoingTransport)


def test_each_tick_takes_one_frame_in_order_and_says_how_long_it_waited(call):
    heard = ulaw_decode(ulaw_encode(np.array([1000, 2000], np.int16)))
    call.take(AudioIn(frame(1000).payload + frame(2000).payload), 5 * MILLISECOND)
    first, second = call.receive(TICK), call.receive(2 * TICK)
    assert [level(first), level(second)] == list(heard)
    assert [first.ingress, second.ingress] == [15 * MILLISECOND, 35 * MILLISECOND]


def test_a_tick_without_a_frame_is_silent_and_counted(call):
    assert not call.receive(TICK).pcm.any()
    assert call.counters.missing == 1


def test_the_oldest_audio_goes_when_it_comes_faster_than_time(call):
    for number in range(MAX_WAITING + 3):
        call.take(frame(1000 * (number + 1)), 0)
    assert call.counters.dropped == 3
    assert level(call.receive(TICK)) == pytest.approx(4000, rel=0.05)


def test_delay_left_by_a_stall_is_taken_back_in_silence(call):
    for _ in range(4):
        call.take(frame(0), 0)
    for tick in range(1, 2 * CATCH_UP_TICKS + 1):
        call.receive(tick * TICK)
        call.take(frame(0), tick * TICK)
    assert call.receive(0).ingress == 0
    assert call.counters.dropped == 2


def test_speech_is_not_cut_to_catch_up(call):
    for _ in range(4):
        call.take(frame(9000), 0)
    for tick in range(1, 2 * CATCH_UP_TICKS + 1):
        call.receive(tick * TICK)
        call.take(frame(9000), tick * TICK)
    assert call.counters.dropped == 0


def test_the_far_end_is_kept_a_little_ahead_and_no_further(call):
    voice = np.full(160, 9000, np.int16)
    sent_per_tick = []
    for tick in range(1, 5):
        call.receive(tick * TICK)
        count = 0
        while call.hungry:
            call.send(voice, tick * TICK)
            count += 1
        sent_per_tick.append(count)
    assert sent_per_tick == [1 + AHEAD, 1, 1, 1]
    assert call.unheard == (1 + AHEAD) * TICK
    call.clear()
    assert call.unheard == 0


def test_silence_is_not_sent(call, sent):
    call.send(None, TICK)
    call.send(np.zeros(160, np.int16), 2 * TICK)
    assert sent == [AudioOut(b"\xff" * 160)]


def test_an_echoed_mark_says_which_clause_was_heard_and_how_far_away_the_caller_is(call, sent):
    call.receive(TICK)
    call.send(np.full(160, 9000, np.int16), TICK)
    call.mark(7)
    call.take(
        MarkPlayed(sent[-1].name), TICK + 60 * MILLISECOND
    )  # the frame before it played for 20 of them
    assert call.receive(5 * TICK).events == (MarkReached(5 * TICK, 7),)
    assert call.egress == 20 * MILLISECOND


def test_marks_echoed_because_of_a_clear_were_not_heard(call, sent):
    call.mark(7)
    mark = MarkPlayed(sent[-1].name)
    call.clear()
    assert sent[-1] == Clear()
    call.take(mark, TICK)
    call.take(MarkPlayed("made up"), TICK)
    assert call.receive(TICK).events == ()


def test_where_nobody_speaks_of_marks_a_clause_is_heard_when_its_audio_has_had_its_time(sent):
    call = LegCall(sent.append, traits=LegTraits(marks=False))
    for _ in range(1 + AHEAD):
        call.send(np.full(160, 9000, np.int16), 0)
    call.mark(7)
    events = [call.receive(tick * TICK).events for tick in range(1, 6)]
    assert events == [(), (), (MarkReached(3 * TICK, 7),), (), ()]
    assert not [each for each in sent if isinstance(each, Mark)]
    call.send(np.full(160, 9000, np.int16), 0)
    call.mark(8)
    call.clear()
    assert [call.receive(tick * TICK).events for tick in range(6, 9)] == [()] * 3


def test_what_a_far_end_cannot_forget_it_still_has_to_play(sent):
    call = LegCall(sent.append, traits=LegTraits(clears=False))
    call.send(np.full(160, 9000, np.int16), 0)
    call.clear()
    assert call.unheard == TICK


@pytest.mark.parametrize("encoding", ["ulaw", "alaw", "l16"])
def test_audio_goes_both_ways_in_the_encoding_of_the_leg(sent, encoding):
    traits = LegTraits(encoding)
    call = LegCall(sent.append, traits=traits)
    wave = (9000 * np.sin(np.arange(160) / 5)).astype(np.int16)
    call.take(AudioIn(traits.encode(wave), None), 0)
    heard = call.receive(TICK).pcm
    call.send(wave, TICK)
    assert np.abs(heard.astype(int) - wave).max() < 400
    assert sent == [AudioOut(traits.encode(wave))]
    assert np.array_equal(traits.decode(sent[0].payload), heard)


def test_without_timestamps_nothing_is_taken_for_lost(call):
    for number in range(10):
        call.take(AudioIn(frame(1000).payload, None), number * TICK)
        call.receive((number + 1) * TICK)
    assert (call.counters.missing, call.counters.dropped) == (0, 0)


def test_keys_reach_the_core(call):
    call.take(Dtmf("4"), 0)
    call.take(Dtmf("#"), 0)
    assert call.receive(TICK).events == (DtmfReceived(TICK, "4"), DtmfReceived(TICK, "#"))


def test_a_flood_of_keys_is_bounded(call):
    for _ in range(10_000):
        call.take(Dtmf("1"), 0)
    assert len(call.receive(TICK).events) < 100


def test_the_first_cause_of_a_hang_up_counts(call):
    call.hang_up("the call lasted too long")
    call.take(LegEnded(), 0)
    assert call.finished
    assert call.hangup_cause == "the call lasted too long"


# -- whole calls ------------------------------------------------------------------------------


class FarEnd(LegCall):
    """With a caller's end in virtual time that plays `delay` later, echoes marks and clears."""

    def __init__(self, speaks, hangs_up_at, *, delay=40 * MILLISECOND, echoes=True):
        super().__init__(self._arrived)
        self.played = []
        self._speaks, self._hangs_up_at = speaks, hangs_up_at
        self._delay, self._echoes = delay, echoes
        self._buffer = []
        self._free_at = 0
        self._clock = 0

    def _arrived(self, message):
        arrival = self._clock + self._delay
        if isinstance(message, Clear):
            self.played = [(at, m) for at, m in self.played if at < arrival]
            self._free_at = arrival
            self._buffer = [(arrival, m) for _, m in self._buffer]
        elif isinstance(message, AudioOut):
            start = max(arrival, self._free_at)
            self._free_at = start + TICK
            self.played.append((start, message))
        elif self._echoes and isinstance(message, Mark):
            self._buffer.append((self._free_at + self._delay, MarkPlayed(message.name)))

    def receive(self, now):
        self._clock = now
        loud = any(start <= now < end for start, end in self._speaks)
        self.take(frame(8000 if loud else 0), now)
        for due, message in list(self._buffer):
            if due <= now:
                self._buffer.remove((due, message))
                self.take(message, now)
        if now >= self._hangs_up_at:
            self.take(LegEnded(), now)
        return super().receive(now)


def ring(far):
    profile = load_profile("scripted")
    journal = []
    run_virtual(profile.policy, build_engines(profile), far, journal.append)
    return journal


def decisions(journal, verdict):
    return [
        entry
        for entry in journal
        if isinstance(entry, Issued) and getattr(entry.command, "verdict", "") == verdict
    ]


def test_a_clause_counts_as_heard_when_its_mark_comes_back():
    journal = ring(FarEnd([], 4 * SECOND))
    first = next(e for e in journal if isinstance(e, PlayoutStarted))
    marks = [e for e in journal if isinstance(e, MarkReached)]
    done = decisions(journal, "agent_done")[0].command
    assert done.heard == done.written == "Hello, how can I help?"
    # 22 characters of 60 ms, 40 ms there and 40 ms back, one tick to see it
    assert marks[-1].at - first.at == pytest.approx(
        22 * 60 * MILLISECOND + 80 * MILLISECOND, abs=TICK
    )


def test_without_echoes_the_agent_goes_on_after_a_while():
    journal = ring(FarEnd([(7 * SECOND, 8 * SECOND)], 14 * SECOND, echoes=False))
    assert not [e for e in journal if isinstance(e, MarkReached)]
    assert decisions(journal, "marks_assumed")
    assert decisions(journal, "turn_ended")


def test_an_interruption_empties_the_far_buffer_and_keeps_only_what_was_heard():
    far = FarEnd([(0.3 * SECOND, 2 * SECOND)], 5 * SECOND)
    journal = ring(far)
    cleared = next(e for e in journal if isinstance(e, PlayoutCleared))
    done = decisions(journal, "agent_done")[0].command.reason.numbers
    assert 0 < done["heard_words"] < done["written_words"]
    during = [at for at, _ in far.played if at <= cleared.at + 100 * MILLISECOND]
    assert max(during) < cleared.at + 60 * MILLISECOND


def test_the_journal_says_why_the_call_ended():
    far = FarEnd([], 60 * SECOND)
    far.hang_up("the server is shutting down")
    assert ring(far)[-1] == CallEnded(TICK, "the server is shutting down")
