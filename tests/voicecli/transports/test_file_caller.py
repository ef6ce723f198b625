"""A call with a recorded caller: the line, what is kept of it, and how it ends."""

from collections import deque
from types import SimpleNamespace

import numpy as np
import pytest

from telephony_sim.g711 import ulaw_heard
from telephony_sim.line import Line, load_line
from voicecli.recording.audio_file import CallAudio
from voicecli.recording.labels import Cue, Turn
from voicecli.transports.base import FRAME
from voicecli.transports.file_caller import FileCaller

TURNS = (Turn(0.5, 1.0, "hello", "end_of_turn"),)


class DelayLeg:
    """A line that only delays, by whole frames, and remembers what its near end heard."""

    def __init__(self, delay_ms: int) -> None:
        self.delay_ms = delay_ms
        self.far = []
        self._under_way = deque([np.zeros(160, np.int16)] * (delay_ms // 20))

    def process(self, frame, far=None, /):
        self.far.append(far)
        self._under_way.append(frame)
        return SimpleNamespace(pcm=self._under_way.popleft(), ingress_ms=self.delay_ms)


def test_the_agent_hears_the_caller_through_mu_law_by_default(line):
    audio = line.recording(TURNS, 2.0)
    received, _ = line.drive(FileCaller(audio, TURNS), line.speaks((1.2, 1.5)))
    heard = np.concatenate([frame.pcm for frame in received])[: len(audio.caller)]
    assert np.array_equal(heard, ulaw_heard(audio.caller))
    assert not np.array_equal(heard, audio.caller)
    assert {frame.ingress for frame in received} == {0}


def test_the_lines_delay_is_reported_both_ways(line):
    caller = FileCaller(
        line.recording(TURNS, 2.0), TURNS, uplink=DelayLeg(40), downlink=DelayLeg(60)
    )
    received, _ = line.drive(caller, line.speaks((1.2, 1.5)))
    assert {frame.ingress for frame in received} == {40_000_000}
    assert caller.egress == 60_000_000


def test_both_tracks_are_kept_as_the_caller_said_and_heard_them(line):
    audio = line.recording(TURNS, 2.0)
    caller = FileCaller(audio, TURNS, downlink=DelayLeg(60))
    line.drive(caller, line.speaks((1.2, 1.4)))
    said, heard = caller.stereo().T
    assert np.array_equal(said[: len(audio.caller)], audio.caller)
    first = round((1.2 + 0.06) * 8000)
    assert not heard[:first].any()
    assert np.array_equal(heard[first : first + 1600], np.tile(line.tone, 10))
    assert not heard[first + 1600 :].any()


def test_the_line_learns_what_each_end_hears_so_that_it_can_echo(line):
    uplink, downlink = DelayLeg(0), DelayLeg(0)
    caller = FileCaller(line.recording(TURNS, 2.0), TURNS, uplink=uplink, downlink=downlink)
    line.drive(caller, line.speaks((1.2, 1.4)))
    assert np.array_equal(uplink.far[60], line.tone)  # the tick that ends at 1.22 s
    assert not uplink.far[59].any()
    assert np.array_equal(downlink.far[30], caller.stereo()[30 * 160 : 31 * 160, 0])


def test_the_caller_reacts_to_the_agent_when_it_reaches_the_ear(line):
    turns = (Turn(0.5, 1.0), Turn(3.0, 3.5))
    caller = FileCaller(line.recording(turns, 4.0), turns, downlink=DelayLeg(200))
    line.drive(caller, line.speaks((1.8, 4.8)))
    # Heard from 2.0 s, 1 s before the turn, until 5.0 s.
    assert caller.played[1].start / 1e9 == pytest.approx(6.0)


@pytest.mark.parametrize("name", ["pstn", "voip_wifi_bad"])
def test_through_a_simulated_line_the_delays_told_are_those_of_the_audio(line, name):
    spec = load_line(name)
    caller = FileCaller(
        line.recording(TURNS, 2.0),
        TURNS,
        uplink=Line(spec, seed=1, direction="uplink"),
        downlink=Line(spec, seed=1, direction="downlink"),
    )
    received, _ = line.drive(caller, line.speaks((1.6, 2.0)))
    agent_heard = np.concatenate([frame.pcm for frame in received])
    said, caller_heard = caller.stereo().T
    assert onset(agent_heard) - onset(said) == pytest.approx(received[35].ingress / 1e9, abs=0.02)
    assert onset(caller_heard) - 1.6 == pytest.approx(caller.egress / 1e9, abs=0.02)
    assert caller.egress > 0


def onset(pcm):
    """When sound begins, in seconds."""
    return np.flatnonzero(np.abs(pcm) > 600)[0] / 8000


def test_after_the_recording_the_call_lasts_until_the_answer_and_the_tail(line):
    caller = FileCaller(line.recording(TURNS, 1.2), TURNS, tail_s=2.0)
    _, ended = line.drive(caller, line.speaks((3.0, 5.0)))
    assert ended == pytest.approx(7.0, abs=0.05)


def test_a_call_that_was_answered_within_the_recording_ends_a_tail_after_it(line):
    caller = FileCaller(line.recording(TURNS, 6.0), TURNS, tail_s=2.0)
    _, ended = line.drive(caller, line.speaks((1.5, 3.0)))
    assert ended == pytest.approx(8.0, abs=0.05)


@pytest.mark.parametrize("spans", [(), ((1.5, 1000.0),)], ids=["never answers", "never stops"])
def test_a_call_does_not_outlast_the_longest_wait(line, spans):
    caller = FileCaller(line.recording(TURNS, 1.2), TURNS, max_wait_s=10.0)
    _, ended = line.drive(caller, line.speaks(*spans))
    assert ended == pytest.approx(11.2, abs=0.05)


def test_nobody_waits_for_an_answer_to_a_backchannel(line):
    turns = (*TURNS, Turn(4.0, 4.4, "uh-huh", "backchannel", Cue(500)))
    caller = FileCaller(line.recording(turns, 4.5), turns, tail_s=2.0)
    _, ended = line.drive(caller, line.speaks((1.5, 2.1)))
    assert caller.played[1].start / 1e9 == pytest.approx(2.0)
    assert ended == pytest.approx(2.5 + 2.0, abs=0.05)


def test_a_recording_without_speech_ends_a_tail_after_its_audio(line):
    _, ended = line.drive(FileCaller(line.recording((), 1.0), tail_s=2.0), line.speaks())
    assert ended == pytest.approx(3.0, abs=0.05)


def test_without_labels_the_speech_is_found_by_its_energy(line):
    turns = (Turn(1.0, 2.0), Turn(4.0, 5.0))
    caller = FileCaller(line.recording(turns, 6.0))
    line.drive(caller, line.speaks())
    starts = [segment.start / 1e9 for segment in caller.played]
    assert starts == [pytest.approx(1.0, abs=0.05), pytest.approx(4.0, abs=0.05)]


def test_a_label_beyond_the_audio_is_cut_to_it(line):
    turns = (*TURNS, Turn(1.5, 9.0), Turn(10.0, 11.0))
    caller = FileCaller(line.recording(TURNS, 2.0), turns)
    line.drive(caller, line.speaks())
    assert [segment.end / 1e9 for segment in caller.played] == [1.0, 2.0]


def test_a_caller_who_is_cut_off_in_mid_turn_has_said_that_much(line):
    caller = FileCaller(line.recording(TURNS, 2.0), TURNS)
    for tick in range(1, 36):
        caller.receive(tick * FRAME)
    assert caller.played[0].end / 1e9 == pytest.approx(0.7)
    assert not caller.finished


def test_audio_at_another_rate_is_refused():
    audio = CallAudio(np.zeros(16_000, np.int16), None, 16_000, 16_000, 1.0)
    with pytest.raises(ValueError, match="8000 Hz, not 16000"):
        FileCaller(audio)
