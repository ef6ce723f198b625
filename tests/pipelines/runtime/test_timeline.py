"""The timeline is the audio that was written, by time."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.runtime.timeline import Timeline, to_float, to_int16
from pipelines.turn_taking.time import SECOND, from_ms

RATE = 8000


def ramp(start: int, count: int) -> np.ndarray:
    return np.arange(start, start + count).astype(np.int16)


@given(st.lists(st.integers(0, 700), max_size=30), st.integers(0, 4000), st.integers(0, 4000))
def test_what_is_still_there_reads_back_whatever_the_pieces(sizes: list[int], a: int, b: int):
    timeline = Timeline(RATE, seconds=0.25)  # 2000 samples
    written = 0
    for size in sizes:
        timeline.write(ramp(written, size))
        written += size
    start, end = min(a, b), max(a, b)
    kept = range(max(start, written - 2000, 0), min(end, written))
    got = timeline.read(timeline.time_of(start), timeline.time_of(end))
    assert got.tolist() == np.array(kept).astype(np.int16).tolist()


def test_time_is_that_of_the_samples():
    timeline = Timeline(RATE)
    timeline.write(ramp(0, 160))
    assert timeline.end == from_ms(20)
    assert timeline.index_of(from_ms(10)) == 80
    assert timeline.read(0, SECOND).shape == (160,)
    assert timeline.read(from_ms(30), from_ms(20)).shape == (0,)


def test_a_copy_is_given_so_that_later_audio_does_not_change_it():
    timeline = Timeline(RATE, seconds=0.02)
    timeline.write(ramp(0, 160))
    read = timeline.read(0, from_ms(20))
    timeline.write(np.zeros(160, np.int16))
    assert read[5] == 5


def test_conversion_clips_and_keeps_full_scale():
    assert to_int16(np.array([1.5, -1.5, 0.5], np.float32)).tolist() == [32767, -32768, 16384]
    assert to_float(np.array([-32768, 16384], np.int16)).tolist() == [-1.0, 0.5]
