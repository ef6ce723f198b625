"""What happens to packets, by the numbers asked for."""

import numpy as np
import pytest

from telephony_sim import parts
from telephony_sim.measure import burst_lengths
from telephony_sim.network import Network


def fates(name, count=50_000, seed=2, **settings):
    module = parts.load("degradations", name)
    part = module.build(module.Settings(**settings), np.random.default_rng(seed))
    network = Network([part])
    delay_ms, lost, copy_ms = zip(*(network.send() for _ in range(count)), strict=True)
    return np.array(delay_ms), np.array(lost), np.array(copy_ms)


@pytest.mark.parametrize("probability", [0.0, 0.01, 0.2, 1.0])
def test_random_loss_is_as_frequent_as_asked_and_independent(probability):
    lost = fates("random_loss", probability=probability)[1]
    assert lost.mean() == pytest.approx(probability, abs=0.005)
    if probability == 0.2:
        assert burst_lengths(lost).mean() == pytest.approx(1.25, abs=0.03)


@pytest.mark.parametrize(("probability", "burst"), [(0.01, 3), (0.05, 2), (0.2, 5), (0.1, 1.2)])
def test_burst_loss_has_the_share_and_the_mean_length_asked_for(probability, burst):
    lost = fates("burst_loss", 200_000, probability=probability, mean_burst_packets=burst)[1]
    assert lost.mean() == pytest.approx(probability, rel=0.08)
    assert burst_lengths(lost).mean() == pytest.approx(burst, rel=0.06)


def test_elliotts_channel_loses_some_in_both_states():
    lost = fates(
        "burst_loss",
        200_000,
        probability=0.1,
        mean_burst_packets=10,
        loss_in_bad=0.6,
        loss_in_good=0.01,
    )[1]
    assert lost.mean() == pytest.approx(0.1, rel=0.08)


def test_gamma_jitter_has_its_mean_and_spread_while_packets_do_not_meet():
    delay_ms = fates("gamma_jitter", mean_ms=4, shape=4)[0]
    assert delay_ms.mean() == pytest.approx(4, rel=0.02)
    assert delay_ms.std() == pytest.approx(2, rel=0.03)


def test_packets_in_one_queue_never_overtake_and_on_many_paths_do():
    sent = 20.0 * np.arange(50_000)
    assert np.all(np.diff(sent + fates("gamma_jitter", mean_ms=60, shape=1)[0]) >= 0)
    free = fates("gamma_jitter", mean_ms=60, shape=1, keep_order=False)[0]
    assert np.any(np.diff(sent + free) < 0)


def test_after_a_spike_the_pile_arrives_at_once():
    delay_ms = fates("jitter_spikes", per_minute=10, height_ms=200)[0]
    arrivals = 20.0 * np.arange(len(delay_ms)) + delay_ms
    assert np.all(np.diff(arrivals) > -1e-6)
    starts = np.flatnonzero(np.diff(delay_ms) > 0)
    assert len(starts) / (len(delay_ms) / 3000) == pytest.approx(10, rel=0.2)
    tall = [at + 1 for at in starts if delay_ms[at + 1] > 100]
    np.testing.assert_allclose([arrivals[at + 4] - arrivals[at] for at in tall], 0, atol=1e-6)


def test_reordering_lets_exactly_the_followers_pass():
    delay_ms = fates("reordering", 5000, probability=0.02, by_packets=2)[0]
    arrivals = 20.0 * np.arange(5000) + delay_ms
    order = np.argsort(arrivals, kind="stable")
    for packet in np.flatnonzero(delay_ms):
        if packet < 4990 and not delay_ms[packet + 1 : packet + 4].any():
            assert list(order).index(packet) - packet in (1, 2)


def test_a_copy_comes_as_much_later_as_asked():
    delay_ms, _, copy_ms = fates("duplication", probability=0.1, after_ms=7)
    copied = ~np.isnan(copy_ms)
    assert copied.mean() == pytest.approx(0.1, rel=0.05)
    np.testing.assert_array_equal(copy_ms[copied] - delay_ms[copied], 7)


def test_clocks_drift_by_parts_per_million():
    delay_ms = fates("clock_skew", 3001, ppm=100)[0]
    assert delay_ms[3000] == pytest.approx(6.0)  # 60 s, 100 ppm
    assert not fates("clock_skew", 3001, ppm=-100)[0].any()


def test_outages_come_as_often_and_last_as_long_as_asked():
    lost = fates("outages", 300_000, per_minute=3, mean_ms=500)[1]
    bursts = burst_lengths(lost)
    assert len(bursts) / 100 == pytest.approx(3, rel=0.2)
    assert bursts.mean() * 20 == pytest.approx(500, rel=0.15)


def test_a_recorded_trace_is_replayed_with_its_delays_and_holes(tmp_path):
    path = tmp_path / "trace.csv"
    path.write_text("sequence,arrival_ms\n65534,1000\n65535,1030\n1,1065\n2,1080\n", "utf-8")
    delay_ms, lost, _ = fates("recorded_delay", 10, file=path)
    np.testing.assert_array_equal(lost[:5], [False, False, True, False, False])
    np.testing.assert_allclose(delay_ms[~lost][:4], [0, 10, 5, 0])
    np.testing.assert_array_equal(lost[5:], lost[:5])
