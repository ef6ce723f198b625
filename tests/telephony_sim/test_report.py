"""The figures that a user reads about a line."""

import numpy as np
import pytest

from telephony_sim.errors import LineError
from telephony_sim.file import process_file
from telephony_sim.line import load_line
from telephony_sim.plot import plot
from telephony_sim.report import expected_loss, report

from .helpers import line, sentence

SPEECH = sentence(30)


def figures(*chain, **ends):
    spec = line(*chain, **ends)
    return report(spec, process_file(spec, SPEECH, 8000, seed=2, drain_ms=1000))


def test_a_clean_line_has_nothing_to_report_but_the_sound():
    clean = figures()
    assert (clean.loss, clean.late, clean.concealed, clean.jitter_ms) == (0, 0, 0, 0)
    assert clean.ingress_ms == clean.hold_ms == (0, 0)
    assert clean.duration_s == pytest.approx(30, abs=0.2)


def test_loss_asked_joins_all_parts_that_lose_and_is_met():
    chain = (
        {"use": "burst_loss", "probability": 0.1, "mean_burst_packets": 3},
        {"use": "random_loss", "probability": 0.05},
        {"use": "outages", "per_minute": 6, "mean_ms": 100},
    )
    lossy = figures(*chain)
    assert lossy.loss_asked == pytest.approx(1 - 0.9 * 0.95 * (1 - 100 / 10_100))
    assert lossy.loss == pytest.approx(lossy.loss_asked, abs=0.04)
    assert lossy.concealed >= lossy.loss - 0.02
    assert 1.5 < lossy.burst_mean < 4
    assert lossy.burst_max >= 4


def test_the_hold_is_the_ingress_less_the_network():
    held = figures({"use": "delay", "delay_ms": 130}, jitter_buffer={"use": "fixed"})
    assert held.ingress_ms[0] == pytest.approx(200 + 3.75)
    assert held.hold_ms[0] == pytest.approx(200 + 3.75 - 130)


def test_noise_lowers_the_snr_that_is_reported():
    assert figures({"use": "white_noise", "snr_db": 15}).snr_db < figures().snr_db - 15


def test_each_direction_has_a_loss_of_its_own():
    spec = load_line("cellular_edge")
    assert expected_loss(spec, "uplink") > expected_loss(spec, "downlink") > 0


def test_a_plot_shows_the_call_and_leaves_nothing_on_screen(tmp_path):
    pytest.importorskip("matplotlib")
    spec = line({"use": "random_loss", "probability": 0.1})
    result = process_file(spec, sentence(2), 8000)
    plot(result, "a call", tmp_path / "call.png")
    assert (tmp_path / "call.png").stat().st_size > 10_000
    with pytest.raises(LineError, match="cannot write the plot"):
        plot(result, "a call", tmp_path / "none" / "call.png")


def test_a_plot_without_matplotlib_names_the_extra(monkeypatch, tmp_path):
    monkeypatch.setitem(__import__("sys").modules, "matplotlib", None)
    with pytest.raises(LineError, match="extra 'quality'"):
        plot(process_file(line(), np.ones(160, np.int16), 8000), "", tmp_path / "call.png")
