"""When a growing utterance is transcribed anew and where it is cut."""

import numpy as np

from pipelines.engines.asr._decode_schedule import DecodeSchedule, quietest_moment

RATE = 16000


def test_a_hypothesis_is_due_after_the_first_stretch_and_then_after_every_step():
    schedule = DecodeSchedule(first=8000, step=4800, sample_rate=RATE)
    assert not schedule.due(7999)
    assert schedule.due(8000)
    schedule.decoded(8000, cost=1_000_000)
    assert not schedule.due(12_799)
    assert schedule.due(12_800)


def test_a_decode_slower_than_the_step_stretches_the_step_to_one_and_a_half_times_its_duration():
    schedule = DecodeSchedule(first=8000, step=4800, sample_rate=RATE)
    schedule.decoded(8000, cost=400_000_000)
    assert not schedule.due(8000 + 9599)
    assert schedule.due(8000 + 9600)


def test_what_leaves_the_window_does_not_delay_the_next_hypothesis():
    schedule = DecodeSchedule(first=8000, step=4800, sample_rate=RATE)
    schedule.decoded(32_000, cost=0)
    schedule.cut(30_000)
    assert not schedule.due(6799)
    assert schedule.due(6800)


def test_a_full_window_is_cut_where_it_is_quietest_near_its_end(noise):
    window = noise(10 * RATE)
    window[2 * RATE : 2 * RATE + 640] = 0.0  # too long ago
    window[8 * RATE : 8 * RATE + 640] *= 0.01
    cut = quietest_moment(window, RATE)
    assert 8 * RATE <= cut < 8 * RATE + 640


def test_a_window_shorter_than_the_search_can_be_cut(noise):
    assert 0 <= quietest_moment(noise(RATE), RATE) < RATE
    assert quietest_moment(np.zeros(RATE, np.float32), RATE) == 0
