"""A network's parameters, found again from its packets."""

import json

import numpy as np
import pytest

from telephony_sim.arrivals import read_arrivals
from telephony_sim.errors import LineError
from telephony_sim.file import process_file
from telephony_sim.fit import fit, line_toml
from telephony_sim.spec import load_line

from .helpers import line


def trace(tmp_path, *chain, seconds=120, sent=False):
    """A CSV of the packets that came through a simulated network, in order of arrival."""
    result = process_file(line(*chain), np.zeros(8000 * seconds, np.int16), 8000, seed=9)
    delays = result.trace.packet_delay_ms
    rows = sorted(
        (20.0 * n + delay, n) for n, delay in enumerate(delays.tolist()) if not np.isnan(delay)
    )
    header = "sequence,arrival_ms" + (",sent_ms" if sent else "")
    body = [f"{(n + 65000) % 65536},{at:.3f}" + (f",{20 * n}" if sent else "") for at, n in rows]
    path = tmp_path / "trace.csv"
    path.write_text("\n".join([header, *body]), "utf-8")
    return path


CHAIN = (
    {"use": "delay", "delay_ms": 35},
    {"use": "gamma_jitter", "mean_ms": 8, "shape": 2},
    {"use": "burst_loss", "probability": 0.05, "mean_burst_packets": 3},
)


def test_loss_bursts_delay_and_jitter_are_found_again(tmp_path):
    found = fit(read_arrivals(trace(tmp_path, *CHAIN, sent=True)))
    assert found.loss == pytest.approx(0.05, abs=0.015)
    assert found.mean_burst_packets == pytest.approx(3, rel=0.25)
    assert found.delay_ms == pytest.approx(35, abs=1)
    assert found.jitter_mean_ms == pytest.approx(8, rel=0.15)
    assert found.jitter_shape == pytest.approx(2, rel=0.35)
    assert found.spikes_per_minute == 0
    assert found.skew_ppm == 0


def test_spikes_and_clock_skew_are_found_again(tmp_path):
    chain = (
        {"use": "delay", "delay_ms": 20},
        {"use": "jitter_spikes", "per_minute": 10, "height_ms": 300},
        {"use": "clock_skew", "ppm": 200},
    )
    found = fit(read_arrivals(trace(tmp_path, *chain)))
    assert found.skew_ppm == pytest.approx(200, rel=0.1)
    assert 5 <= found.spikes_per_minute <= 12
    assert found.delay_ms is None


def test_what_was_fitted_is_a_line_that_behaves_like_the_trace(tmp_path):
    path = tmp_path / "mine.toml"
    first = fit(read_arrivals(trace(tmp_path, *CHAIN, sent=True)))
    path.write_text(line_toml(first, "trace.csv"), "utf-8")
    chain = [
        {"use": part.name, **{k: getattr(part.settings, k) for k in part.settings.__slots__}}
        for part in load_line(path).uplink.chain
    ]
    second = fit(read_arrivals(trace(tmp_path, *chain, sent=True)))
    assert second.loss == pytest.approx(first.loss, abs=0.02)
    assert second.jitter_mean_ms == pytest.approx(first.jitter_mean_ms, rel=0.2)


def test_a_journal_of_json_lines_is_read_and_other_events_passed_over(tmp_path):
    path = tmp_path / "journal.jsonl"
    events = [{"event": "CallStarted", "at": 0}]
    events += [{"sequence": n, "at": n * 20_000_000 + 1_000_000 * (n % 3)} for n in range(9)]
    path.write_text("\n".join(json.dumps(event) for event in events), "utf-8")
    np.testing.assert_allclose(read_arrivals(path).relative_delay_ms, [n % 3 for n in range(9)])


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("", "no column sequence"),
        ("sequence,arrival_ms\n1,20\n", "1 packets; a trace needs at least 2"),
        ("sequence,time\n1,20\n", "no column arrival_ms; it has: sequence, time"),
        ("sequence,arrival_ms\n1,20\nx,40\n", "line 3"),
        ("sequence,arrival_ms\n1,20\n2,nan\n", "line 3: times must be finite"),
        ('{"sequence": 1}\n', "line 1 has no arrival_ms"),
        ('{"sequence": 1\n', "line 1 is not JSON"),
        ("sequence,arrival_ms\n1,20\n32000,40\n", "jump"),
    ],
)
def test_a_bad_trace_is_refused_naming_file_and_line(tmp_path, text, message):
    path = tmp_path / "bad.csv"
    path.write_text(text, "utf-8")
    with pytest.raises(LineError, match=message) as caught:
        read_arrivals(path)
    assert "bad.csv" in str(caught.value)


def test_a_missing_or_binary_trace_is_refused(tmp_path):
    with pytest.raises(LineError, match="cannot read the trace"):
        read_arrivals(tmp_path / "none.csv")
    path = tmp_path / "sound.wav"
    path.write_bytes(b"RIFF\xff\xfe\xfa")
    with pytest.raises(LineError, match="not UTF-8 text"):
        read_arrivals(path)


HEAD = "sequence,arrival_ms,sent_ms\n"


@pytest.mark.parametrize(
    "text",
    [
        '{"sequence":1,"a":' + "[" * 200_000,
        '{"sequence":' + "9" * 5000 + ',"arrival_ms":1}',
        '{"sequence":1' + "0" * 400 + ',"arrival_ms":1}\n{"sequence":2,"arrival_ms":1}',
        '{"sequence":1e400,"arrival_ms":1}',
        '{"sequence":1,"arrival_ms":NaN}',
        '{"sequence":1,"at":1' + "0" * 400 + "}",
        '{"sequence":1,"arrival_ms":"\\ud800"}',
        '{"sequence":1,"arrival_ms":"' + "x" * 2_000_000 + '"}',
        HEAD + "1,inf,0\n2,3,4\n",
        HEAD + "1,1e308,0\n2,-1e308,0\n",
        HEAD + "1" + "0" * 400 + ",1,1\n2,1,1\n",
        HEAD + "x" * 5_000_000,
        HEAD + '"' + "1," * 500_000,
        "a," * 200_000 + "\n1",
        "\0" * 100_000,
        "[" * 200_000,
        "x" * 5_000_000,
    ],
    ids=iter(range(99)),
)
def test_a_trace_that_means_harm_is_one_short_sentence(tmp_path, text):
    path = tmp_path / "trace"
    path.write_text(text)
    with pytest.raises(LineError) as refused:
        fit(read_arrivals(path))
    assert len(str(refused.value)) < 600
