"""G.711 µ-law for services."""

import io

import numpy as np
import soundfile

from pipelines.engines import mulaw


def through_libsndfile(codes):
    """What the library makes of µ-law bytes: an independent decoder."""
    return soundfile.read(
        io.BytesIO(codes), format="RAW", subtype="ULAW", samplerate=8000, channels=1, dtype="int16"
    )[0]


def test_the_levels_are_those_of_the_standard():
    codes = bytes(range(256))
    assert np.array_equal(mulaw.LEVELS, through_libsndfile(codes))


def test_a_phones_own_samples_come_out_as_the_bytes_they_were():
    codes = bytes(code for code in range(256) if code != 0x7F)  # 0x7F is a second code for 0
    samples = through_libsndfile(codes).astype(np.float32) / 32768.0
    assert mulaw.encode(samples) == codes


def test_any_sample_becomes_its_nearest_level_and_what_is_too_loud_the_loudest():
    samples = np.linspace(-1.2, 1.2, 4001, dtype=np.float32)
    sent = through_libsndfile(mulaw.encode(samples)).astype(int)
    nearest = np.abs(mulaw.LEVELS[None] - samples[:, None] * 32768.0).min(axis=1)
    assert np.allclose(np.abs(sent - samples * 32768.0), nearest)
