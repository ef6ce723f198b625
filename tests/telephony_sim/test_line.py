"""A line as its users see it."""

from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony_sim import g711
from telephony_sim.errors import LineError, SignalError
from telephony_sim.file import process_file
from telephony_sim.line import Line, load_line
from telephony_sim.spec import DIRECTIONS, line_names

from .helpers import line, sentence, voiced

SPEECH = sentence(4)
FRAMES = SPEECH.reshape(-1, 160)


def stream(spec, **options):
    one = Line(spec, **options)
    return [one.process(frame, far) for frame, far in zip(FRAMES, FRAMES[::-1], strict=True)]


def same(one, other):
    return all(
        np.array_equal(a.pcm, b.pcm) and a[1:] == b[1:] for a, b in zip(one, other, strict=True)
    )


def test_clean_is_mu_law_and_nothing_else():
    outputs = stream(load_line("clean"))
    heard = np.concatenate([output.pcm for output in outputs])
    np.testing.assert_array_equal(heard, g711.ulaw_heard(SPEECH))
    assert {output[1:] for output in outputs} == {(0.0, False, False)}


@pytest.mark.parametrize("direction", DIRECTIONS)
@pytest.mark.parametrize("name", line_names())
def test_20_ms_at_a_time_gives_exactly_what_the_whole_file_gives(name, direction):
    spec = load_line(name)
    whole = Line(spec, direction=direction).process_frames(
        SPEECH, np.ascontiguousarray(FRAMES[::-1]).reshape(-1)
    )
    assert same(stream(spec, direction=direction), whole)


@pytest.mark.parametrize("name", line_names())
def test_one_seed_reproduces_a_call_bit_for_bit_and_another_does_not(name):
    spec = load_line(name)
    first = stream(spec, seed=5)
    assert same(first, stream(spec, seed=5))
    if name != "clean":
        assert not same(first, stream(spec, seed=6))


@settings(max_examples=25, deadline=None)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=6),
    st.integers(0, 2**32),
    st.sampled_from(["fixed", "adaptive"]),
)
def test_any_cut_of_any_call_gives_the_same_bits(cuts, seed, buffer):
    spec = line(
        {"use": "band_limit"},
        {"use": "gamma_jitter", "mean_ms": 30},
        {"use": "reordering", "probability": 0.1},
        {"use": "burst_loss", "probability": 0.1},
        {"use": "agc"},
        jitter_buffer={"use": buffer},
    )
    edges = np.minimum(np.cumsum([0, *cuts, 1000]), len(FRAMES)) * 160
    cut = Line(spec, seed=seed)
    pieces = [
        output
        for start, end in pairwise(edges)
        if end > start
        for output in cut.process_frames(SPEECH[start:end])
    ]
    assert same(pieces, Line(spec, seed=seed).process_frames(SPEECH))


def test_the_two_directions_are_set_separately():
    spec = line({"use": "gain", "gain_db": -20})
    up = np.concatenate([output.pcm for output in stream(spec, direction="uplink")])
    down = np.concatenate([output.pcm for output in stream(spec, direction="downlink")])
    assert np.std(up) < 0.2 * np.std(down)


def test_parts_behind_the_packets_work_on_what_the_receiver_plays():
    loss = {"use": "random_loss", "probability": 1}
    noise = {"use": "white_noise", "snr_db": 20}
    quiet = [output.pcm.any() for output in stream(line(noise, loss))]
    noisy = [output.pcm.any() for output in stream(line(loss, noise))]
    assert not any(quiet)
    assert all(noisy)


def test_packet_degradations_that_do_not_stand_together_are_refused():
    loss = {"use": "random_loss", "probability": 0.1}
    with pytest.raises(LineError, match="next to one another"):
        Line(line(loss, {"use": "agc"}, loss))


def test_constant_delay_is_the_ingress_and_shifts_the_sound():
    spec = line({"use": "delay", "delay_ms": 100}, jitter_buffer={"use": "fixed", "delay_ms": 0})
    outputs = stream(spec)
    assert {output.ingress_ms for output in outputs[6:]} == {103.75}  # 3.75 ms: Appendix I
    heard = np.concatenate([output.pcm for output in outputs])
    shift = round(103.75 * 8)
    np.testing.assert_array_equal(heard[shift:], g711.ulaw_heard(SPEECH)[:-shift])


def test_a_lost_packet_is_flagged_in_the_tick_in_which_it_was_due():
    spec = line(
        {"use": "delay", "delay_ms": 40},
        {"use": "random_loss", "probability": 0.2},
        jitter_buffer={"use": "fixed", "delay_ms": 20},
    )
    trace = process_file(spec, SPEECH, 8000).trace
    due = np.flatnonzero(np.isnan(trace.packet_delay_ms)) + 3
    np.testing.assert_array_equal(np.flatnonzero(trace.lost), due[due < len(trace.lost)])
    np.testing.assert_array_equal(trace.lost, trace.concealed)


def test_what_chance_decided_stands_in_the_trace():
    spec = line({"use": "delay", "delay_ms": 5}, {"use": "random_loss", "probability": 0.3})
    trace = process_file(spec, SPEECH, 8000).trace
    assert list(trace.drawn) == ["0 delay", "1 random_loss"]
    np.testing.assert_array_equal(trace.drawn["1 random_loss"] > 0, np.isnan(trace.packet_delay_ms))
    assert trace.counters.lost == np.isnan(trace.packet_delay_ms).sum()


def test_drain_lets_the_delayed_end_be_heard():
    spec = load_line("satellite")
    cut = process_file(spec, voiced(1), 8000)
    whole = process_file(spec, voiced(1), 8000, drain_ms=400)
    assert len(whole.pcm) == len(cut.pcm) + 8 * 400
    np.testing.assert_array_equal(whole.pcm[: len(cut.pcm)], cut.pcm)
    assert np.abs(whole.pcm[len(cut.pcm) :]).max() > 1000


def test_other_rates_are_resampled_and_floats_scaled_at_the_files_edge():
    high = np.repeat(voiced(1).astype(float) / 32768, 2)
    result = process_file(load_line("clean"), high, 16000)
    assert len(result.sent) == 8000
    assert np.corrcoef(result.pcm, voiced(1))[0, 1] > 0.99


@pytest.mark.parametrize(
    ("pcm", "rate", "message"),
    [
        (np.zeros(0, np.int16), 8000, "empty"),
        (np.zeros((800, 2), np.int16), 8000, "one channel"),
        (np.array([0.0, np.nan]), 8000, "sample 1 is nan"),
        (np.array([0.0, np.inf]), 8000, "finite"),
        (np.zeros(800, np.int16), 0, "rate is 0 Hz"),
        (np.zeros(800, np.int32), 8000, "int32"),
    ],
)
def test_a_recording_that_no_line_can_carry_is_refused_in_one_sentence(pcm, rate, message):
    with pytest.raises(SignalError, match=message):
        process_file(load_line("clean"), pcm, rate)


@pytest.mark.parametrize(
    "frame", [np.zeros(161, np.int16), np.zeros((160, 2), np.int16), np.zeros(160), np.zeros(0)]
)
def test_a_frame_that_is_not_20_ms_of_int16_is_refused(frame):
    with pytest.raises(SignalError, match="160 int16 samples"):
        Line(load_line("clean")).process(frame)


def test_another_rate_or_direction_is_refused():
    with pytest.raises(SignalError, match="8000 Hz, not 16000"):
        Line(load_line("clean"), rate=16000)
    with pytest.raises(LineError, match="uplink, downlink"):
        Line(load_line("clean"), direction="sideways")


def test_the_far_end_must_be_as_long_as_the_near_end():
    with pytest.raises(SignalError, match="far"):
        Line(load_line("pstn")).process(FRAMES[0], SPEECH)
