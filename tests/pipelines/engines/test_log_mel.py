"""Log-mel spectrograms."""

import numpy as np
import pytest

from pipelines.engines.log_mel import log_mel

SECONDS = np.arange(16000) / 16000


def tone(hertz):
    return (0.5 * np.sin(2 * np.pi * hertz * SECONDS)).astype(np.float32)


def test_one_second_gives_a_hundred_frames_of_eighty_bands():
    features = log_mel(tone(440))
    assert features.shape == (80, 100)
    assert features.dtype == np.float32


@pytest.mark.parametrize(
    # Centres of Slaney's mel bands: 200/3 Hz a mel up to 1 kHz, then a factor of 6.4 every 27.
    ("hertz", "band"),
    [(225.0, 5), (1006.0, 26), (3000.0, 54)],
)
def test_a_tone_is_loudest_in_its_band(hertz, band):
    assert log_mel(tone(hertz))[:, 50].argmax() == band


def test_twice_the_amplitude_is_six_decibels_everywhere():
    quiet, loud = log_mel(tone(440)), log_mel(2 * tone(440))
    assert np.allclose(loud - quiet, np.log10(4) / 4, atol=1e-4)


def test_nothing_is_more_than_eighty_decibels_below_the_loudest():
    features = log_mel(tone(440))
    assert features.max() - features.min() == pytest.approx(8.0 / 4.0, abs=1e-5)


def test_values_equal_those_of_the_reference_implementation():
    # From the port of transformers' WhisperFeatureExtractor in pipecat-ai 1.14.0, without its
    # normalisation of the waveform, which is the caller's business here.
    reference = [1.25562, 0.12305, -0.17656, 0.66194, -0.66378, -0.46953]
    chirp = (0.3 * np.sin(2 * np.pi * (100 + 1500 * SECONDS) * SECONDS)).astype(np.float32)
    features = log_mel(chirp)
    places = [(0, 0), (5, 10), (26, 40), (40, 50), (60, 90), (79, 99)]
    assert [float(features[place]) for place in places] == pytest.approx(reference, abs=2e-4)
