"""Silero VAD, and that it does not go deaf in a long quiet."""

import numpy as np
import pytest

from pipelines.engines.registry import Context
from pipelines.engines.vad import silero

pytestmark = pytest.mark.weights


def scores(vad, audio):
    size = vad.frame_samples
    vad.reset()
    return np.array(
        [vad.probability(audio[i : i + size]) for i in range(0, len(audio) - size + 1, size)]
    )


@pytest.mark.parametrize(("sample_rate", "frame_samples"), [(8000, 256), (16000, 512)])
def test_fires_on_speech_and_not_on_noise_at_both_rates(
    engine_of, speech, noise, sample_rate, frame_samples
):
    vad = engine_of("vad", "silero", sample_rate=sample_rate)
    assert vad.frame_samples == frame_samples
    spoken = scores(vad, speech("Good morning, I would like to book a table.", sample_rate))
    assert np.mean(spoken[8:-8] > 0.5) > 0.7
    assert scores(vad, noise(2 * sample_rate)).max() < 0.3


def test_hears_human_speech_and_the_pauses_in_it(engine_of, human_speech):
    heard = scores(engine_of("vad", "silero"), human_speech)
    assert 0.3 < np.mean(heard > 0.5) < 0.8
    # Mr Beckett's reader pauses after "no matter" and "try again".
    assert heard[int(6.2 / 0.032) : int(6.5 / 0.032)].max() < 0.2


def test_the_end_of_one_frame_is_context_of_the_next(engine_of, noise):
    vad = engine_of("vad", "silero")
    frame = noise(512, dbfs=-10)
    silence = np.zeros(512, np.float32)
    vad.reset()
    fresh = vad.probability(frame)
    vad.reset()
    vad.probability(silence)
    assert vad.probability(frame) != fresh


def test_after_two_seconds_without_speech_it_is_as_if_fresh(engine_of, noise):
    vad = engine_of("vad", "silero", sample_rate=8000)
    frame, quiet = noise(256, dbfs=-20), noise(256, dbfs=-60)
    after = {}
    for frames in (62, 63, 10 * 63):  # 63 frames of 32 ms are two seconds
        vad.reset()
        for _ in range(frames):
            vad.probability(quiet)
        after[frames] = vad.probability(frame)
    assert after[63] == after[10 * 63]
    assert after[62] != after[63]


def test_it_may_be_told_never_to_forget(engine_of, noise):
    forgetful, never = (
        engine_of("vad", "silero", sample_rate=8000, clear_after_ms=ms) for ms in (2000, 0)
    )
    quiet = noise(256, dbfs=-60)
    for vad in (forgetful, never):
        vad.reset()
    assert [never.probability(quiet) for _ in range(63)] == [
        forgetful.probability(quiet) for _ in range(63)
    ]
    assert never.probability(quiet) != forgetful.probability(quiet)


def test_speech_is_never_cut_by_it(engine_of, human_speech):
    """Nothing changes as long as somebody speaks every two seconds."""
    vad = engine_of("vad", "silero")
    never = engine_of("vad", "silero", clear_after_ms=0)
    spoken = human_speech[: 5 * 16_000]
    assert np.array_equal(scores(vad, spoken), scores(never, spoken))


def test_it_refuses_to_forget_before_it_has_heard():
    with pytest.raises(ValueError, match="clear_after_ms must be at least 0"):
        silero.build(silero.Settings(clear_after_ms=-1), Context(locate=pytest.fail))


@pytest.mark.parametrize("sample_rate", [11025, 48000, 0])
def test_rates_that_the_model_does_not_take_are_refused(sample_rate):
    with pytest.raises(ValueError, match="sample_rate must be 8000 or 16000"):
        silero.build(silero.Settings(sample_rate=sample_rate), Context(locate=pytest.fail))
