"""Silence around synthesised speech."""

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from pipelines.engines.trimming import SilenceTrimmer


def trimmed(audio, cuts, lead, tail):
    trimmer = SilenceTrimmer(lead=lead, tail=tail)
    chunks = [trimmer.feed(chunk) for chunk in np.split(audio, cuts)]
    return np.concatenate([*chunks, trimmer.finish()])


@given(
    st.integers(0, 50), st.integers(1, 50), st.integers(0, 50), st.integers(0, 20),
    st.integers(0, 20), st.lists(st.integers(0, 150), max_size=6),
)  # fmt: skip
def test_little_silence_is_left_in_front_and_exactly_the_tail_behind(
    before, sound, after, lead, tail, cuts
):
    loud = np.linspace(0.5, 0.1, sound, dtype=np.float32)
    loud[1:-1] *= np.arange(sound)[1:-1] % 3 > 0  # with gaps inside
    audio = np.concatenate((np.zeros(before, np.float32), loud, np.zeros(after, np.float32)))
    bounds = sorted(min(cut, len(audio)) for cut in cuts)
    expected = np.concatenate(
        (np.zeros(min(lead, before), np.float32), loud, np.zeros(tail, np.float32))
    )
    assert np.array_equal(trimmed(audio, bounds, lead, tail), expected)


def test_silence_alone_comes_to_nothing():
    assert len(trimmed(np.full(1000, 1e-4, np.float32), [300, 600], 10, 10)) == 0
