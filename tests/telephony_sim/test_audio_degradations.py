"""What happens to samples, by the numbers asked for."""

import numpy as np
import pytest
import soundfile

from telephony_sim import g711, parts
from telephony_sim.errors import LineError
from telephony_sim.measure import active_level_dbov

from .helpers import sentence, voiced

SILENCE = np.zeros(8000 * 10)


def build(name, seed=2, **settings):
    module = parts.load("degradations", name)
    return module.build(module.Settings(**settings), np.random.default_rng(seed))


def apply(name, pcm, far=None, **settings):
    return build(name, **settings).process(np.asarray(pcm, float), SILENCE if far is None else far)


def dbov(pcm):
    return 10 * np.log10(np.mean(np.square(pcm)) / 32768**2)


def octave_levels(pcm):
    power = np.mean(np.abs(np.fft.rfft(np.reshape(pcm, (-1, 4000)), axis=1)) ** 2, axis=0)
    hertz = np.arange(2001) * 2.0
    bands = [(f / 1.2, f * 1.2) for f in (100, 200, 400, 800, 1600, 3000)]
    return np.array([10 * np.log10(power[(hertz > a) & (hertz < b)].mean()) for a, b in bands])


def test_the_telephone_band_keeps_the_mask_of_g712():
    response = build("band_limit").filter.response_db
    assert np.all(np.abs(response(np.linspace(300, 3000, 200))) <= 0.5)
    assert np.all(response(np.linspace(3000, 3400, 50)) >= -1.8)
    assert np.all(response(np.array([50.0, 60.0])) <= -24)  # mains
    assert response(np.array([3999.0]))[0] <= -14


@pytest.mark.parametrize("name", ["white_noise", "pink_noise", "hum"])
def test_noise_lies_as_far_below_nominal_speech_as_asked(name):
    assert dbov(apply(name, SILENCE, snr_db=20)) == pytest.approx(-46, abs=0.3)
    assert dbov(apply(name, SILENCE, snr_db=20, speech_dbov=-30)) == pytest.approx(-50, abs=0.3)


def test_white_noise_is_flat_and_pink_noise_falls_3_db_each_octave():
    white = octave_levels(apply("white_noise", SILENCE, snr_db=10))
    pink = octave_levels(apply("pink_noise", SILENCE, snr_db=10))
    assert np.ptp(white) < 1
    np.testing.assert_allclose(np.diff(pink), -3.01, atol=1.3)


def test_hum_is_the_mains_and_its_harmonics():
    spectrum = np.abs(np.fft.rfft(apply("hum", SILENCE, snr_db=10, mains_hz=60)))
    loudest = np.sort(np.argsort(spectrum)[-6:]) / 10
    np.testing.assert_array_equal(loudest, [60, 120, 180, 240, 300, 360])


def test_babble_loops_a_recording_at_the_snr_asked_for(tmp_path):
    path = tmp_path / "noise.flac"
    soundfile.write(path, np.stack([voiced(1)] * 2, axis=1), 16000)
    noise = apply("babble", SILENCE, file=path, snr_db=15)
    assert dbov(noise) == pytest.approx(-41, abs=0.3)
    np.testing.assert_array_equal(noise[:4000], noise[4000:8000])


def test_babble_says_which_file_it_cannot_use(tmp_path):
    path = tmp_path / "noise.wav"
    path.write_text("this is not sound", "utf-8")
    with pytest.raises(LineError, match=r"cannot read .*noise\.wav"):
        apply("babble", SILENCE, file=path, snr_db=15)
    soundfile.write(path, np.zeros(100), 8000)
    with pytest.raises(LineError, match=r"noise\.wav holds no sound"):
        apply("babble", SILENCE, file=path, snr_db=15)


def test_gain_offset_and_clipping_do_what_they_say():
    pcm = voiced(1)
    np.testing.assert_allclose(apply("gain", pcm, gain_db=-20), pcm / 10, rtol=1e-12)
    assert np.mean(apply("dc_offset", SILENCE, offset=0.1)) == pytest.approx(3276.8)
    assert np.abs(apply("clipping", 2.0 * pcm, level_dbov=-12)).max() == pytest.approx(8231, abs=1)


@pytest.mark.parametrize("level", [-40, -32, -18])
def test_agc_brings_speech_to_its_target(level):
    speech = sentence(12).astype(float)
    speech *= 10 ** ((level - active_level_dbov(sentence(12))) / 20)
    levelled = apply("agc", speech)[8000 * 4 :]
    assert active_level_dbov(np.rint(levelled).astype(np.int16)) == pytest.approx(-26, abs=2.5)


def test_agc_leaves_silence_alone_and_never_exceeds_its_gain():
    hiss = np.random.default_rng(0).standard_normal(80000) * 30
    np.testing.assert_array_equal(apply("agc", hiss), hiss)
    assert dbov(apply("agc", hiss, gate_dbov=-90)[40000:]) < dbov(hiss) + 15.1


def test_comfort_noise_replaces_silence_only_after_the_hangover():
    speech = np.concatenate((voiced(0.5), np.zeros(8000, np.int16), voiced(0.5)))
    result = apply("comfort_noise", speech, hangover_ms=200)
    np.testing.assert_array_equal(result[:5600], speech[:5600])
    assert dbov(result[6000:11000]) == pytest.approx(-65, abs=1)
    np.testing.assert_array_equal(result[12000:], speech[12000:])


def test_transcoding_is_one_trip_through_the_other_law():
    pcm = voiced(0.1)
    np.testing.assert_array_equal(apply("transcoding", pcm, law="alaw"), g711.alaw_heard(pcm))


@pytest.mark.parametrize("name", ["acoustic_echo", "hybrid_echo"])
@pytest.mark.parametrize("loss", [12.0, 40.0])
def test_echo_comes_back_as_late_and_as_soft_as_asked(name, loss):
    far = np.random.default_rng(0).standard_normal(80000) * 3000
    echo = apply(name, SILENCE, far=far, delay_ms=100, return_loss_db=loss)
    assert dbov(far) - dbov(echo) == pytest.approx(loss, abs=0.5)
    assert not echo[:800].any()
    assert echo[800] != 0


@pytest.mark.parametrize("name", ["acoustic_echo", "hybrid_echo"])
def test_a_near_echo_returns_the_talkers_own_voice(name):
    click = np.zeros(8000)
    click[0] = 10000
    result = apply(name, click, far=np.zeros(8000), delay_ms=50, of="near")
    assert result[0] == 10000
    assert np.flatnonzero(result)[1] == 400
    assert not apply(name, click, far=np.zeros(8000), delay_ms=50)[1:].any()
