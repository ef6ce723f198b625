"""The ring between a sound card's callback and the call."""

import sys
import threading

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from voicecli.transports.ring import Ring, Stamps

steps = st.lists(
    st.tuples(st.sampled_from(["write", "read", "skip"]), st.integers(0, 40)), max_size=60
)


@given(st.integers(1, 32), steps)
def test_samples_come_out_once_and_in_order_and_none_appears_from_nowhere(capacity, todo):
    ring, following, expected = Ring(capacity), 0, []
    for what, size in todo:
        if what == "write":
            block = np.arange(following, following + size, dtype=np.float32)
            taken = ring.write(block)
            assert taken == min(size, capacity - len(expected))
            expected += block[:taken].tolist()
            following += taken
        elif what == "read":
            out = np.full(size, -1, np.float32)
            got = ring.read_into(out)
            assert out[:got].tolist() == expected[:size]
            assert np.all(out[got:] == -1)
            expected = expected[got:]
        else:
            gone = ring.skip(size)
            assert gone == min(size, len(expected))
            expected = expected[gone:]
        assert ring.filled == len(expected)


@pytest.fixture
def busy_threads():
    """Threads that take turns a thousand times as often as usual."""
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    yield
    sys.setswitchinterval(before)


@pytest.mark.usefixtures("busy_threads")
def test_two_threads_pass_a_row_of_samples_without_losing_or_repeating_one():
    ring, total = Ring(4801), 300_000
    wrong = []

    def read():
        out, following = np.zeros(333, np.float32), 0
        while following < total:
            got = ring.read_into(out)
            if not np.array_equal(out[:got], np.arange(following, following + got) % 65536):
                wrong.append(following)
                return
            following += got

    reader = threading.Thread(target=read)
    reader.start()
    written = 0
    while written < total and reader.is_alive():
        block = np.arange(written, min(total, written + 441)) % 65536
        written += ring.write(block.astype(np.float32))
    reader.join(timeout=30)
    assert not wrong
    assert not reader.is_alive()


def test_a_ring_without_room_is_refused():
    with pytest.raises(ValueError, match="at least one"):
        Ring(0)


def test_a_stamp_tells_when_any_sample_near_it_passes_the_card():
    stamps = Stamps(slots=2)
    assert stamps.time_of(0, 48_000) is None
    for block in range(5):
        stamps.put(480 * block, 10 + 0.01 * block)
    assert stamps.time_of(1920, 48_000) == pytest.approx(10.04)
    assert stamps.time_of(1920 + 24_000, 48_000) == pytest.approx(10.54)
    assert stamps.time_of(1920 - 4800, 48_000) == pytest.approx(9.94)
