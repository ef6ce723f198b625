"""Numbers that wrap."""

from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from telephony_sim.rtp import Packetizer, Unwrapper


def test_packets_count_up_from_a_random_place_and_wrap():
    packetizer = Packetizer(np.random.default_rng(4))
    packets = [packetizer.pack(b"") for _ in range(70_000)]
    assert {packet.sequence for packet in packets} == set(range(65536))
    steps = {(b.timestamp - a.timestamp) % 2**32 for a, b in pairwise(packets)}
    assert steps == {160}


@given(st.integers(0, 65535), st.lists(st.integers(-500, 500), max_size=200))
def test_order_survives_wrapping_reordering_and_gaps(first, steps):
    unwrapper = Unwrapper(first, 16)
    highest = 0
    for step in steps:
        number = highest + step
        assert unwrapper.extend((first + number) % 65536) == number
        highest = max(highest, number)
