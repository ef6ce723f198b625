"""How long packets wait, and what it costs."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from telephony_sim.errors import SettingError
from telephony_sim.file import process_file
from telephony_sim.jitter_buffers import adaptive
from telephony_sim.time_stretch import TimeStretch

from .helpers import line, sentence, voiced

DELAY = {"use": "delay", "delay_ms": 50}
SPEECH = sentence(20)


def run(*chain, **buffer):
    return process_file(line(DELAY, *chain, jitter_buffer=buffer), SPEECH, 8000, seed=3).trace


def test_a_fixed_buffer_holds_what_it_is_told_and_never_changes():
    for hold, ingress in ((0, 60), (20, 80), (60, 120), (90, 140)):
        trace = run({"use": "gamma_jitter", "mean_ms": 0}, use="fixed", delay_ms=hold)
        assert set(trace.ingress_ms[10:]) == {ingress + 3.75}


def test_a_fixed_buffer_loses_what_comes_later_than_it_holds():
    jitter = {"use": "gamma_jitter", "mean_ms": 12, "shape": 1}
    late = [
        run(jitter, use="fixed", delay_ms=hold).counters.playout.late for hold in (0, 20, 40, 80)
    ]
    assert late == sorted(late, reverse=True)
    assert late[0] > 20
    assert late[-1] <= 2


def test_an_adaptive_buffer_holds_little_while_nothing_jitters():
    trace = run(use="adaptive")
    assert not trace.concealed[10:].any()
    assert np.median(trace.ingress_ms[-100:]) <= 50 + 10 + 20 + 20 + 3.75


def test_an_adaptive_buffer_grows_with_jitter_and_shrinks_after_it():
    spike = {"use": "jitter_spikes", "per_minute": 6, "height_ms": 150}
    trace = run(spike, use="adaptive", window_s=1, shrink_ms_per_s=200)
    assert trace.ingress_ms.max() > 150
    highest = int(np.argmax(trace.ingress_ms))
    assert trace.ingress_ms[highest:].min() < 110
    assert trace.counters.playout.shortened_samples > 0


def test_an_adaptive_buffer_loses_far_less_than_a_fixed_one_of_the_same_delay():
    chain = (
        {"use": "gamma_jitter", "mean_ms": 10, "shape": 1},
        {"use": "jitter_spikes", "per_minute": 10, "height_ms": 100},
    )
    fixed = run(*chain, use="fixed", delay_ms=30)
    flexible = run(*chain, use="adaptive")
    assert flexible.counters.playout.late < 0.5 * fixed.counters.playout.late


def test_without_stretching_the_delay_moves_by_whole_packets_only():
    trace = run({"use": "gamma_jitter", "mean_ms": 30}, use="adaptive", stretch=False)
    assert set(np.mod(np.diff(trace.ingress_ms[10:]), 20)) <= {0.0}


def test_the_delay_reported_is_the_delay_heard():
    spikes = {"use": "jitter_spikes", "per_minute": 20, "height_ms": 100}
    click = np.zeros(8000 * 20, np.int16)
    click[4000::8000] = 20000
    spec = line(DELAY, spikes, jitter_buffer={"use": "adaptive", "stretch": False})
    result = process_file(spec, click, 8000, seed=3)
    heard = np.flatnonzero(result.pcm > 10000)
    for at in heard:
        delay = result.trace.ingress_ms[at // 160] * 8
        assert (at - delay - 4000) % 8000 in (0, *range(7840, 8000), *range(160))


@pytest.mark.parametrize("use", ["fixed", "adaptive"])
def test_a_slow_sender_does_not_starve_the_receiver_for_good(use):
    trace = run({"use": "clock_skew", "ppm": 10_000}, use=use)
    assert trace.ingress_ms[-1] > 200
    assert trace.concealed[-200:].mean() < 0.3


def test_a_fast_sender_stops_gaining_once_its_delay_is_used_up():
    trace = run({"use": "clock_skew", "ppm": -10_000}, use="adaptive")
    assert trace.packet_delay_ms.min() == 0
    assert trace.ingress_ms[-1] < 60


@pytest.mark.parametrize("use", ["fixed", "adaptive"])
def test_reordered_packets_within_the_hold_are_played_in_order_and_duplicates_once(use):
    chain = (
        {"use": "reordering", "probability": 0.2},
        {"use": "duplication", "probability": 0.2},
    )
    hold = {"delay_ms": 60} if use == "fixed" else {"start_ms": 60, "min_ms": 60}
    trace = run(*chain, use=use, **hold)
    counters = trace.counters.playout
    assert counters.reordered > 50
    assert counters.duplicates > 50
    assert counters.late == counters.invented_frames == 0


def test_an_outage_is_concealed_and_leaves_the_delay_as_it_was():
    trace = run({"use": "outages", "per_minute": 6, "mean_ms": 300}, use="adaptive")
    assert trace.concealed.sum() > 20
    assert abs(np.median(trace.ingress_ms[-50:]) - np.median(trace.ingress_ms[10:50])) <= 40


PART = st.one_of(
    st.builds(lambda ms: {"use": "delay", "delay_ms": ms}, st.floats(0, 300)),
    st.builds(
        lambda ms, order: {"use": "gamma_jitter", "mean_ms": ms, "shape": 1, "keep_order": order},
        st.floats(0, 200),
        st.booleans(),
    ),
    st.builds(lambda ppm: {"use": "clock_skew", "ppm": ppm}, st.floats(-10_000, 10_000)),
    st.builds(
        lambda n: {"use": "reordering", "probability": 0.3, "by_packets": n}, st.integers(1, 20)
    ),
    st.builds(
        lambda ms: {"use": "duplication", "probability": 0.5, "after_ms": ms}, st.floats(0, 900)
    ),
    st.just({"use": "jitter_spikes", "per_minute": 60, "height_ms": 500}),
    st.just({"use": "burst_loss", "probability": 0.5, "mean_burst_packets": 10}),
    st.just({"use": "outages", "per_minute": 30, "mean_ms": 1500}),
)


@settings(max_examples=40, deadline=None)
@given(
    st.lists(PART, min_size=1, max_size=5),
    st.sampled_from(["fixed", "adaptive"]),
    st.integers(0, 1000),
)
def test_whatever_the_network_does_each_tick_plays_20_ms_and_packets_are_accounted_for(
    chain, use, seed
):
    result = process_file(
        line(*chain, jitter_buffer={"use": use}), SPEECH[:48_000], 8000, seed=seed
    )
    trace = result.trace
    assert len(result.pcm) == 48_000
    assert np.isfinite(trace.ingress_ms).all()
    assert trace.ingress_ms.min() >= 0
    assert trace.counters.lost == np.isnan(trace.packet_delay_ms).sum()
    assert trace.counters.lost + trace.counters.playout.late <= trace.counters.sent
    assert not (trace.lost & ~trace.concealed).any()


def test_the_target_follows_the_percentile_up_at_once_and_down_slowly():
    buffer = adaptive.build(
        adaptive.Settings(percentile=100, window_s=1, min_ms=0, start_ms=0, shrink_ms_per_s=50),
        np.random.default_rng(0),
    )
    silence = np.zeros(160, np.int16)

    def grows(delay_ms):
        buffer._stretch = TimeStretch()  # no rest from the question before
        return len(buffer.shape(silence, delay_ms)) > 160

    for transit in [20.0] * 50:
        buffer.arrived(transit)
    assert not grows(21)
    buffer.arrived(120.0)
    assert grows(90)
    for transit in [20.0] * 60:
        buffer.arrived(transit)
    assert grows(60)
    for transit in [20.0] * 60:
        buffer.arrived(transit)
    assert not grows(60)


def test_settings_out_of_range_name_key_and_range():
    with pytest.raises(SettingError, match="percentile is 30; it must be between 50 and 100"):
        adaptive.Settings(percentile=30)


@pytest.mark.parametrize("period", [45, 57, 80, 110])
def test_stretching_takes_out_or_puts_in_whole_pitch_periods(period):
    frames = voiced(0.4, period).reshape(-1, 160)
    stretch = TimeStretch()
    stretch.keep(frames[5])
    shorter = stretch.shorten(frames[6])
    assert 160 - len(shorter) in range(period - 1, 121)
    assert min((160 - len(shorter)) % period, -(160 - len(shorter)) % period) <= 1
    stretch = TimeStretch()
    stretch.keep(frames[5])
    longer = stretch.lengthen(frames[6])
    assert min((len(longer) - 160) % period, -(len(longer) - 160) % period) <= 1
    assert len(longer) > 160


def test_stretched_speech_has_no_click_where_it_was_joined():
    frames = voiced(0.4).reshape(-1, 160)
    steepest = np.abs(np.diff(voiced(0.4).astype(int))).max()
    for act in (TimeStretch.shorten, TimeStretch.lengthen):
        stretch = TimeStretch()
        stretch.keep(frames[5])
        joined = np.concatenate((frames[5], act(stretch, frames[6]), frames[7])).astype(int)
        assert np.abs(np.diff(joined)).max() < 1.2 * steepest


def test_noise_that_resembles_nothing_is_left_alone_and_silence_is_cut_most():
    noise = (np.random.default_rng(0).standard_normal(320) * 3000).astype(np.int16)
    stretch = TimeStretch()
    stretch.keep(noise[:160])
    assert len(stretch.shorten(noise[160:])) == 160
    assert len(TimeStretch().shorten(np.zeros(160, np.int16))) == 40
    assert len(TimeStretch().lengthen(np.zeros(160, np.int16))) == 280
