"""How the call and a sound card with another clock and rate stay in step."""

from itertools import pairwise

import numpy as np
import pytest
import soxr
from hypothesis import given, settings
from hypothesis import strategies as st

from pipelines.runtime.resampling import LiveResampler
from voicecli.transports.ring import Ring
from voicecli.transports.sound_card_clock_drift import Incoming, Outgoing

RATES = [8000, 11_025, 16_000, 22_050, 37_800, 44_100, 48_000, 96_000, 192_000]


def tone(rate: int, seconds: float, hertz: float = 440.0) -> np.ndarray:
    moments = np.arange(round(rate * seconds)) / rate
    return (0.4 * np.sin(2 * np.pi * hertz * moments)).astype(np.float32)


@pytest.mark.parametrize("rate", RATES)
@pytest.mark.parametrize("outward", [True, False])
def test_a_tone_keeps_its_shape_and_its_place_in_time_at_any_rate(rate, outward):
    source, target = (8000, rate) if outward else (rate, 8000)
    resampler, given_tone = LiveResampler(source, target), tone(source, 0.5)
    chunks = np.array_split(given_tone, 23)
    output = np.concatenate([resampler.process(chunk) for chunk in chunks])
    assert len(output) >= 0.495 * target
    error = output[target // 50 :] - tone(target, 0.5)[: len(output)][target // 50 :]
    assert np.sqrt(np.mean(error**2)) < 0.004


@settings(deadline=None, max_examples=25)
@given(st.sampled_from(RATES), st.lists(st.integers(0, 3000), min_size=1, max_size=12))
def test_how_the_stream_is_cut_into_chunks_does_not_matter(rate, cuts):
    audio = soxr.resample(np.random.default_rng(7).normal(0, 0.1, 4000), 8000, rate)
    audio = audio.astype(np.float32)
    whole = LiveResampler(rate, 8000).process(audio)
    pieces = LiveResampler(rate, 8000)
    edges = np.clip(np.cumsum([0, *cuts]), 0, len(audio)).tolist()
    edges.append(len(audio))
    output = [pieces.process(audio[a:b]) for a, b in pairwise(edges)]
    joined = np.concatenate(output)
    assert len(joined) == len(whole)
    assert np.allclose(joined, whole, atol=2e-3)


def run_incoming(drift: float, seconds: float, late: int = 0) -> tuple[Incoming, Ring, list]:
    """A card whose clock runs `drift` times as fast, and a call that began `late` samples late."""
    ring, rate = Ring(48_000), 48_000
    ring.write(np.zeros(late, np.float32))
    incoming = Incoming(ring, rate)
    frames, owed = [], 0.0
    for _ in range(round(seconds * 50)):
        owed += rate / 50 * drift
        while owed >= 480:  # the card calls every 10 ms of its own
            ring.write(np.zeros(480, np.float32))
            owed -= 480
        frames.append(incoming.frame())
    return incoming, ring, frames


@pytest.mark.parametrize("drift", [0.998, 1.0, 1.002])
def test_a_microphone_with_a_clock_of_its_own_never_falls_behind(drift):
    incoming, ring, frames = run_incoming(drift, 60)
    assert {frame.shape for frame in frames} == {(160,)}
    behind = (ring.written - incoming.position) / 48_000
    assert behind < 0.05


def test_what_gathered_before_the_call_is_not_heard_late():
    incoming, ring, _ = run_incoming(1.0, 3, late=24_000)
    assert (ring.written - incoming.position) / 48_000 < 0.03


def test_the_position_of_a_frame_is_that_of_its_last_sample_in_the_ring():
    ring = Ring(48_000)
    incoming = Incoming(ring, 48_000)
    ring.write(tone(48_000, 0.1))
    incoming.frame()
    incoming.frame()
    assert incoming.position == pytest.approx(2 * 960)


def play(drift: float, seconds: float, outgoing: Outgoing, ring: Ring) -> tuple[int, list[float]]:
    """A loudspeaker whose clock runs `drift` times as fast: its underruns, and delays in ms."""
    underruns, owed, delays, block = 0, 0.0, [], np.zeros(480, np.float32)
    speech, silence = tone(8000, 0.02), np.zeros(160, np.float32)
    for number in range(round(seconds * 50)):
        position = outgoing.put(speech if number % 100 < 60 else silence, underruns)
        delays.append((position - ring.read) / 48)
        owed += 960 * drift
        while owed >= 480:
            underruns += ring.read_into(block) < 480
            owed -= 480
    return underruns, delays


@pytest.mark.parametrize("drift", [0.998, 1.0, 1.0005])
def test_a_loudspeaker_with_a_clock_of_its_own_gets_neither_late_nor_hungry(drift):
    ring = Ring(48_000)
    outgoing = Outgoing(ring, 48_000, cushion=1440)
    underruns, delays = play(drift, 60, outgoing, ring)
    assert underruns <= 1
    assert max(delays[-500:]) < 60
    assert outgoing.lost == 0


def test_an_underrun_makes_the_cushion_grow_so_that_it_stays_the_only_one():
    ring = Ring(48_000)
    outgoing = Outgoing(ring, 48_000, cushion=0)
    first, _ = play(1.0005, 20, outgoing, ring)
    again, _ = play(1.0005, 20, outgoing, ring)
    assert first <= 4
    assert again <= 1


def test_a_loudspeaker_that_slept_is_not_late_for_long():
    ring = Ring(48_000)
    outgoing = Outgoing(ring, 48_000, cushion=1440)
    for _ in range(40):
        outgoing.put(np.zeros(160, np.float32), 0)  # 800 ms, and the card has not called yet
    _, delays = play(1.0, 5, outgoing, ring)
    assert delays[0] > 700
    assert delays[-1] < 60
