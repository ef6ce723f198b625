"""What is checked about audio."""

import numpy as np
import pytest

from pipelines.engines.audio import checked


def test_sound_audio_is_passed_on_without_a_copy():
    pcm = np.array([0.0, 0.5, -1.0], np.float32)
    assert checked(pcm) is pcm
    assert len(checked(pcm[:0])) == 0


@pytest.mark.parametrize("broken", [np.nan, np.inf, -np.inf])
def test_broken_samples_become_silence_and_the_callers_array_stays(broken):
    pcm = np.array([0.5, broken, -0.5], np.float32)
    assert checked(pcm).tolist() == [0.5, 0.0, -0.5]
    assert not np.isfinite(pcm[1])


def test_a_length_can_be_demanded():
    assert len(checked(np.zeros(3, np.float32), samples=3)) == 3
    with pytest.raises(ValueError, match="3 samples, not 4"):
        checked(np.zeros(4, np.float32), samples=3)
