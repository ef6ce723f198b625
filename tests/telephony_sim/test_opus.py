"""The Opus leg, its redundancy and its limits."""

import numpy as np
import pytest

from telephony_sim import libopus
from telephony_sim.codecs import opus
from telephony_sim.errors import LineError, SettingError
from telephony_sim.file import process_file
from telephony_sim.quality import common_delay

from .helpers import line, sentence

SPEECH = sentence(6)
LOSS = {"use": "random_loss", "probability": 0.1}
HOLD = {"use": "fixed", "delay_ms": 40}


def through(fec, chain=(LOSS,)):
    codec = {"use": "opus", "fec": fec, "expected_loss_percent": 20}
    return process_file(line(*chain, codec=codec, jitter_buffer=HOLD), SPEECH, 8000, seed=4)


def test_without_loss_speech_comes_through_late_by_the_stated_delay():
    result = process_file(line(codec={"use": "opus"}, jitter_buffer=HOLD), SPEECH, 8000)
    stated = round(result.trace.ingress_ms[-1] * 8)
    assert abs(common_delay(SPEECH, result.pcm) - stated) <= 2
    assert not result.trace.concealed[5:].any()


def test_redundancy_repairs_most_single_losses_and_comes_closer_to_the_original():
    repaired, concealed = through(fec=True), through(fec=False)
    lost = repaired.trace.counters.lost
    assert repaired.trace.counters.playout.repaired_frames > 0.75 * lost
    assert concealed.trace.counters.playout.repaired_frames == 0
    assert repaired.trace.lost.sum() == concealed.trace.lost.sum()
    assert repaired.trace.concealed.sum() < 0.3 * concealed.trace.concealed.sum()
    whole = through(fec=True, chain=())
    assert error(repaired, whole) < 0.5 * error(concealed, whole)


def error(result, whole):
    return np.mean(np.square(result.pcm.astype(float) - whole.pcm))


def test_more_bits_make_larger_packets():
    sizes = [
        len(opus.build(opus.Settings(bitrate_bps=rate), np.random.default_rng(0)).encode(SPEECH)[9])
        for rate in (8_000, 48_000)
    ]
    assert sizes[0] < sizes[1]


def test_a_bitrate_out_of_range_is_refused():
    with pytest.raises(SettingError, match="bitrate_bps is 100; it must be between 6000 and"):
        opus.Settings(bitrate_bps=100)


def test_a_machine_without_libopus_says_what_is_missing(monkeypatch):
    libopus._library.cache_clear()
    monkeypatch.setattr(libopus, "_candidates", lambda: ["/nowhere/libopus.so"])
    with pytest.raises(LineError, match="needs libopus"):
        libopus.Decoder()
    libopus._library.cache_clear()


def test_a_broken_packet_is_an_error_and_not_a_crash():
    with pytest.raises(LineError, match="could not decode"):
        libopus.Decoder().decode(b"\xff\xff\xff")
