"""G.711 against its tables, itself and three independent implementations."""

import shutil
import subprocess
import warnings

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from telephony_sim import g711

ALL_PCM = np.arange(65536, dtype=np.uint16).view(np.int16).copy()
ALL_CODES = np.arange(256, dtype=np.uint8)
LAWS = {
    "ulaw": (g711.ulaw_encode, g711.ulaw_decode, g711.ulaw_heard),
    "alaw": (g711.alaw_encode, g711.alaw_decode, g711.alaw_heard),
}
SOX_NAMES = {"ulaw": "mu-law", "alaw": "a-law"}


def sox(law: str, data: bytes, *, decode: bool = False) -> bytes:
    if not shutil.which("sox"):
        pytest.skip("sox is not installed")
    linear = ["-t", "raw", "-r", "8000", "-c", "1", "-e", "signed", "-b", "16"]
    coded = ["-t", "raw", "-r", "8000", "-c", "1", "-e", SOX_NAMES[law], "-b", "8"]
    source, target = (coded, linear) if decode else (linear, coded)
    command = ["sox", "-D", *source, "-", *target, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def ffmpeg(law: str, data: bytes, *, decode: bool = False) -> bytes:
    if not shutil.which("ffmpeg"):
        pytest.skip("ffmpeg is not installed")
    coded = {"ulaw": "mulaw", "alaw": "alaw"}[law]
    source, target = (coded, "s16le") if decode else ("s16le", coded)
    command = ["ffmpeg", "-v", "error", "-f", source, "-ar", "8000", "-ac", "1", "-i", "-"]
    command += ["-f", target, "-"]
    return subprocess.run(command, input=data, capture_output=True, check=True).stdout


def audioop(law: str, data: bytes, *, decode: bool = False) -> bytes:
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)
        module = pytest.importorskip("audioop", reason="Python 3.13 has no audioop")
    return getattr(module, f"{law}2lin" if decode else f"lin2{law}")(data, 2)


def by_the_tables(law: str) -> np.ndarray:
    """All codes from the decision values printed in G.711, by search rather than by bits."""
    negative = ALL_PCM < 0
    magnitude = np.where(negative, ~ALL_PCM, ALL_PCM)
    if law == "ulaw":  # table 2: one half step, 15 steps of 2, then 16 of 4, of 8, ...
        steps = [1] + [2] * 15 + [2 << chord for chord in range(1, 8) for _ in range(16)]
        values, inverted = magnitude >> 2, 0xFF
    else:  # table 1: 32 steps of 2, then 16 of 4, of 8, ...
        steps = [2] * 16 + [2 << max(chord - 1, 0) for chord in range(1, 8) for _ in range(16)]
        values, inverted = magnitude >> 3, 0x55 ^ 0x80
    decisions = np.cumsum([0, *steps[:-1]])
    codes = np.searchsorted(decisions, values, side="right") - 1
    return (codes | np.where(negative, 0x80, 0)) ^ inverted


@pytest.mark.parametrize("reference", [sox, ffmpeg, audioop])
@pytest.mark.parametrize("law", LAWS)
def test_decodes_all_256_codes_as_every_reference_does(law, reference):
    expected = np.frombuffer(reference(law, ALL_CODES.tobytes(), decode=True), np.int16)
    np.testing.assert_array_equal(LAWS[law][1](ALL_CODES), expected)


@pytest.mark.parametrize("law", LAWS)
def test_encodes_all_65536_samples_by_the_decision_values_of_the_standard(law):
    np.testing.assert_array_equal(LAWS[law][0](ALL_PCM), by_the_tables(law))


def rounded_to_bits(bits: int) -> np.ndarray:
    step = 1 << (16 - bits)
    nearest = (ALL_PCM.astype(int) + step // 2) // step * step
    return np.clip(nearest, -32768, 32767 // step * step).astype(np.int16)


def test_a_law_equals_audioop_on_all_65536_samples():
    expected = np.frombuffer(audioop("alaw", ALL_PCM.tobytes()), np.uint8)
    np.testing.assert_array_equal(g711.alaw_encode(ALL_PCM), expected)


def test_mu_law_equals_audioop_but_for_the_side_of_negative_decision_values():
    theirs = np.frombuffer(audioop("ulaw", ALL_PCM.tobytes()), np.uint8)
    ours = g711.ulaw_encode(ALL_PCM)
    np.testing.assert_array_equal(ours[ALL_PCM >= 0], theirs[ALL_PCM >= 0])
    # audioop rounds negative samples away from zero to 14 bits, and thus is not symmetric.
    magnitude = np.clip(-(ALL_PCM.astype(int) // 4) * 4, 0, 32767)
    away = np.where(ALL_PCM < 0, ~magnitude, ALL_PCM).astype(np.int16)
    np.testing.assert_array_equal(g711.ulaw_encode(away), theirs)
    assert np.count_nonzero(ours != theirs) == 508


def test_a_law_equals_sox_once_samples_are_rounded_to_the_13_bits_that_sox_rounds_to():
    expected = np.frombuffer(sox("alaw", ALL_PCM.tobytes()), np.uint8)
    np.testing.assert_array_equal(g711.alaw_encode(rounded_to_bits(13)), expected)


@pytest.mark.parametrize(
    ("law", "reference", "differing"),
    [("ulaw", sox, 510), ("alaw", sox, 1020), ("ulaw", ffmpeg, 964), ("alaw", ffmpeg, 964)],
)
def test_other_encoders_differ_at_a_known_number_of_samples_and_only_by_one_step(
    law, reference, differing
):
    encode, decode, _ = LAWS[law]
    theirs = np.frombuffer(reference(law, ALL_PCM.tobytes()), np.uint8)
    ours = encode(ALL_PCM)
    assert np.count_nonzero(ours != theirs) == differing
    order = np.argsort(np.argsort(decode(ALL_CODES), kind="stable"))
    steps = np.abs(order[ours].astype(int) - order[theirs])
    assert steps.max() <= 2  # two where µ-law's two zeros lie between


@pytest.mark.parametrize("law", LAWS)
def test_a_decoded_code_encodes_to_itself_but_for_negative_zero(law):
    encode, decode, _ = LAWS[law]
    again = encode(decode(ALL_CODES))
    expected = np.where(ALL_CODES == 0x7F, 0xFF, ALL_CODES) if law == "ulaw" else ALL_CODES
    np.testing.assert_array_equal(again, expected)


@pytest.mark.parametrize("law", LAWS)
@given(st.lists(st.integers(-32768, 32767), max_size=50))
def test_what_is_heard_is_what_the_codes_say_and_stays_within_half_a_step(law, samples):
    encode, decode, heard = LAWS[law]
    pcm = np.array(samples, np.int16)
    np.testing.assert_array_equal(heard(pcm), decode(encode(pcm)))
    error = np.abs(heard(pcm).astype(int) - pcm)
    assert np.all(error <= np.maximum(np.abs(pcm.astype(int)) / 16, 16) + 8)


@given(st.integers(-32768, 32767), st.integers(-32768, 32767))
def test_louder_in_is_never_softer_out(one, other):
    low, high = sorted((one, other))
    for _, _, heard in LAWS.values():
        first, second = heard(np.array([low, high], np.int16))
        assert first <= second


@pytest.mark.parametrize("law", LAWS)
def test_any_shape_is_kept(law):
    encode, decode, heard = LAWS[law]
    pcm = ALL_PCM[:320].reshape(2, 160)
    assert encode(pcm).shape == heard(pcm).shape == decode(encode(pcm)).shape == (2, 160)


@pytest.mark.parametrize("law", LAWS)
def test_other_types_are_refused_rather_than_wrapped(law):
    encode, decode, _ = LAWS[law]
    with pytest.raises(TypeError, match="int16"):
        encode(np.zeros(160))
    with pytest.raises(TypeError, match="uint8"):
        decode(np.zeros(160, np.int16))
