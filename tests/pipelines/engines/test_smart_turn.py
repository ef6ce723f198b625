"""Smart Turn."""

import numpy as np
import pytest

from pipelines.engines.registry import Context
from pipelines.engines.turn_detector import smart_turn


@pytest.fixture
def judge(engine_of):
    detector = engine_of("turn_detector", "smart_turn")
    return lambda audio: detector.end_of_turn((), "", audio)


@pytest.mark.weights
def test_ends_of_phrases_sound_more_finished_than_their_middles(judge, human_speech):
    def at(seconds):
        return judge(human_speech[: int(seconds * 16000)])

    ends = [at(seconds) for seconds in (1.5, 3.25, 9.5)]  # "tried.", "failed.", "better."
    middles = [at(seconds) for seconds in (1.0, 2.0, 8.5)]
    assert min(ends) > 0.5 > max(middles)


@pytest.mark.weights
def test_only_the_last_eight_seconds_count(judge, human_speech, noise):
    last = human_speech[-8 * 16000 :]
    assert judge(np.concatenate((noise(16000), last))) == judge(last)


@pytest.mark.weights
def test_loudness_makes_no_difference(judge, human_speech):
    assert judge(0.2 * human_speech) == pytest.approx(judge(human_speech), abs=0.02)


def test_less_than_one_thread_is_refused():
    with pytest.raises(ValueError, match="threads"):
        smart_turn.build(smart_turn.Settings(threads=0), Context(locate=pytest.fail))
