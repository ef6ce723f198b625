"""The chirp: what is concluded from what came back of it."""

import numpy as np
import pytest

from voicecli.doctor.room import finding, judge, probe_sound

PROBE = probe_sound()
HISS = np.random.default_rng(5).normal(0, 1e-4, len(PROBE)).astype(np.float32)


def echo(delay_ms: int, gain: float) -> np.ndarray:
    """What a microphone hears of the probe."""
    delayed = np.concatenate([np.zeros(8 * delay_ms, np.float32), PROBE])[: len(PROBE)]
    return gain * delayed + HISS


def test_the_round_trip_is_found_to_the_millisecond():
    heard = echo(137, 0.2)
    room = judge(PROBE, heard, PROBE, HISS)
    assert room.round_trip_ms == pytest.approx(137, abs=1)
    assert room.loss_db == pytest.approx(14, abs=2)


def test_an_echo_that_the_canceller_removes_is_fine():
    room = judge(PROBE, echo(90, 0.3), PROBE, HISS)
    assert room.enhancement_db > 30
    assert finding(room).verdict == "ok"
    assert "fine" in finding(room).sentence


def test_an_echo_that_stays_calls_for_headphones():
    heard = echo(90, 0.3)
    found = finding(judge(PROBE, heard, PROBE, 0.7 * heard))
    assert found.verdict == "warning"
    assert "headphones" in found.sentence


def test_no_echo_means_headphones_are_worn():
    room = judge(PROBE, HISS, PROBE, HISS)
    assert room.round_trip_ms is None
    assert finding(room).verdict == "ok"


@pytest.mark.parametrize(("system", "hint"), [("darwin", "System Settings"), ("linux", "muted")])
def test_a_dead_microphone_is_said_with_what_to_do_on_this_system(monkeypatch, system, hint):
    monkeypatch.setattr("sys.platform", system)
    nothing = np.zeros_like(PROBE)
    found = finding(judge(PROBE, nothing, PROBE, nothing))
    assert found.verdict == "failed"
    assert hint in found.sentence
